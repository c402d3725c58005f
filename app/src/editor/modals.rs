//! Boxes over the window: a path to type, the keys, what this program is.

use std::path::PathBuf;

use egui::{Button, Key, RichText, TextEdit, Ui};

use super::commands::format_shortcut;
use super::dialogs::Question;
use super::export_box::ExportBox;
use super::language::{tr, tr_with};
use super::motion::MotionTarget;
use super::palette::Palette;
use super::random_faces::RandomFaces;
use super::{Command, Editor, EngineState, keymap, theme, widgets};
use crate::project::recovery::Leftover;

/// The box that is open.
pub enum Modal {
    /// A path to type.
    Path(PathBox),
    /// Every command, to be found by its name.
    Palette(Palette),
    /// Whether to save before this is done.
    Unsaved(Box<Command>),
    /// What a crash left.
    Recover(Vec<Leftover>),
    /// Faces that nobody has.
    RandomFaces(RandomFaces),
    /// What to write of the picture, and how.
    Export(ExportBox),
    /// What to write of the motion between two faces.
    Motion,
    /// Every key.
    Keys(KeysBox),
    /// What this program is.
    About,
    /// What is written about the model.
    ModelCard,
}

/// A path being typed.
pub struct PathBox {
    question: Question,
    text: String,
    /// Said above the field, where this box stands in for a dialog that does not exist.
    note: Option<&'static str>,
    is_new: bool,
}

impl PathBox {
    /// For an answer to this question; `suggestion` is the file's name where one is written.
    pub fn new(question: Question, suggestion: String) -> Self {
        let text = if question.is_about_opening() { String::new() } else { suggestion };
        Self { question, text, note: None, is_new: true }
    }

    /// In place of the system's dialog.
    pub fn in_place_of_dialog(question: Question, suggestion: String) -> Self {
        let note = Some("This system offers no file dialog. Type the path instead.");
        Self { note, ..Self::new(question, suggestion) }
    }
}

/// What a box decided in this frame.
pub(super) enum Outcome {
    Stay,
    Close,
    Send(Command),
}

impl Editor {
    pub(super) fn modals_ui(&mut self, ctx: &egui::Context) {
        let Some(mut modal) = self.modal.take() else { return };
        // Each box has an id of its own, as egui remembers the size of the last one.
        let id = match &modal {
            Modal::Path(_) => "path box",
            Modal::Palette(_) => "palette",
            Modal::Unsaved(_) => "unsaved",
            Modal::Recover(_) => "recover",
            Modal::RandomFaces(_) => "random faces",
            Modal::Export(_) => "export",
            Modal::Motion => "motion",
            Modal::Keys(_) => "keys",
            Modal::About => "about",
            Modal::ModelCard => "model card",
        };
        let response = egui::Modal::new(egui::Id::unique(id))
            .frame(egui::Frame::window(&ctx.global_style()).inner_margin(egui::Margin::same(20)))
            .show(ctx, |ui| match &mut modal {
                Modal::Path(path_box) => path_ui(ui, path_box),
                Modal::Palette(palette) => self.palette_ui(ui, palette),
                Modal::Unsaved(next) => self.unsaved_ui(ui, next),
                Modal::Recover(leftovers) => self.recover_ui(ui, leftovers),
                Modal::RandomFaces(random) => self.random_faces_ui(ui, random),
                Modal::Export(export_box) => self.export_ui(ui, export_box),
                Modal::Motion => self.motion_ui(ui),
                Modal::Keys(keys_box) => self.keys_ui(ui, keys_box),
                Modal::About => self.about_ui(ui),
                Modal::ModelCard => self.model_card_ui(ui),
            });
        let closes = response.should_close();
        match response.inner {
            Outcome::Send(command) => self.send(command),
            Outcome::Stay if !closes => self.modal = Some(modal),
            Outcome::Close | Outcome::Stay => self.forget_what_follows_saving(),
        }
    }

