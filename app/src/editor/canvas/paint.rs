//! What the canvas draws: the picture, the active layer's mask over it, and the brush at the pointer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::{Color32, CursorIcon, PointerButton, Pos2, Rect, Stroke, StrokeKind, Ui, Vec2, pos2, vec2};

use super::super::theme;
use super::gpu::{Affine, CanvasPaint, Comparison, MaskOverlay, Picture, Placed};
use super::{Canvas, CompareMode, badge, hint_pill};
use crate::document::{CANVAS_SIZE_PX, Point};
use crate::language::{tr, tr_with};
use crate::tools::{BrushSettings, Effect, Grip, ToolCursor, ToolKind};
use crate::workbench::live_photo::Place;
use crate::workbench::{MaskView, Workbench};

/// From this many points for a pixel of the picture on, pixels show as squares.
const NEAREST_FROM_SCALE: f32 = 8.0;
/// How long the brush shows after its size changed.
const PREVIEW_FOR: Duration = Duration::from_millis(900);
/// How strongly a mask is tinted while it is painted or moved.
const WORKING_TINT: f32 = 0.12;

impl Canvas {
    /// The newest frame, alone or in its photo, beside the source where they are compared, under the active layer's mask.
    /// `false` while there is nothing.
    pub(super) fn paint_picture(&mut self, bench: &Workbench, ui: &Ui, painter: &egui::Painter, area: Rect) -> bool {
        let document = bench.document();
        let source = document.source().and_then(|id| document.photo(id)).map(Arc::clone);
        let frame = bench.engine().frame().map(Arc::clone);
        let whole_canvas = Rect::from_min_size(Pos2::ZERO, Vec2::splat(CANVAS_SIZE_PX as f32));
        let on_canvas = |picture| Placed { picture, picture_from_canvas: Affine::into_rect(whole_canvas) };
        let crop = source.as_ref().map(|photo| on_canvas(Picture::Crop(photo.id, Arc::clone(&photo.crop))));
        let (base, patch, compared) = match (bench.shown_photo(), frame) {
            (Some((photo, placement)), frame) => {
                let pixels = &placement.original.pixels;
                let photo_rect = Rect::from_min_size(Pos2::ZERO, vec2(pixels.width() as f32, pixels.height() as f32));
                let photo_from_canvas = Affine::of(|at| placement.photo_from_canvas(at), CANVAS_SIZE_PX as f32);
                let picture_from_canvas = Affine::into_rect(photo_rect).after(&photo_from_canvas);
                let finished = bench.patch_in_photo().filter(|_| frame.is_some());
                let patch = finished.map(|patch| {
                    let [min, max] = patch.corners.map(|corner| pos2(corner.x, corner.y));
                    Placed {
                        picture: Picture::Patch(Arc::clone(patch)),
                        picture_from_canvas: Affine::into_rect(Rect::from_min_max(min, max))
                            .after(&picture_from_canvas),
                    }
                });
                let picture = Picture::Photo(photo.id, Arc::clone(&placement.original));
                let opened = Placed { picture, picture_from_canvas };
                match finished.and_then(|patch| patch.backdrop.as_ref()) {
                    // Other faces are edited too: the photo as it was opened is what it is compared with.
                    Some(backdrop) => {
                        let picture = Picture::Backdrop(Arc::clone(backdrop));
                        (Placed { picture, picture_from_canvas }, patch, Some(opened))
                    }
                    None => (opened, patch, None),
                }
            }
            // Until the first is finished the model's own picture shows.
            (None, Some(frame)) => {
                let finished = source.as_ref().and_then(|photo| bench.live_photo().shown(photo.id, Place::Face));
                let picture = finished.map_or(Picture::Frame(frame), |patch| Picture::Patch(Arc::clone(patch)));
                (on_canvas(picture), None, crop)
            }
            // The photo can be looked at before there is a picture of it.
            (None, None) => match crop.filter(|_| self.is_comparing) {
                Some(crop) => (crop, None, None),
                None => return false,
            },
        };
        let is_pair = self.compare_mode == CompareMode::SideBySide;
        let comparison = match self.compare_mode {
            _ if self.is_comparing => Comparison::Source,
            CompareMode::Off => Comparison::None,
            CompareMode::Split => Comparison::Split(self.split_x(area)),
            CompareMode::SideBySide => Comparison::Pair(area.center().x, area.width() / 2.0),
        };
        let shows_face = matches!(base.picture, Picture::Frame(_) | Picture::Patch(_));
        let has_picture = shows_face || patch.is_some();
        let density = self.picture_px_per_canvas_px(bench);
        let shows_pixels = shows_face && self.view.scale() >= NEAREST_FROM_SCALE * density;
        let distance = area.size().max_elem().max(1.0);
        let veil = self.veils.of(bench);
        let view = &self.view;
        let paint = CanvasPaint {
            area,
            target_format: self.target_format,
            canvas_from_points: Affine::of(|at| view.canvas_from_screen(pos2(at.x, at.y)), distance),
            base,
            patch,
            source: compared,
            comparison,
            overlay: if has_picture { self.mask_overlay(bench) } else { None },
            veil: if has_picture { veil } else { None },
            picture_px_per_canvas_px: density,
            shows_pixels,
        };
        painter.add(paint.into_shape());

        let rect = self.view.content_rect();
        let outline = Stroke::new(1.0, Color32::from_black_alpha(140));
        let mut labels = Vec::new();
        let source_label = || {
            source.as_ref().map(|photo| tr_with("Source photo · {name}", &[("name", &photo.name)])).unwrap_or_default()
        };
        if is_pair {
            let (left, right) = area.split_left_right_at_x(area.center().x);
            let moved = rect.translate(vec2(-area.width() / 2.0, 0.0));
            painter.with_clip_rect(left).rect_stroke(moved, 0.0, outline, StrokeKind::Outside);
            painter.with_clip_rect(right).rect_stroke(rect, 0.0, outline, StrokeKind::Outside);
            painter.vline(area.center().x, area.y_range(), Stroke::new(1.0, theme::palette(ui.ctx()).line));
            labels.push((moved.intersect(left), source_label()));
            labels
                .push((rect.intersect(right), if self.is_comparing { source_label() } else { tr("Edit").to_owned() }));
        } else {
            painter.rect_stroke(rect, 0.0, outline, StrokeKind::Outside);
            if self.is_comparing {
                labels.push((rect.intersect(area), source_label()));
            }
        }
        for (rect, label) in labels {
            badge(painter, rect.left_top() + vec2(12.0, 12.0), &label, ui);
        }
        has_picture || bench.engine().frame().is_some() || self.is_comparing
    }

