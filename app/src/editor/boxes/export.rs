//! The box before a picture is written: what of it, how large, as which kind of file, what that is called, and whether it says that
//! it was edited.

use egui::{Button, Checkbox, Key, RichText, TextEdit, Ui};
use stylemap::photo::PhotoFile;

use super::super::{Context, Look, theme, widgets};
use super::{Outcome, button_row_ui};
use crate::export::name::WORDS;
use crate::export::{ExportSize, Format, JPEG_QUALITY, MetadataChoice, NameTemplate};
use crate::language::{tr, tr_with};
use crate::settings::ExportSettings;
use crate::workbench::{Action, Question, Workbench};

/// What is being chosen.
pub struct ExportBox {
    /// The whole photo with the edited face in it, rather than the face alone.
    in_photo: bool,
    format: Format,
    /// The template as it is typed, which may not be one yet.
    name: String,
}

impl ExportBox {
    /// The box as it opens. A photo goes back as the kind of file that it came from, unless another was chosen for it before.
    pub fn new(bench: &Workbench, in_photo: bool) -> Self {
        let ExportSettings { format, name, .. } = bench.export_settings();
        let was_chosen = bench.export_choice().is_some_and(|choice| choice.in_photo == Some(in_photo));
        let own = || bench.source_in_photo().and_then(|(photo, _)| Format::of(photo.path.as_deref()?).ok());
        let format = if in_photo && !was_chosen { own().unwrap_or(*format) } else { *format };
        Self { in_photo, format, name: name.text().to_owned() }
    }
}

impl Context<'_> {
    pub(super) fn export_ui(&mut self, ui: &mut Ui, export_box: &mut ExportBox) -> Outcome {
        let palette = theme::palette(ui.ctx());
        ui.set_width(430.0);
        ui.heading(tr("Export"));
        ui.add_space(theme::space::NORMAL);
        let ExportBox { in_photo, format, name } = export_box;
        let photo = self.bench.source_in_photo();
        let before = self.bench.export_settings();
        let mut export = before.clone();
        ui.horizontal(|ui| {
            ui.radio_value(in_photo, false, tr("The face"));
            ui.add_enabled_ui(photo.is_some(), |ui| ui.radio_value(in_photo, true, tr("The whole photo")));
        });
        self.export_size_ui(ui, *in_photo, &mut export.size);
        ui.add_space(theme::space::NORMAL);
        ui.horizontal(|ui| {
            for (choice, text) in
                [(Format::Png, "PNG"), (Format::Jpeg, "JPEG"), (Format::WebP, "WebP"), (Format::Tiff, "TIFF")]
            {
                ui.selectable_value(format, choice, text);
            }
        });
        // What the photo's own file is counts where the whole photo is written.
        let file = photo.as_ref().map(|(_, placement)| &placement.original.file).filter(|_| *in_photo);
        file_kind_ui(ui, *format, file, &mut export);
        ui.add_space(theme::space::NORMAL);
        if file.is_some_and(|file| !file.metadata.is_empty()) {
            ui.label(
                RichText::new(tr("What the photo’s file says: camera, time, place, author")).color(palette.text_weak),
            );
            ui.horizontal(|ui| {
                for choice in MetadataChoice::ALL {
                    ui.selectable_value(&mut export.metadata, choice, tr(choice.text()));
                }
            });
            ui.add_space(theme::space::NORMAL);
        }
        ui.checkbox(&mut export.says_edited, tr("Say in the file that it was edited"))
            .on_hover_text(tr("A line that viewers show with the file’s details; nothing is drawn on the picture"));
        ui.add_space(theme::space::NORMAL);
        let is_name = self.export_name_ui(ui, *in_photo, name, *format, &mut export);
        ui.add_space(theme::space::WIDE);
        let mut outcome = Outcome::Stay;
        let is_entered =
            ui.input(|input| input.key_pressed(Key::Enter)) && ui.memory(|memory| memory.focused().is_none());
        button_row_ui(ui, |ui| {
            let text = RichText::new(tr("Choose a file…")).color(palette.text_on_accent);
            let is_chosen = ui.add_enabled(is_name, Button::new(text).fill(palette.accent)).clicked();
            if is_name && (is_chosen || is_entered) {
                export.format = *format;
                let question = if *in_photo { Question::ExportInPhotoTo } else { Question::ExportTo };
                outcome = Outcome::Send(Look::AskFor(question).into());
            }
            if ui.button(tr("Cancel")).clicked() {
                outcome = Outcome::Close;
            }
        });
        if export != *self.bench.export_settings() {
            self.send(Action::SetExport(export));
        }
        outcome
    }

    fn export_size_ui(&self, ui: &mut Ui, in_photo: bool, size: &mut ExportSize) {
        let choices = if in_photo { &ExportSize::OF_PHOTO[..] } else { &ExportSize::OF_FACE };
        // What only a face can have leaves a photo at its own size.
        let shown = if choices.contains(size) { *size } else { ExportSize::Usual };
        ui.horizontal_wrapped(|ui| {
            for choice in choices {
                let text = if in_photo && *choice == ExportSize::Usual { "Its own size" } else { choice.text() };
                if ui.add(Button::selectable(shown == *choice, tr(text))).clicked() {
                    *size = *choice;
                }
            }
        });
        let (width, height) = self.bench.export_size_px(in_photo, *size);
        let (width, height) = (width.to_string(), height.to_string());
        widgets::caption(ui, &tr_with("{width} × {height} pixels", &[("width", &width), ("height", &height)]));
    }

    /// What the file is to be called, and whether that can be.
    fn export_name_ui(
        &self,
        ui: &mut Ui,
        in_photo: bool,
        name: &mut String,
        format: Format,
        export: &mut ExportSettings,
    ) -> bool {
        let palette = theme::palette(ui.ctx());
        ui.horizontal(|ui| {
            let label = ui.label(RichText::new(tr("Name")).color(palette.text_weak));
            let field = TextEdit::singleline(name).desired_width(f32::INFINITY).char_limit(120);
            ui.add(field).labelled_by(label.id).on_hover_text(tr("Words in braces are filled in"));
        });
        match NameTemplate::new(name) {
            Ok(template) => {
                let shown = template.name(&self.bench.name_parts(in_photo, export.size));
                widgets::caption(ui, &format!("{shown}.{}", format.extension()));
                export.name = template;
                true
            }
            Err(_) => {
                let words = format!("{{{}}}", WORDS.join("}, {"));
                let text = tr_with("A name without / \\ : * ? \" < > |. Filled in are {words}", &[("words", &words)]);
                ui.label(RichText::new(text).small().color(palette.danger));
                false
            }
        }
    }
}