    fn about_ui(&self, ui: &mut Ui) -> Outcome {
        let palette = theme::palette(ui.ctx());
        ui.set_width(420.0);
        ui.label(RichText::new(tr("Stylebrush")).font(egui::FontId::new(20.0, theme::semibold())));
        ui.label(
            RichText::new(tr_with(
                "Version {version} · a real-time editor for faces",
                &[("version", env!("CARGO_PKG_VERSION"))],
            ))
            .color(palette.text_weak),
        );
        ui.add_space(theme::space::WIDE);
        if let EngineState::Ready(info) = self.engine.state() {
            let size = info.config.size;
            let license = info.license.as_deref().unwrap_or(tr("not named in the file"));
            let trained_on = info.trained_on.as_deref().unwrap_or(tr("not named in the file"));
            for (label, value) in [
                ("Model", format!("{} · {size} × {size} px", info.name)),
                ("Trained on", trained_on.to_owned()),
                ("Licence of the model", license.to_owned()),
                ("Runs on", format!("{} · {}", info.device, info.dtype)),
            ] {
                widgets::caption(ui, label);
                ui.label(value);
                ui.add_space(theme::space::TIGHT);
            }
        } else {
            ui.label(tr("The model is not loaded."));
        }
        ui.add_space(theme::space::TIGHT);
        widgets::caption(ui, "Code under MIT or Apache-2.0. Type in Inter (OFL), icons by Phosphor (MIT).");
        ui.add_space(theme::space::NORMAL);
        let mut outcome = Outcome::Stay;
        button_row_ui(ui, |ui| {
            if ui.button(tr("Close")).clicked() {
                outcome = Outcome::Close;
            }
            let card = Command::ShowModelCard;
            if ui.button(card.text()).on_hover_text(card.tooltip()).clicked() {
                outcome = Outcome::Send(card);
            }
        });
        outcome
    }
}

fn path_ui(ui: &mut Ui, path_box: &mut PathBox) -> Outcome {
    let palette = theme::palette(ui.ctx());
    let PathBox { question, text, note, is_new } = path_box;
    let (title, hint, action) = match question {
        Question::OpenPhotos => ("Open by path", "/home/me/photo.jpg", "Open"),
        Question::ExportTo => ("Export to path", "/home/me/picture.png", "Export"),
        Question::ExportInPhotoTo => ("Export the photo to path", "/home/me/photo.jpg", "Export"),
        Question::SaveProjectTo => ("Save project to path", "/home/me/faces.stylebrush", "Save"),
        Question::MotionTo => ("Export the motion to path", "/home/me/faces.gif", "Export"),
        Question::MotionFramesTo => ("Export pictures to a folder", "/home/me/frames", "Export"),
        Question::ImportMaskFrom => ("Import mask by path", "/home/me/mask.png", "Import"),
        Question::ExportMaskTo => ("Export mask to path", "/home/me/mask.png", "Export"),
    };
    ui.set_width(460.0);
    ui.heading(tr(title));
    ui.add_space(theme::space::TIGHT);
    if let Some(note) = note {
        ui.label(RichText::new(tr(note)).color(palette.text_weak));
        ui.add_space(theme::space::TIGHT);
    }
    let caption = widgets::caption(ui, "Path of the file");
    let field = ui
        .add(
            TextEdit::singleline(text)
                .hint_text(hint)
                .desired_width(f32::INFINITY)
                .margin(egui::Margin::symmetric(8, 6)),
        )
        .labelled_by(caption.id);
    if std::mem::take(is_new) {
        field.request_focus();
    }
    let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    ui.add_space(theme::space::WIDE);
    let path = path_of(text.trim());
    let mut outcome = Outcome::Stay;
    button_row_ui(ui, |ui| {
        let button = Button::new(RichText::new(tr(action)).color(palette.text_on_accent)).fill(palette.accent);
        let confirmed = ui.add_enabled(!text.trim().is_empty(), button).clicked();
        if (confirmed || entered) && !text.trim().is_empty() {
            outcome = Outcome::Send(match question {
                Question::OpenPhotos => Command::OpenPaths(vec![path]),
                Question::ExportTo => Command::ExportTo(path),
                Question::ExportInPhotoTo => Command::ExportInPhotoTo(path),
                Question::SaveProjectTo => Command::SaveProjectTo(path),
                Question::MotionTo => Command::ExportMotionTo(MotionTarget::File(path)),
                Question::MotionFramesTo => Command::ExportMotionTo(MotionTarget::Folder(path)),
                Question::ImportMaskFrom => Command::ImportMaskFrom(path),
                Question::ExportMaskTo => Command::ExportMaskTo(path),
            });
        }
        if ui.button(tr("Cancel")).clicked() {
            outcome = Outcome::Close;
        }
    });
    outcome
}

/// `~/` is what people type.
pub(super) fn path_of(text: &str) -> PathBuf {
    let text = text.strip_prefix("file://").unwrap_or(text);
    match (text.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(text),
    }
}

/// The command whose key is being chosen.
#[derive(Default)]
pub struct KeysBox {
    choosing: Option<Command>,
    note: Option<String>,
}