    /// The active layer's mask, where it is to be seen.
    fn mask_overlay(&self, bench: &Workbench) -> Option<MaskOverlay> {
        let is_working = bench.toolbox().busy().is_some_and(|tool| tool != ToolKind::Hand);
        let has_outline = bench.view().shows_overlay || is_working;
        let layer = bench.document().active_layer().filter(|layer| layer.visible)?;
        let is_veiled = bench.view().shows_overlay && bench.view().mask_view != MaskView::Outline;
        if !bench.view().isolates_layer && (!has_outline || is_veiled || layer.mask.is_empty()) {
            return None;
        }
        Some(MaskOverlay {
            mask: layer.mask.clone(),
            // A layer that had nothing painted is not in the picture yet.
            shown: bench.engine().shown_mask(layer.id).unwrap_or(&self.nothing).clone(),
            offset_px: layer.offset_px,
            color: layer.color,
            tint: if is_working { WORKING_TINT } else { 0.0 },
            has_outline,
            is_isolated: bench.view().isolates_layer,
        })
    }

    /// Where the line lies between source and edit.
    pub(super) fn split_x(&self, area: Rect) -> f32 {
        egui::lerp(area.x_range(), self.split_share)
    }

    /// What a tool is drawing around.
    pub(super) fn paint_outline(&self, bench: &Workbench, painter: &egui::Painter) {
        let outline = bench.toolbox().outline_in_canvas();
        let points: Vec<Pos2> = outline.into_iter().map(|point| self.view.screen_from_canvas(point)).collect();
        if points.len() < 2 {
            return;
        }
        for stroke in [Stroke::new(3.0, Color32::from_black_alpha(90)), Stroke::new(1.3, Color32::WHITE)] {
            painter.add(egui::Shape::closed_line(points.clone(), stroke));
        }
    }

