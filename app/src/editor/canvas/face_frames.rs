//! The other faces of the photo that shows: a frame around each, and a click works on it.

use egui::{
    Align2, Color32, CursorIcon, Key, PointerButton, Pos2, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
};

use super::super::commands::Command;
use super::super::theme;
use super::{Canvas, CompareMode};
use crate::document::{Placement, Point};
use crate::language::{tr, tr_with};
use crate::tools::ToolKind;
use crate::workbench::{Action, FaceInPhoto, Workbench};

/// Lines of frames nobody points at.
const FAINT: Color32 = Color32::from_rgba_premultiplied(150, 150, 150, 150);
/// Smaller ones are found by the keyboard only, in points.
const SMALLEST_SIDE: f32 = 8.0;

impl Canvas {
    /// Draws the frames, takes clicks on them, and remembers where they lie: no stroke begins there.
    pub(super) fn face_frames_ui(&mut self, bench: &Workbench, ui: &Ui, area: Rect, sent: &mut Vec<Command>) {
        self.face_frames.clear();
        let is_away = self.is_comparing || self.compare_mode == CompareMode::SideBySide;
        let Some((photo, placement)) = bench.shown_photo().filter(|_| !is_away) else { return };
        let faces = bench.faces_in_photo();
        if faces.len() < 2 || bench.toolbox().busy().is_some_and(|tool| tool != ToolKind::Hand) {
            return;
        }
        let own = faces.iter().find(|face| face.is_in_hand).map(|face| self.frame_rect(face, &placement));
        for (index, face) in faces.iter().enumerate().filter(|(_, face)| !face.is_in_hand) {
            let rect = self.frame_rect(face, &placement);
            let visible = rect.intersect(area);
            if !visible.is_positive() || rect.size().min_elem() < SMALLEST_SIDE {
                continue;
            }
            // What lies in front of the face in hand must not keep it from being painted on.
            if own.is_some_and(|own| own.contains(rect.center())) {
                continue;
            }
            self.face_frames.push(visible);
            let id = ui.scope_id().with(("face in photo", photo.id, index));
            let response = ui.interact(visible, id, Sense::click());
            let place = [("number", (index + 1).to_string()), ("count", faces.len().to_string())];
            let place = place.each_ref().map(|(name, number)| (*name, number.as_str()));
            let label = tr_with(
                if face.is_changed { "Face {number} of {count}, edited" } else { "Face {number} of {count}" },
                &place,
            );
            response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
            let is_marked = response.hovered() || response.has_focus();
            paint_frame(ui, area, rect, face.is_changed, is_marked);
            if is_marked && !self.holds_space && bench.toolbox().selected != ToolKind::Hand {
                ui.set_cursor_icon(CursorIcon::PointingHand);
            }
            let is_chosen = response.has_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            if response.on_hover_text(tr("Edit this face too")).clicked() || is_chosen {
                sent.push(Action::EditFaceAt(face.landmarks).into());
            }
        }
    }

    /// Whether a press chooses another face instead of beginning a stroke.
    pub(super) fn is_on_face_frame(&self, bench: &Workbench, pos: Pos2, button: PointerButton) -> bool {
        button == PointerButton::Primary
            && !self.holds_space
            && bench.toolbox().selected != ToolKind::Hand
            && self.face_frames.iter().any(|frame| frame.contains(pos))
    }

    /// The face's frame on screen, upright however the canvas is turned.
    fn frame_rect(&self, face: &FaceInPhoto, placement: &Placement) -> Rect {
        let frame = face.frame;
        let corners = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]].map(|[x, y]| {
            let in_photo = Point::from_pixel_middles([frame.left + x * frame.width, frame.top + y * frame.height]);
            self.view.screen_from_canvas(placement.canvas_from_photo(in_photo))
        });
        Rect::from_points(&corners)
    }
}

fn paint_frame(ui: &Ui, area: Rect, rect: Rect, is_changed: bool, is_marked: bool) {
    let painter = ui.painter().with_clip_rect(area);
    let palette = theme::palette(ui.ctx());
    let (width, color) = if is_marked { (2.5, Color32::WHITE) } else { (1.5, FAINT) };
    painter.rect_stroke(rect, 8.0, Stroke::new(width + 2.0, Color32::from_black_alpha(90)), StrokeKind::Middle);
    painter.rect_stroke(rect, 8.0, Stroke::new(width, color), StrokeKind::Middle);
    if !is_changed {
        return;
    }
    let font = egui::TextStyle::Small.resolve(ui.style());
    let galley = painter.layout_no_wrap(tr("Edited").to_owned(), font, palette.text_on_accent);
    let size = galley.size() + egui::vec2(10.0, 4.0);
    let badge = Align2::LEFT_BOTTOM.anchor_size(rect.left_top() - egui::vec2(0.0, 4.0), size);
    painter.rect_filled(badge, 4.0, palette.accent);
    painter.galley(badge.min + egui::vec2(5.0, 2.0), galley, palette.text_on_accent);
}
