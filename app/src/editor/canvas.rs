//! The canvas: the picture, the active layer's mask over it, the brush at the pointer. It draws what there is in this very
//! frame and never waits for the engine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::{
    Align2, Color32, CursorIcon, Event, PointerButton, Pos2, Rect, RichText, Role, Sense, Stroke, StrokeKind, Ui, Vec2,
    WidgetInfo, pos2, vec2,
};

use super::edit_view::Place;
use super::face_view::photo_content;
use super::gpu::{Affine, CanvasPaint, Comparison, MaskOverlay, Picture, Placed};
use super::language::{tr, tr_with};
use super::view::Content;
use super::{Command, Editor, EngineState, Kind, icons, theme};
use crate::document::{CANVAS_SIZE_PX, MaskImage, PhotoId};
use crate::sentence;
use crate::tools::{Button, Effect, Modifiers, ToolCursor, ToolEvent, ToolKind, ToolResponse};

/// From this many points for a pixel of the picture on, pixels show as squares.
const NEAREST_FROM_SCALE: f32 = 8.0;
/// A spinner comes up after this long: most frames are faster, and a flicker tells nothing.
pub(super) const BUSY_AFTER: Duration = Duration::from_millis(180);

/// How long the brush shows after its size changed.
const PREVIEW_FOR: Duration = Duration::from_millis(900);

/// How strongly a mask is tinted while it is painted or moved.
const WORKING_TINT: f32 = 0.12;

/// What the canvas keeps between frames.
#[derive(Default)]
pub struct Canvas {
    /// Kept, so that two layers with nothing shown are known to be the same.
    nothing: MaskImage,
    /// The button that began the gesture under way.
    gesture_button: Option<PointerButton>,
    pressure: f32,
    /// The brush's radius in the last frame, and when it last changed away from the canvas.
    last_radius_px: f32,
    radius_changed_at: Option<Instant>,
    /// Whether the last wheel event came in pixels (a touchpad) rather than notches.
    scrolls_by_pixels: bool,
}

/// What of the source the canvas keeps showing beside the edit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CompareMode {
    /// Nothing.
    #[default]
    Off,
    /// The source left of a line that can be dragged.
    Split,
    /// Both, side by side.
    SideBySide,
}

impl Editor {
    pub(super) fn canvas_ui(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui.ctx());
        egui::CentralPanel::no_frame().frame(egui::Frame::new().fill(palette.canvas)).show(ui, |ui| {
            let area = ui.available_rect_before_wrap();
            if self.face_view_ui(ui, area) {
                return;
            }
            self.view.show(self.content());
            // Side by side, the edit has the right half; what lies in the left one is moved there.
            let view_area = match self.compare_mode {
                CompareMode::SideBySide => area.with_min_x(area.center().x),
                CompareMode::Off | CompareMode::Split => area,
            };
            self.view.set_area(view_area);
            let response = ui.allocate_rect(area, Sense::click_and_drag());
            response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, tr("Canvas")));

            self.handle_pointer(ui, &response);
            self.handle_wheel(ui, &response);

