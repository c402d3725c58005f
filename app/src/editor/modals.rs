//! Boxes over the window: a path to type, the keys, what this program is.

use std::path::PathBuf;

use egui::{Button, Key, RichText, TextEdit, Ui};

use super::commands::format_shortcut;
use super::dialogs::Question;
use super::{Command, Editor, EngineState, theme, widgets};

/// The box that is open.
pub enum Modal {
    /// A path to type.
    Path(PathBox),
    /// Every key.
    Keys,
    /// What this program is.
    About,
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

enum Outcome {
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
            Modal::Keys => "keys",
            Modal::About => "about",
        };
        let response = egui::Modal::new(egui::Id::unique(id))
            .frame(egui::Frame::window(&ctx.global_style()).inner_margin(egui::Margin::same(20)))
            .show(ctx, |ui| match &mut modal {
                Modal::Path(path_box) => path_ui(ui, path_box),
                Modal::Keys => keys_ui(ui),
                Modal::About => self.about_ui(ui),
            });
        let closes = response.should_close();
        match response.inner {
            Outcome::Send(command) => self.send(command),
            Outcome::Close => {}
            Outcome::Stay if closes => {}
            Outcome::Stay => self.modal = Some(modal),
        }
    }

    fn about_ui(&self, ui: &mut Ui) -> Outcome {
        let palette = theme::palette(ui.ctx());
        ui.set_width(420.0);
        ui.label(RichText::new("Stylebrush").font(egui::FontId::new(20.0, theme::semibold())));
        ui.label(
            RichText::new(format!("Version {} · a real-time editor for faces", env!("CARGO_PKG_VERSION")))
                .color(palette.text_weak),
        );
        ui.add_space(theme::space::WIDE);
        if let EngineState::Ready(info) = self.engine.state() {
            let size = info.config.size;
            let license = info.license.as_deref().unwrap_or("not named in the file");
            let trained_on = info.trained_on.as_deref().unwrap_or("not named in the file");
            for (label, value) in [
                ("Model", format!("{} · {size} × {size} pixels", info.name)),
                ("Trained on", trained_on.to_owned()),
                ("Licence of the model", license.to_owned()),
                ("Runs on", format!("{} · {}", info.device, info.dtype)),
            ] {
                widgets::caption(ui, label);
                ui.label(value);
                ui.add_space(theme::space::TIGHT);
            }
        } else {
            ui.label("The model is not loaded.");
        }
        ui.add_space(theme::space::TIGHT);
        widgets::caption(ui, "Code under MIT or Apache-2.0. Type in Inter (OFL), icons by Phosphor (MIT).");
        close_row_ui(ui)
    }
}

fn path_ui(ui: &mut Ui, path_box: &mut PathBox) -> Outcome {
    let palette = theme::palette(ui.ctx());
    let PathBox { question, text, note, is_new } = path_box;
    let (title, hint, action) = match question {
        Question::OpenPhotos => ("Open by path", "/home/me/photo.jpg", "Open"),
        Question::ExportTo => ("Export to path", "/home/me/picture.png", "Export"),
        Question::ExportInPhotoTo => ("Export the photo to path", "/home/me/photo.jpg", "Export"),
        Question::ImportMaskFrom => ("Import mask by path", "/home/me/mask.png", "Import"),
        Question::ExportMaskTo => ("Export mask to path", "/home/me/mask.png", "Export"),
    };
    ui.set_width(460.0);
    ui.heading(title);
    ui.add_space(theme::space::TIGHT);
    if let Some(note) = note {
        ui.label(RichText::new(*note).color(palette.text_weak));
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
    let path = expand_home(text.trim());
    let mut outcome = Outcome::Stay;
    button_row_ui(ui, |ui| {
        let button = Button::new(RichText::new(action).color(palette.text_on_accent)).fill(palette.accent);
        let confirmed = ui.add_enabled(!text.trim().is_empty(), button).clicked();
        if (confirmed || entered) && !text.trim().is_empty() {
            outcome = Outcome::Send(match question {
                Question::OpenPhotos => Command::OpenPaths(vec![path]),
                Question::ExportTo => Command::ExportTo(path),
                Question::ExportInPhotoTo => Command::ExportInPhotoTo(path),
                Question::ImportMaskFrom => Command::ImportMaskFrom(path),
                Question::ExportMaskTo => Command::ExportMaskTo(path),
            });
        }
        if ui.button("Cancel").clicked() {
            outcome = Outcome::Close;
        }
    });
    outcome
}

/// `~/` is what people type.
fn expand_home(text: &str) -> PathBuf {
    let text = text.strip_prefix("file://").unwrap_or(text);
    match (text.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(text),
    }
}

fn keys_ui(ui: &mut Ui) -> Outcome {
    let palette = theme::palette(ui.ctx());
    ui.set_width(640.0);
    ui.heading("Keyboard shortcuts");
    ui.add_space(theme::space::NORMAL);
    let ctx = ui.ctx().clone();
    let mut rows: Vec<(String, String)> = Command::all()
        .iter()
        .filter(|command| !matches!(command, Command::NudgeRegion(..)) && !command.shortcuts().is_empty())
        .map(|command| {
            let keys: Vec<String> = command.shortcuts().iter().map(|key| format_shortcut(&ctx, key)).collect();
            (command.text().trim_end_matches('…').to_owned(), keys.join("  "))
        })
        .collect();
    for (text, keys) in [
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
    ] {
        rows.push((text.to_owned(), keys.to_owned()));
    }
    let half = rows.len().div_ceil(2);
    // What the title, the button and the margins leave of a small window.
    let room = ctx.content_rect().height() - 170.0;
    egui::ScrollArea::vertical().max_height(room.max(100.0)).show(ui, |ui| {
        ui.horizontal_top(|ui| {
            for (index, column) in rows.chunks(half).enumerate() {
                egui::Grid::new(("keys", index)).num_columns(2).spacing([14.0, 5.0]).show(ui, |ui| {
                    for (text, keys) in column {
                        ui.label(text);
                        ui.label(RichText::new(keys).small().color(palette.text_weak));
                        ui.end_row();
                    }
                });
                ui.add_space(theme::space::SECTION);
            }
        });
    });
    close_row_ui(ui)
}

/// The buttons at the end of a box, from the right.
fn button_row_ui(ui: &mut Ui, add_buttons: impl FnOnce(&mut Ui)) {
    let size = egui::vec2(ui.available_width(), theme::space::ROW);
    ui.allocate_ui_with_layout(size, egui::Layout::right_to_left(egui::Align::Center), |ui| {
        ui.spacing_mut().button_padding.x = 14.0;
        add_buttons(ui);
    });
}

fn close_row_ui(ui: &mut Ui) -> Outcome {
    ui.add_space(theme::space::NORMAL);
    let mut outcome = Outcome::Stay;
    button_row_ui(ui, |ui| {
        if ui.button("Close").clicked() {
            outcome = Outcome::Close;
        }
    });
    outcome
}
