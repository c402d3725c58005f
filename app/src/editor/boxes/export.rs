//! The box before a picture is written: what of it, as which kind of file, and whether the file says that it was edited.

use egui::{Button, Key, RichText, Ui};

use super::super::{Context, Look, theme, widgets};
use super::{Outcome, button_row_ui};
use crate::export::{Format, JPEG_QUALITY, MetadataChoice};
use crate::language::{tr, tr_with};
use crate::workbench::{Action, Question, Workbench};

/// What is being chosen.
pub struct ExportBox {
    /// The whole photo with the edited face in it, rather than the face alone.
    in_photo: bool,
    format: Format,
}

impl ExportBox {
    /// The box as it opens. A photo goes back as the kind of file that it came from.
    pub fn new(bench: &Workbench, in_photo: bool) -> Self {
        let usual = bench.settings().export.format;
        let own = || bench.source_in_photo().and_then(|(photo, _)| Format::of(photo.path.as_deref()?).ok());
        Self { in_photo, format: if in_photo { own().unwrap_or(usual) } else { usual } }
    }
}

impl Context<'_> {
    pub(super) fn export_ui(&mut self, ui: &mut Ui, export_box: &mut ExportBox) -> Outcome {
        let palette = theme::palette(ui.ctx());
        ui.set_width(400.0);
        ui.heading(tr("Export"));
        ui.add_space(theme::space::NORMAL);
        let ExportBox { in_photo, format } = export_box;
        let photo = self.bench.source_in_photo();
        let side_px = self.bench.exported_face_px();
        let size_px = match &photo {
            Some((_, placement)) if *in_photo => placement.original.pixels.dimensions(),
            _ => (side_px, side_px),
        };
        ui.horizontal(|ui| {
            ui.radio_value(in_photo, false, tr("The face"));
            ui.add_enabled_ui(photo.is_some(), |ui| ui.radio_value(in_photo, true, tr("The whole photo")));
        });
        let (width, height) = (size_px.0.to_string(), size_px.1.to_string());
        widgets::caption(ui, &tr_with("{width} × {height} pixels", &[("width", &width), ("height", &height)]));
        ui.add_space(theme::space::NORMAL);
        let before = self.bench.settings().export;
        let mut export = before;
        ui.horizontal(|ui| {
            for (choice, text) in
                [(Format::Png, "PNG"), (Format::Jpeg, "JPEG"), (Format::WebP, "WebP"), (Format::Tiff, "TIFF")]
            {
                ui.selectable_value(format, choice, text);
            }
        });
        // What the photo's own file is counts where the whole photo is written.
        let file = photo.as_ref().map(|(_, placement)| &placement.original.file).filter(|_| *in_photo);
        if *format == Format::Jpeg {
            let own = file.and_then(|file| file.jpeg.as_ref()).map(|jpeg| jpeg.quality());
            ui.horizontal(|ui| {
                ui.label(RichText::new(tr("Quality")).color(palette.text_weak));
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
        }
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
        ui.add_space(theme::space::WIDE);
        let mut outcome = Outcome::Stay;
        let is_entered =
            ui.input(|input| input.key_pressed(Key::Enter)) && ui.memory(|memory| memory.focused().is_none());
        button_row_ui(ui, |ui| {
            let text = RichText::new(tr("Choose a file…")).color(palette.text_on_accent);
            if ui.add(Button::new(text).fill(palette.accent)).clicked() || is_entered {
                export.format = *format;
                let question = if *in_photo { Question::ExportInPhotoTo } else { Question::ExportTo };
                outcome = Outcome::Send(Look::AskFor(question).into());
            }
            if ui.button(tr("Cancel")).clicked() {
                outcome = Outcome::Close;
            }
        });
        if export != before {
            self.send(Action::SetExport(export));
        }
        outcome
    }
}