impl Editor {
    fn keys_ui(&mut self, ui: &mut Ui, keys_box: &mut KeysBox) -> Outcome {
        let palette = theme::palette(ui.ctx());
        ui.set_width(680.0);
        ui.heading(tr("Keyboard shortcuts"));
        let note = match (&keys_box.choosing, &keys_box.note) {
            (Some(command), _) => {
                tr_with("Press the key for “{name}”, or Escape", &[("name", command.text().trim_end_matches('…'))])
            }
            (None, Some(note)) => note.clone(),
            (None, None) => tr("Click a key to choose another one").to_owned(),
        };
        ui.label(RichText::new(note).color(palette.text_weak));
        ui.add_space(theme::space::TIGHT);
        let ctx = ui.ctx().clone();
        if let Some(command) = keys_box.choosing.clone() {
            if let Some(shortcut) = keymap::pressed(&ctx) {
                let mut map = (*keymap::of(&ctx)).clone();
                let holder = map.choose(&command, shortcut);
                keys_box.note = holder.map(|holder| {
                    tr_with(
                        "{key} was the key of “{name}”, which has none now",
                        &[("key", &format_shortcut(&ctx, &shortcut)), ("name", holder.text())],
                    )
                });
                self.settings.keys = map.to_settings();
                keymap::install(&ctx, map);
                keys_box.choosing = None;
            } else if ctx.input_mut(|input| input.consume_key(egui::Modifiers::NONE, Key::Escape)) {
                keys_box.choosing = None;
            }
        }
        let map = keymap::of(&ctx);
        let commands: Vec<Command> =
            Command::all().into_iter().filter(|command| !matches!(command, Command::NudgeRegion(..))).collect();
        let held = [
            ("Move region by one pixel", "Arrow keys"),
            ("Move region by ten pixels", "Shift+arrow keys"),
            ("Erase with any tool that paints", "Right button  Ctrl+drag"),
            ("Straight line from the last stroke", "Shift+drag"),
            ("Square or circle", "Shift+drag"),
            ("Rectangle or ellipse from the centre", "Alt+drag"),
            ("Brush size", "Shift+wheel"),
            ("Zoom", "Wheel  Pinch"),
            ("Pan", "Space+drag  Middle drag"),
            ("Compare with the source photo", "Hold C"),
            ("Cancel a stroke", "Escape"),
        ];
        let count = commands.len() + held.len();
        let half = count.div_ceil(2);
        scroll_area((ctx.content_rect().height() - 220.0).max(160.0)).show(ui, |ui| {
            ui.spacing_mut().interact_size.y = 18.0;
            ui.horizontal_top(|ui| {
                for column in 0..2 {
                    egui::Grid::new(("keys", column)).num_columns(2).spacing([12.0, 3.0]).min_row_height(20.0).show(
                        ui,
                        |ui| {
                            for row in (column * half)..((column + 1) * half).min(count) {
                                if let Some(command) = commands.get(row) {
                                    let name = command.text().trim_end_matches('…');
                                    ui.label(name);
                                    let keys: Vec<String> =
                                        map.shortcuts(command).iter().map(|key| format_shortcut(&ctx, key)).collect();
                                    let is_choosing = keys_box.choosing.as_ref() == Some(command);
                                    let text = match keys.join("  ") {
                                        _ if is_choosing => tr("Press a key").to_owned(),
                                        text if text.is_empty() => "–".to_owned(),
                                        text => text,
                                    };
                                    let color =
                                        if map.is_chosen(command) { palette.accent_hover } else { palette.text_weak };
                                    let button =
                                        Button::selectable(is_choosing, RichText::new(text).small().color(color));
                                    let response = ui.add(button);
                                    let label = tr_with("Key of {name}", &[("name", name)]);
                                    response
                                        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &label));
                                    if response.clicked() {
                                        *keys_box = KeysBox { choosing: Some(command.clone()), note: None };
                                    }
                                } else if let Some((text, keys)) =
                                    row.checked_sub(commands.len()).and_then(|row| held.get(row))
                                {
                                    ui.label(tr(text));
                                    ui.label(RichText::new(tr(keys)).small().color(palette.text_weak));
                                }
                                ui.end_row();
                            }
                        },
                    );
                    ui.add_space(theme::space::SECTION);
                }
            });
        });
        ui.add_space(theme::space::NORMAL);
        let mut outcome = Outcome::Stay;
        button_row_ui(ui, |ui| {
            if ui.button(tr("Close")).clicked() {
                outcome = Outcome::Close;
            }
            let are_changed = !self.settings.keys.is_empty();
            if ui.add_enabled(are_changed, Button::new(tr("Reset all keys"))).clicked() {
                self.settings.keys.clear();
                keymap::install(&ctx, keymap::KeyMap::default());
                *keys_box = KeysBox::default();
            }
        });
        outcome
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

/// The same with nothing but a way out.
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