            let painter = ui.painter().with_clip_rect(area);
            let picture_rect = self.view.content_rect();
            let has_picture = self.paint_picture(ui, &painter, area);
            if has_picture {
                self.paint_outline(&painter);
            }
            self.split_ui(ui, area);
            self.paint_messages(ui, area, picture_rect, has_picture);
            self.paint_cursor(ui, &painter, &response, has_picture);
            self.drop_ui(ui, &response);
        });
    }

    /// What the view shows: the canvas, or the whole photo with the canvas in it, turned as the face is.
    fn content(&self) -> Content {
        let Some((_, placement)) = self.shown_photo() else { return Content::default() };
        let photo = photo_content(&placement.original);
        let photo_from_canvas = placement.quad.photo_from_crop(CANVAS_SIZE_PX as u32);
        Content {
            middle_in_canvas: placement.canvas_from_photo(photo.middle_in_canvas),
            size_px: photo.size_px / photo_from_canvas.scale() as f32,
            angle_radians: photo_from_canvas.angle_radians() as f32,
        }
    }

    /// The newest frame, alone or in its photo, beside the source where they are compared, under the active layer's mask.
    /// `false` while there is nothing.
    fn paint_picture(&mut self, ui: &Ui, painter: &egui::Painter, area: Rect) -> bool {
        let document = self.timeline.document();
        let source = document.source().and_then(|id| document.photo(id)).map(Arc::clone);
        let frame = self.engine.frame().map(Arc::clone);
        let whole_canvas = Rect::from_min_size(Pos2::ZERO, Vec2::splat(CANVAS_SIZE_PX as f32));
        let on_canvas = |picture| Placed { picture, picture_from_canvas: Affine::into_rect(whole_canvas) };
        let crop = source.as_ref().map(|photo| on_canvas(Picture::Crop(photo.id, Arc::clone(&photo.crop))));
        let (base, patch, compared) = match (self.shown_photo(), frame) {
            (Some((photo, placement)), frame) => {
                let pixels = &placement.original.pixels;
                let photo_rect = Rect::from_min_size(Pos2::ZERO, vec2(pixels.width() as f32, pixels.height() as f32));
                let photo_from_canvas = Affine::of(|at| placement.photo_from_canvas(at), CANVAS_SIZE_PX as f32);
                let picture_from_canvas = Affine::into_rect(photo_rect).after(&photo_from_canvas);
                let patch =
                    self.edit_view.shown(photo.id, Place::Photo).filter(|_| frame.is_some()).map(|patch| Placed {
                        picture: Picture::Patch(Arc::clone(patch)),
                        picture_from_canvas: Affine::into_rect(patch.rect).after(&picture_from_canvas),
                    });
                let picture = Picture::Photo(photo.id, Arc::clone(&placement.original));
                (Placed { picture, picture_from_canvas }, patch, None)
            }
            // Until the first is finished the model's own picture shows.
            (None, Some(frame)) => {
                let finished = source.as_ref().and_then(|photo| self.edit_view.shown(photo.id, Place::Face));
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
        let density = self.picture_px_per_canvas_px();
        let shows_pixels = shows_face && self.view.scale() >= NEAREST_FROM_SCALE * density;
        let distance = area.size().max_elem().max(1.0);
        let view = &self.view;
        let paint = CanvasPaint {
            area,
            target_format: self.target_format,
            canvas_from_points: Affine::of(|at| view.canvas_from_screen(pos2(at.x, at.y)), distance),
            base,
            patch,
            source: compared,
            comparison,
            overlay: if has_picture { self.mask_overlay() } else { None },
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
        has_picture || self.engine.frame().is_some() || self.is_comparing
    }

    /// The active layer's mask, where it is to be seen.
    fn mask_overlay(&self) -> Option<MaskOverlay> {
        let is_working = self.toolbox.busy().is_some_and(|tool| tool != ToolKind::Hand);
        let has_outline = self.shows_overlay || is_working;
        let layer = self.timeline.document().active_layer().filter(|layer| layer.visible)?;
        if !self.isolates_layer && (!has_outline || layer.mask.is_empty()) {
            return None;
        }
        Some(MaskOverlay {
            mask: layer.mask.clone(),
            // A layer that had nothing painted is not in the picture yet.
            shown: self.engine.shown_mask(layer.id).unwrap_or(&self.canvas.nothing).clone(),
            offset_px: layer.offset_px,
            color: layer.color,
            tint: if is_working { WORKING_TINT } else { 0.0 },
            has_outline,
            is_isolated: self.isolates_layer,
        })
    }

    /// Where the line lies between source and edit.
    fn split_x(&self, area: Rect) -> f32 {
        egui::lerp(area.x_range(), self.split_share)
    }

    /// The line between source and edit, which can be dragged.
    fn split_ui(&mut self, ui: &Ui, area: Rect) {
        if self.compare_mode != CompareMode::Split || self.is_comparing {
            return;
        }
        let palette = theme::palette(ui.ctx());
        let x = self.split_x(area);
        let knob = Rect::from_center_size(pos2(x, area.center().y), vec2(26.0, 40.0));
        let id = ui.scope_id().with("split");
        let response = ui.interact(knob, id, Sense::drag()).on_hover_cursor(CursorIcon::ResizeHorizontal);
        response.widget_info(|| WidgetInfo::slider(true, f64::from(self.split_share) * 100.0, tr("Split")));
        let mut moved = if response.dragged_by(PointerButton::Primary) { response.drag_delta().x } else { 0.0 };
        if response.has_focus() {
            let keeps = egui::EventFilter { horizontal_arrows: true, ..egui::EventFilter::default() };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(id, keeps));
            moved += ui.input(|input| {
                let presses = |key| input.num_presses(key) as f32;
                10.0 * (presses(egui::Key::ArrowRight) - presses(egui::Key::ArrowLeft))
            });
        }
        self.split_share = (self.split_share + moved / area.width().max(1.0)).clamp(0.02, 0.98);
        let painter = ui.painter().with_clip_rect(area);
        let lines = [Stroke::new(4.0, Color32::from_black_alpha(90)), Stroke::new(1.5, Color32::WHITE)];
        for line in lines {
            painter.vline(x, area.y_range(), line);
        }
        let fill = if response.hovered() || response.has_focus() { palette.accent } else { palette.floating };
        painter.rect(knob, 8.0, fill, Stroke::new(1.0, Color32::WHITE), StrokeKind::Inside);
        for (sign, align) in [(-1.0, Align2::RIGHT_CENTER), (1.0, Align2::LEFT_CENTER)] {
            let arrow = if sign < 0.0 { "‹" } else { "›" };
            let at = knob.center() + vec2(3.0 * sign, -1.0);
            painter.text(at, align, arrow, egui::FontId::proportional(16.0), palette.text);
        }
    }

    /// Where a place of the screen lies in the view: the halves of a pair show the same.
    fn pos_in_view(&self, pos_on_screen: Pos2) -> Pos2 {
        let area = self.view.area();
        let is_left = self.compare_mode == CompareMode::SideBySide && pos_on_screen.x < area.left();
        if is_left { pos_on_screen + vec2(area.width(), 0.0) } else { pos_on_screen }
    }

    /// What a tool is drawing around.
    fn paint_outline(&self, painter: &egui::Painter) {
        let outline = self.toolbox.outline_in_canvas();
        let points: Vec<Pos2> = outline.into_iter().map(|point| self.view.screen_from_canvas(point)).collect();
        if points.len() < 2 {
            return;
        }
        for stroke in [Stroke::new(3.0, Color32::from_black_alpha(90)), Stroke::new(1.3, Color32::WHITE)] {
            painter.add(egui::Shape::closed_line(points.clone(), stroke));
        }
    }

    /// What to say while there is nothing to show, or while something takes long.
    fn paint_messages(&mut self, ui: &mut Ui, area: Rect, picture_rect: Rect, has_picture: bool) {
        let palette = theme::palette(ui.ctx());
        if let EngineState::Failed(reason) = self.engine.state() {
            let reason = sentence::on_screen(reason);
            message_ui(ui, area, |ui| {
                ui.label(RichText::new(icons::WARNING).font(theme::icon_font(40.0)).color(palette.danger));
                ui.add_space(theme::space::NORMAL);
                ui.heading(tr("The model could not be loaded"));
                ui.add_space(theme::space::TIGHT);
                ui.label(RichText::new(reason).color(palette.text_weak));
                ui.add_space(theme::space::TIGHT);
                ui.label(
                    RichText::new(tr("Start Stylebrush again with another model: stylebrush --model FILE"))
                        .color(palette.text_weak),
                );
            });
            return;
        }
        let remaining = self.loader.remaining();
        if self.timeline.document().is_empty() {
            if remaining > 0 {
                let text = if remaining == 1 { tr("Opening the photo").to_owned() } else { opening_text(remaining) };
                busy_ui(ui, area, &text);
                return;
            }
            message_ui(ui, area, |ui| {
                ui.label(RichText::new(icons::IMAGES).font(theme::icon_font(44.0)).color(palette.text_weak));
                ui.add_space(theme::space::NORMAL);
                ui.heading(tr("Drop photos here"));
                ui.add_space(theme::space::TIGHT);
                let shortcut = Command::Open.shortcut_text(ui.ctx());
                ui.label(
                    RichText::new(tr_with("or press {key} to open them", &[("key", &shortcut)]))
                        .color(palette.text_weak),
                );
                ui.add_space(theme::space::WIDE);
                if ui.button(tr("Open photos…")).clicked() {
                    self.send(Command::Open);
                }
            });
            return;
        }
        if !has_picture {
            let text = match self.engine.state() {
                EngineState::Loading => "Loading the model",
                _ => "Reading the face",
            };
            busy_ui(ui, area, tr(text));
            return;
        }
        self.first_hint_ui(ui, area);
        if remaining > 0 {
            let text = if remaining == 1 { tr("Opening the photo").to_owned() } else { opening_text(remaining) };
            if corner_busy_ui(ui, picture_rect.intersect(area), &text) {
                self.send(Command::CancelOpening);
            }
        }
    }

    /// What to do first, until it is done.
    fn first_hint_ui(&self, ui: &Ui, area: Rect) {
        let Some(layer) = self.timeline.document().active_layer() else { return };
        // A project that was opened has no past, and yet something painted.
        let is_begun = self.timeline.undo_name().is_some() || !layer.mask.is_empty();
        if is_begun || self.toolbox.busy().is_some() || self.is_comparing {
            return;
        }
        hint_pill(ui, area, &tr_with("Paint over the face to bring in {name}", &[("name", &layer.name)]));
    }

    /// The brush as a circle: its edge, and inside it where the full effect begins.
    fn paint_cursor(&mut self, ui: &Ui, painter: &egui::Painter, response: &egui::Response, has_picture: bool) {
        self.paint_brush_preview(ui, painter, response, has_picture);
        let busy = self.toolbox.busy();
        let Some(pos) = ui.input(|input| input.pointer.latest_pos()) else { return };
        if !(response.hovered() || busy.is_some()) || !has_picture {
            return;
        }
        let tool = busy.unwrap_or_else(|| self.temporary_tool(ui).unwrap_or(self.toolbox.selected));
        match tool.info().cursor {
            ToolCursor::Grab => {
                ui.set_cursor_icon(if busy == Some(tool) { CursorIcon::Grabbing } else { CursorIcon::Grab });
            }
            ToolCursor::Move => ui.set_cursor_icon(CursorIcon::Move),
            ToolCursor::Crosshair => ui.set_cursor_icon(CursorIcon::Crosshair),
            ToolCursor::PointingHand => ui.set_cursor_icon(CursorIcon::PointingHand),
            ToolCursor::Brush(effect) => {
                ui.set_cursor_icon(CursorIcon::None);
                let erases = (effect == Effect::Erase) != ui.input(|input| input.modifiers.command)
                    || self.canvas.gesture_button == Some(PointerButton::Secondary);
                let color = self.timeline.document().active_layer().map_or([255; 3], |layer| layer.color);
                let color = Color32::from_rgb(color[0], color[1], color[2]);
                self.paint_brush(painter, pos, color, erases);
                if self.compare_mode == CompareMode::SideBySide {
                    // The same place in the other half.
                    let area = self.view.area();
                    let by = if pos.x < area.left() { area.width() } else { -area.width() };
                    self.paint_brush(painter, pos + vec2(by, 0.0), color, erases);
                }
            }
        }
    }

    /// While its size changes by a slider, the brush shows in the middle of the canvas.
    fn paint_brush_preview(&mut self, ui: &Ui, painter: &egui::Painter, response: &egui::Response, has_picture: bool) {
        let radius_px = self.toolbox.brush.radius_px;
        let is_known = self.canvas.last_radius_px > 0.0;
        if radius_px != self.canvas.last_radius_px {
            self.canvas.last_radius_px = radius_px;
            self.canvas.radius_changed_at = is_known.then(Instant::now);
        }
        let shown_for = self.canvas.radius_changed_at.map(|at| at.elapsed());
        let Some(left) = shown_for.and_then(|shown_for| PREVIEW_FOR.checked_sub(shown_for)) else {
            self.canvas.radius_changed_at = None;
            return;
        };
        if has_picture && !response.hovered() {
            self.paint_brush(painter, response.rect.center(), Color32::WHITE, false);
            ui.ctx().request_repaint_after(left);
        }
    }

    fn paint_brush(&self, painter: &egui::Painter, pos: Pos2, color: Color32, erases: bool) {
        let radius = self.toolbox.brush.radius_px * self.view.scale();
        let shade = Stroke::new(3.0, Color32::from_black_alpha(90));
        let line = Stroke::new(1.3, if erases { Color32::WHITE } else { color.lerp_to_gamma(Color32::WHITE, 0.45) });
        painter.circle_stroke(pos, radius, shade);
        painter.circle_stroke(pos, radius, line);
        // The ring where the brush begins to fall off says how soft it is.
        let inner = radius * self.toolbox.brush.hardness;
        if inner > 3.0 && radius - inner > 2.0 {
            painter.circle_stroke(pos, inner, Stroke::new(1.0, Color32::from_white_alpha(80)));
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

    /// The hand while space is held.
    fn temporary_tool(&self, ui: &Ui) -> Option<ToolKind> {
        let holds_space = ui.input(|input| input.key_down(egui::Key::Space));
        (holds_space && !ui.ctx().egui_wants_keyboard_input()).then_some(ToolKind::Hand)
    }

    /// Every pointer event of this frame goes to the tool in hand, not just the last: fast strokes keep their shape.
    fn handle_pointer(&mut self, ui: &Ui, response: &egui::Response) {
        let events = ui.input(|input| input.events.clone());
        let temporary = self.temporary_tool(ui);
        // Not contains_pointer: what lies over the canvas and can be dragged has the pointer for itself.
        let may_begin = response.hovered() && !egui::Popup::is_any_open(ui.ctx()) && self.modal.is_none();
        let (modifiers, latest_pos) = ui.input(|input| (input.modifiers, input.pointer.latest_pos()));
        for event in events {
            match event {
                Event::Touch { force: Some(force), .. } => self.canvas.pressure = force,
                Event::PointerButton { pos, button, pressed: true, modifiers } if may_begin => {
                    self.begin_gesture(pos, button, modifiers, temporary, response);
                }
                Event::PointerButton { button, pressed: false, .. } if self.canvas.gesture_button == Some(button) => {
                    self.canvas.gesture_button = None;
                    self.tell_tool(&ToolEvent::PointerUp, None);
                }
                Event::PointerMoved(pos) if self.canvas.gesture_button.is_some() => self.move_tool(pos, modifiers),
                // A key that changes what is drawn does so at once, not only when the pointer moves on.
                Event::ModifiersChanged(modifiers) if self.canvas.gesture_button.is_some() => {
                    if let Some(pos) = latest_pos {
                        self.move_tool(pos, modifiers);
                    }
                }
                Event::Key { key: egui::Key::Escape, pressed: true, .. } if self.canvas.gesture_button.is_some() => {
                    self.canvas.gesture_button = None;
                    self.tell_tool(&ToolEvent::Cancel, None);
                }
                // The button may come up where nobody tells us.
                Event::WindowFocused(false) if self.canvas.gesture_button.is_some() => {
                    self.canvas.gesture_button = None;
                    self.tell_tool(&ToolEvent::PointerUp, None);
                }
                _ => {}
            }
        }
    }

    fn move_tool(&mut self, pos: Pos2, modifiers: egui::Modifiers) {
        let event = ToolEvent::PointerMove {
            pos_in_canvas: self.view.canvas_from_screen(self.pos_in_view(pos)),
            pressure: self.canvas.pressure,
            modifiers: tool_modifiers(modifiers),
        };
        self.tell_tool(&event, None);
    }

    fn begin_gesture(
        &mut self,
        pos: Pos2,
        button: PointerButton,
        modifiers: egui::Modifiers,
        temporary: Option<ToolKind>,
        response: &egui::Response,
    ) {
        if self.canvas.gesture_button.is_some() || !response.rect.contains(pos) {
            return;
        }
        let (tool_button, temporary) = match button {
            PointerButton::Primary => (Button::Primary, temporary),
            PointerButton::Secondary => (Button::Secondary, temporary),
            PointerButton::Middle => (Button::Primary, Some(ToolKind::Hand)),
            _ => return,
        };
        let is_ready = self.engine.frame().is_some();
        if !is_ready && temporary != Some(ToolKind::Hand) {
            return;
        }
        // A focused slider would keep the arrow keys.
        response.request_focus();
        response.surrender_focus();
        self.canvas.gesture_button = Some(button);
        let event = ToolEvent::PointerDown {
            pos_in_canvas: self.view.canvas_from_screen(self.pos_in_view(pos)),
            button: tool_button,
            pressure: self.canvas.pressure,
            modifiers: tool_modifiers(modifiers),
        };
        self.tell_tool(&event, temporary);
    }

    fn tell_tool(&mut self, event: &ToolEvent, temporary: Option<ToolKind>) {
        match self.toolbox.handle(event, temporary, &mut self.timeline) {
            ToolResponse::Nothing | ToolResponse::Changed => {}
            ToolResponse::PanBy(moved) => self.view.pan_by_canvas(moved),
            ToolResponse::Refused(reason) => {
                self.canvas.gesture_button = None;
                self.notifications.push(Kind::Info, reason.to_string());
            }
        }
        if !matches!(event, ToolEvent::PointerDown { .. } | ToolEvent::PointerMove { .. }) {
            self.canvas.pressure = 1.0;
        }
    }

    pub(super) fn handle_wheel(&mut self, ui: &Ui, response: &egui::Response) {
        ui.input(|input| {
            for event in &input.events {
                if let Event::MouseWheel { unit, .. } = event {
                    self.canvas.scrolls_by_pixels = *unit == egui::MouseWheelUnit::Point;
                }
            }
        });
        if !response.contains_pointer() || self.modal.is_some() || egui::Popup::is_any_open(ui.ctx()) {
            return;
        }
        let (scrolled, pinch, pointer, modifiers) = ui.input(|input| {
            (input.smooth_scroll_delta(), input.zoom_delta(), input.pointer.hover_pos(), input.modifiers)
        });
        let Some(pointer) = pointer.map(|pointer| self.pos_in_view(pointer)) else { return };
        if pinch != 1.0 {
            self.view.zoom_at(pointer, pinch);
        } else if scrolled == Vec2::ZERO {
            // Nothing turned.
        } else if modifiers.shift || modifiers.alt {
            // Shift makes a wheel turn sideways.
            self.toolbox.brush.radius_px *= ((scrolled.x + scrolled.y) * 0.005).exp();
            self.toolbox.brush = self.toolbox.brush.clamped();
        } else if self.canvas.scrolls_by_pixels {
            self.view.pan_by_screen(scrolled);
        } else {
            self.view.zoom_at(pointer, (scrolled.y * 0.005).exp());
        }
    }

    /// Files from the desktop open; a photo from the panel becomes the source.
    fn drop_ui(&mut self, ui: &mut Ui, response: &egui::Response) {
        let palette = theme::palette(ui.ctx());
        let dropped: Vec<_> =
            ui.input(|input| input.raw.dropped_files.iter().map(|file| file.path().to_owned()).collect());
        if !dropped.is_empty() {
            self.send(Command::OpenPaths(dropped));
        }
        let hovering = ui.input(|input| input.raw.hovered_files.len());
        let hint = if hovering > 0 {
            Some(if hovering == 1 { "Drop to open the photo" } else { "Drop to open the photos" })
        } else if response.dnd_hover_payload::<PhotoId>().is_some() {
            Some("Drop to use as source")
        } else {
            None
        };
        if let Some(photo) = response.dnd_release_payload::<PhotoId>() {
            self.send(Command::MakeSource(*photo));
        }
        if let Some(hint) = hint {
            let rect = response.rect.shrink(12.0);
            let painter = ui.painter();
            painter.rect_filled(rect, 10.0, palette.canvas.gamma_multiply(0.8));
            painter.rect_stroke(rect, 10.0, Stroke::new(2.0, palette.accent), StrokeKind::Inside);
            painter.text(
                rect.center(),
                Align2::CENTER_CENTER,
                tr(hint),
                egui::FontId::new(18.0, theme::semibold()),
                palette.text,
            );
        }
    }
}

fn tool_modifiers(modifiers: egui::Modifiers) -> Modifiers {
    Modifiers { opposite: modifiers.command, straight: modifiers.shift, from_center: modifiers.alt }
}

/// The coordinates of a texture that is shown whole.
pub(super) fn whole_texture() -> Rect {
    Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0))
}

/// What to do next, at the lower edge of the canvas.
pub(super) fn hint_pill(ui: &Ui, area: Rect, text: &str) {
    let font = egui::TextStyle::Body.resolve(ui.style());
    let galley = ui.painter().layout_no_wrap(text.to_owned(), font, theme::ON_SHADE);
    let size = galley.size() + vec2(28.0, 14.0);
    let rect = Rect::from_min_size(pos2(area.center().x - size.x / 2.0, area.bottom() - size.y - 44.0), size);
    ui.painter().rect_filled(rect, size.y / 2.0, theme::SHADE);
    ui.painter().galley(rect.min + vec2(14.0, 7.0), galley, theme::ON_SHADE);
}

/// A word on the picture.
fn badge(painter: &egui::Painter, left_top: Pos2, text: &str, ui: &Ui) {
    let font = egui::TextStyle::Small.resolve(ui.style());
    let galley = painter.layout_no_wrap(text.to_owned(), font, theme::ON_SHADE);
    let rect = Rect::from_min_size(left_top, galley.size() + vec2(16.0, 8.0));
    painter.rect_filled(rect, 5.0, theme::SHADE);
    painter.galley(rect.min + vec2(8.0, 4.0), galley, theme::ON_SHADE);
}

/// A message in the middle of the canvas.
fn message_ui(ui: &mut Ui, area: Rect, add_contents: impl FnOnce(&mut Ui)) {
    let width = (area.width() - 48.0).clamp(100.0, 460.0);
    let rect = Rect::from_center_size(area.center(), vec2(width, 220.0));
    ui.scope_builder(egui::UiBuilder::new().max_rect(rect).layout(egui::Layout::top_down(egui::Align::Center)), |ui| {
        add_contents(ui);
    });
}

fn opening_text(count: usize) -> String {
    tr_with("Opening {count} photos", &[("count", &count.to_string())])
}

fn busy_ui(ui: &mut Ui, area: Rect, text: &str) {
    let palette = theme::palette(ui.ctx());
    message_ui(ui, area, |ui| {
        ui.add_space(60.0);
        ui.add(egui::Spinner::new().size(30.0).color(palette.accent_hover));
        ui.add_space(theme::space::NORMAL);
        ui.label(RichText::new(text).color(palette.text_weak));
    });
}

/// Work that goes on beside the picture; `true` when the user cancels it.
fn corner_busy_ui(ui: &mut Ui, rect: Rect, text: &str) -> bool {
    let rect = Rect::from_min_size(rect.left_top() + vec2(12.0, 12.0), vec2(260.0, 32.0));
    let busy = |ui: &mut Ui| {
        let frame = egui::Frame::new().fill(theme::SHADE).corner_radius(5.0).inner_margin(6.0);
        let contents = |ui: &mut Ui| {
            ui.add(egui::Spinner::new().color(theme::ON_SHADE));
            ui.label(RichText::new(text).small().color(theme::ON_SHADE));
            ui.small_button(tr("Cancel")).clicked()
        };
        frame.show(ui, |ui| ui.horizontal(contents).inner).inner
    };
    ui.scope_builder(egui::UiBuilder::new().max_rect(rect), busy).inner
}