    /// What the tool in hand can be taken hold of by.
    pub(super) fn paint_handles(&self, bench: &Workbench, ui: &Ui, painter: &egui::Painter) {
        let Some(handles) = bench.toolbox().handles(bench.document()).filter(|_| !self.is_comparing) else { return };
        let on_screen = |at| self.view.screen_from_canvas(at);
        let corners = handles.corners.map(on_screen);
        let [first, second, ..] = corners;
        let (knob, top) = (on_screen(handles.knob), first + (second - first) / 2.0);
        let lines = [Stroke::new(3.0, Color32::from_black_alpha(90)), Stroke::new(1.2, Color32::WHITE)];
        for line in lines {
            painter.add(egui::Shape::closed_line(corners.to_vec(), line));
            painter.line_segment([top, knob], line);
        }
        let accent = theme::palette(ui.ctx()).accent;
        for corner in corners {
            let square = Rect::from_center_size(corner, Vec2::splat(9.0));
            painter.rect(square, 2.0, Color32::WHITE, Stroke::new(1.5, accent), StrokeKind::Middle);
        }
        painter.circle(knob, 5.5, Color32::WHITE, Stroke::new(1.5, accent));
    }

    /// While something is painted in the photo: the square that the model sees of it, and a hint where the pointer is beside it.
    pub(super) fn paint_crop_border(&self, bench: &Workbench, ui: &Ui, response: &egui::Response, area: Rect) {
        let busy = bench.toolbox().busy();
        let tool = busy.unwrap_or(bench.toolbox().selected);
        let paints = matches!(tool.info().cursor, ToolCursor::Brush(_) | ToolCursor::Crosshair);
        if bench.shown_photo().is_none() || !paints || !(response.hovered() || busy.is_some()) {
            return;
        }
        let side = CANVAS_SIZE_PX as f32;
        let corners = [(0.0, 0.0), (side, 0.0), (side, side), (0.0, side)];
        let corners = corners.map(|(x, y)| self.view.screen_from_canvas(Point::new(x, y))).to_vec();
        let painter = ui.painter().with_clip_rect(area);
        for stroke in
            [Stroke::new(3.0, Color32::from_black_alpha(80)), Stroke::new(1.0, Color32::from_white_alpha(170))]
        {
            painter.add(egui::Shape::closed_line(corners.clone(), stroke));
        }
        let at = self.pointer_pos.map(|pos| self.view.canvas_from_screen(self.pos_in_view(pos)));
        if busy.is_some() && at.is_some_and(|at| at.canvas_pixel().is_none()) {
            let text = "Only inside the square counts what is painted: it is what the model sees of the photo";
            hint_pill(ui, area, tr(text));
        }
    }

    /// The brush as a circle: its edge, and inside it where the full effect begins.
    pub(super) fn paint_cursor(
        &mut self,
        bench: &Workbench,
        ui: &Ui,
        painter: &egui::Painter,
        response: &egui::Response,
        has_picture: bool,
    ) {
        self.paint_brush_preview(bench, ui, painter, response, has_picture);
        let busy = bench.toolbox().busy();
        let Some(pos) = ui.input(|input| input.pointer.latest_pos()) else { return };
        if !(response.hovered() || busy.is_some()) || !has_picture {
            return;
        }
        let tool = busy.unwrap_or_else(|| self.temporary_tool(ui).unwrap_or(bench.toolbox().selected));
        match tool.info().cursor {
            ToolCursor::Grab => {
                ui.set_cursor_icon(if busy == Some(tool) { CursorIcon::Grabbing } else { CursorIcon::Grab });
            }
            ToolCursor::Move => ui.set_cursor_icon(self.handle_cursor(bench, pos)),
            ToolCursor::Crosshair => ui.set_cursor_icon(CursorIcon::Crosshair),
            ToolCursor::PointingHand => ui.set_cursor_icon(CursorIcon::PointingHand),
            ToolCursor::Brush(effect) => {
                ui.set_cursor_icon(CursorIcon::None);
                let erases = (effect == Effect::Erase) != ui.input(|input| input.modifiers.command)
                    || self.gesture_button == Some(PointerButton::Secondary);
                let color = bench.document().active_layer().map_or([255; 3], |layer| layer.color);
                let color = Color32::from_rgb(color[0], color[1], color[2]);
                self.paint_brush(bench.toolbox().brush, painter, pos, color, erases);
                if self.compare_mode == CompareMode::SideBySide {
                    // The same place in the other half.
                    let area = self.view.area();
                    let by = if pos.x < area.left() { area.width() } else { -area.width() };
                    self.paint_brush(bench.toolbox().brush, painter, pos + vec2(by, 0.0), color, erases);
                }
            }
        }
    }