/// What a kind of file has of its own: quality, depth, transparency.
fn file_kind_ui(ui: &mut Ui, format: Format, file: Option<&PhotoFile>, export: &mut ExportSettings) {
    if format == Format::Jpeg {
        let own = file.and_then(|file| file.jpeg.as_ref()).map(|jpeg| jpeg.quality());
        ui.horizontal(|ui| {
            ui.label(RichText::new(tr("Quality")).color(theme::palette(ui.ctx()).text_weak));
            let mut quality = f32::from(export.jpeg_quality.or(own).unwrap_or(JPEG_QUALITY));
            if widgets::number_field(ui, &mut quality, 1.0..=100.0, " %", "Quality").changed() {
                export.jpeg_quality = Some(quality.round() as u8);
            }
            if own.is_some() {
                let mut as_photo = export.jpeg_quality.is_none();
                if ui.checkbox(&mut as_photo, tr("As the photo has it")).changed() {
                    export.jpeg_quality = (!as_photo).then_some(quality.round() as u8);
                }
            }
        });
        if file.is_some_and(|file| file.color_type.has_alpha()) {
            widgets::caption(ui, tr("A JPEG has no transparency: what is transparent in the photo becomes white"));
        }
        // What is wanted stays as it is chosen for the kinds of file that can do it.
        change_only_ui(ui, false, export);
        widgets::caption(ui, tr("A JPEG has no transparency: choose PNG, WebP or TIFF for only what changed"));
        return;
    }
    let is_deep = |file: &PhotoFile| file.color_type.bytes_per_pixel() / file.color_type.channel_count() == 2;
    if format.has_16_bits() && file.is_some_and(is_deep) {
        let mut keeps_depth = !export.eight_bits;
        let text = tr("16 bits for each colour, as the photo has them");
        if ui.checkbox(&mut keeps_depth, text).changed() {
            export.eight_bits = !keeps_depth;
        }
    }
    change_only_ui(ui, true, export);
}

fn change_only_ui(ui: &mut Ui, can_be: bool, export: &mut ExportSettings) {
    let hint = "A layer for other programs: laid over the photo, it is the edited photo";
    let mut shown = export.change_only && can_be;
    let checkbox = Checkbox::new(&mut shown, tr("Only what changed, on transparent ground"));
    if ui.add_enabled(can_be, checkbox).on_hover_text(tr(hint)).changed() {
        export.change_only = shown;
    }
}
