//! Boxes over the window, one file each: a path to type, questions, exports, keys, what this program is.

mod about;
mod batch;
mod export;
mod keys;
mod learn;
mod model_card;
mod motion;
mod palette;
mod path;
mod preferences;
mod presets;
mod random_faces;
mod recover;
mod unsaved;

use std::path::PathBuf;

use egui::Ui;

use super::{Command, Context, theme};
use crate::language::tr;
use crate::workbench::{Action, Overwriting, Question};

pub(super) use export::ExportBox;
use keys::KeysBox;
use learn::LearnBox;
use palette::Palette;
pub(super) use path::PathBox;
use presets::PresetsBox;
use random_faces::RandomFaces;

/// The box that is open.
pub(super) enum Modal {
    /// A path to type.
    Path(PathBox),
    /// Every command, to be found by its name.
    Palette(Palette),
    /// Whether to save before this is done.
    Unsaved(Action),
    /// Whether to write over what is there.
    Overwrite(Overwriting),
    /// Whether to stop the batch and quit.
    StopBatch,
    /// What a crash left.
    Recover,
    /// Random faces, to pick from.
    RandomFaces(RandomFaces),
    /// A slider to be learned from faces.
    Learn(Box<LearnBox>),
    /// What to write of the picture, and how.
    Export(ExportBox),
    /// What to write of the motion between two faces.
    Motion,
    /// Which photos the edit is applied to, and how far that is.
    Batch,
    /// Brushes and adjustments that have a name.
    Presets(PresetsBox),
    /// Every key.
    Keys(KeysBox),
    /// Everything that can be set.
    Preferences,
    /// What this program is.
    About,
    /// What is written about the model.
    ModelCard,
}

impl Modal {
    /// The palette as it opens.
    pub fn palette() -> Self {
        Self::Palette(Palette::default())
    }

    /// The random faces as they open: as far from the average face as is usual for the model.
    pub fn random_faces(usual_truncation: f32) -> Self {
        Self::RandomFaces(RandomFaces::new(usual_truncation))
    }

    /// The lesson as it opens.
    pub fn learn(usual_truncation: f32) -> Self {
        Self::Learn(Box::new(LearnBox::new(usual_truncation)))
    }

    /// The presets as they open.
    pub fn presets() -> Self {
        Self::Presets(PresetsBox::default())
    }

    /// The keys as they open.
    pub fn keys() -> Self {
        Self::Keys(KeysBox::default())
    }

    /// Each box has an id of its own, as egui remembers the size of the last one.
    fn id(&self) -> egui::Id {
        egui::Id::unique(match self {
            Self::Path(_) => "path box",
            Self::Palette(_) => "palette",
            Self::Unsaved(_) => "unsaved",
            Self::Overwrite(_) => "overwrite",
            Self::StopBatch => "stop batch",
            Self::Recover => "recover",
            Self::RandomFaces(_) => "random faces",
            Self::Learn(_) => "learn",
            Self::Export(_) => "export",
            Self::Motion => "motion",
            Self::Batch => "batch",
            Self::Presets(_) => "presets",
            Self::Keys(_) => "keys",
            Self::Preferences => "preferences",
            Self::About => "about",
            Self::ModelCard => "model card",
        })
    }
}

/// What a box decided in this frame.
pub(super) enum Outcome {
    /// It stays open.
    Stay,
    /// It closes.
    Close,
    /// It closes, and this is done.
    Send(Command),
    /// It closes, and this is the answer to its question.
    Answer(Question, PathBuf),
}

impl Context<'_> {
    /// Draws the box that is open, if one is.
    pub fn modal_ui(&mut self, ctx: &egui::Context, open: &mut Option<Modal>) {
        let Some(mut modal) = open.take() else { return };
        let response = egui::Modal::new(modal.id())
            .frame(egui::Frame::window(&ctx.global_style()).inner_margin(egui::Margin::same(20)))
            .show(ctx, |ui| match &mut modal {
                Modal::Path(path_box) => path::path_ui(ui, path_box),
                Modal::Palette(palette) => self.palette_ui(ui, palette),
                Modal::Unsaved(next) => self.unsaved_ui(ui, next),
                Modal::Overwrite(overwriting) => self.overwrite_ui(ui, overwriting),
                Modal::StopBatch => self.stop_batch_ui(ui),
                Modal::Recover => self.recover_ui(ui),
                Modal::RandomFaces(random) => self.random_faces_ui(ui, random),
                Modal::Learn(learn_box) => self.learn_ui(ui, learn_box),
                Modal::Export(export_box) => self.export_ui(ui, export_box),
                Modal::Motion => self.motion_ui(ui),
                Modal::Batch => self.batch_ui(ui),
                Modal::Presets(presets_box) => self.presets_ui(ui, presets_box),
                Modal::Keys(keys_box) => self.keys_ui(ui, keys_box),
                Modal::Preferences => self.preferences_ui(ui),
                Modal::About => self.about_ui(ui),
                Modal::ModelCard => self.model_card_ui(ui),
            });
        let closes = response.should_close();
        match response.inner {
            Outcome::Send(command) => self.send(command),
            Outcome::Answer(question, path) => {
                self.send(Action::Answer { question, paths: vec![path], by_dialog: false });
            }
            Outcome::Stay if !closes => *open = Some(modal),
            Outcome::Close | Outcome::Stay => self.send(Action::ForgetWhatFollowsSaving),
        }
    }
}

/// For what may be longer than its box. A box begins as small as it can be: without a least height such an area would grow a
/// little with every frame that is drawn, and stay small where none is.
pub(super) fn scroll_area(max_height: f32) -> egui::ScrollArea {
    egui::ScrollArea::vertical().max_height(max_height).min_scrolled_height(max_height)
}

/// The buttons at the end of a box, from the right.
pub(super) fn button_row_ui(ui: &mut Ui, add_buttons: impl FnOnce(&mut Ui)) {
    let size = egui::vec2(ui.available_width(), theme::space::ROW);
    ui.allocate_ui_with_layout(size, egui::Layout::right_to_left(egui::Align::Center), |ui| {
        ui.spacing_mut().button_padding.x = 14.0;
        add_buttons(ui);
    });
}

/// A row of buttons with nothing but a way out.
pub(super) fn close_row_ui(ui: &mut Ui) -> Outcome {
    ui.add_space(theme::space::NORMAL);
    let mut outcome = Outcome::Stay;
    button_row_ui(ui, |ui| {
        if ui.button(tr("Close")).clicked() {
            outcome = Outcome::Close;
        }
    });
    outcome
}