    /// What the pointer shows over a handle.
    fn handle_cursor(&self, bench: &Workbench, pos: Pos2) -> CursorIcon {
        let Some(handles) = bench.toolbox().handles(bench.document()) else { return CursorIcon::Move };
        let at = self.view.canvas_from_screen(self.pos_in_view(pos));
        match handles.grip(at, bench.toolbox().reach_px) {
            Grip::Inside => CursorIcon::Move,
            Grip::Corner if (at.x < handles.middle.x) == (at.y < handles.middle.y) => CursorIcon::ResizeNwSe,
            Grip::Corner => CursorIcon::ResizeNeSw,
            Grip::Knob => CursorIcon::Alias,
        }
    }

    /// While its size changes by a slider, the brush shows in the middle of the canvas.
    fn paint_brush_preview(
        &mut self,
        bench: &Workbench,
        ui: &Ui,
        painter: &egui::Painter,
        response: &egui::Response,
        has_picture: bool,
    ) {
        let radius_px = bench.toolbox().brush.radius_px;
        let is_known = self.last_radius_px > 0.0;
        if radius_px != self.last_radius_px {
            self.last_radius_px = radius_px;
            self.radius_changed_at = is_known.then(Instant::now);
        }
        let shown_for = self.radius_changed_at.map(|at| at.elapsed());
        let Some(left) = shown_for.and_then(|shown_for| PREVIEW_FOR.checked_sub(shown_for)) else {
            self.radius_changed_at = None;
            return;
        };
        if has_picture && !response.hovered() {
            self.paint_brush(bench.toolbox().brush, painter, response.rect.center(), Color32::WHITE, false);
            ui.ctx().request_repaint_after(left);
        }
    }

    fn paint_brush(&self, brush: BrushSettings, painter: &egui::Painter, pos: Pos2, color: Color32, erases: bool) {
        let radius = brush.radius_px * self.view.scale();
        let shade = Stroke::new(3.0, Color32::from_black_alpha(90));
        let line = Stroke::new(1.3, if erases { Color32::WHITE } else { color.lerp_to_gamma(Color32::WHITE, 0.45) });
        painter.circle_stroke(pos, radius, shade);
        painter.circle_stroke(pos, radius, line);
        // Rings say how soft it is: one where the brush begins to fall off, and a weaker one where half of it is left.
        let inner = radius * brush.hardness;
        if radius - inner > 2.0 {
            for (at, alpha) in [(inner, 190), ((inner + radius) / 2.0, 80)] {
                if at > 2.0 {
                    painter.circle_stroke(pos, at, Stroke::new(2.0, Color32::from_black_alpha(alpha / 3)));
                    painter.circle_stroke(pos, at, Stroke::new(1.0, Color32::from_white_alpha(alpha)));
                }
            }
        }
        let arm = 4.0;
        if radius > 8.0 {
            for stroke in [shade, line] {
                painter.line_segment([pos - vec2(arm, 0.0), pos + vec2(arm, 0.0)], stroke);
                if !erases {
                    painter.line_segment([pos - vec2(0.0, arm), pos + vec2(0.0, arm)], stroke);
                }
            }
        } else {
            // Too small to be seen by its edge alone.
            for direction in [vec2(1.0, 0.0), vec2(-1.0, 0.0), vec2(0.0, 1.0), vec2(0.0, -1.0)] {
                let start = pos + direction * (radius + 3.0);
                painter.line_segment([start, start + direction * 4.0], shade);
                painter.line_segment([start, start + direction * 4.0], line);
            }
        }
    }
}
