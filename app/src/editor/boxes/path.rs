//! A path to type, where there is no file dialog or the user likes it better.

use egui::{Button, Key, RichText, TextEdit, Ui};

use super::super::{theme, widgets};
use super::{Outcome, button_row_ui};
use crate::language::tr;
use crate::workbench::Question;
use crate::workbench::clipboard::path_of;

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

pub(super) fn path_ui(ui: &mut Ui, path_box: &mut PathBox) -> Outcome {
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
        Question::BatchPhotos => ("Apply the edit to a photo", "/home/me/photo.jpg", "Choose"),
        Question::BatchPhotoFolder => ("Apply the edit to a folder of photos", "/home/me/photos", "Choose"),
        Question::BatchFolder => ("Folder for the edited photos", "/home/me/edited", "Choose"),
        Question::ExamplePhotos(_) => ("A photo to learn from", "/home/me/photo.jpg", "Choose"),
        Question::ExampleFolder(_) => ("Folder of photos to learn from", "/home/me/photos", "Choose"),
        Question::ImportSlidersFrom => ("Import sliders", "/home/me/beard.directions.safetensors", "Import"),
        Question::ExportSliderTo(_) => ("Export the slider", "/home/me/beard.directions.safetensors", "Export"),
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
            outcome = Outcome::Answer(*question, path.clone());
        }
        if ui.button(tr("Cancel")).clicked() {
            outcome = Outcome::Close;
        }
    });
    outcome
}
