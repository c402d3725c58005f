//! The canvas: the picture, the active layer's mask over it, the brush at the pointer. It draws what there is in this very
//! frame and never waits for the engine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::{
    Align2, Color32, ColorImage, CursorIcon, Event, Mesh, PointerButton, Pos2, Rect, RichText, Role, Sense, Stroke,
    StrokeKind, TextureHandle, TextureOptions, Ui, WidgetInfo, epaint::Vertex, pos2, vec2,
};
use stylemap::engine::Frame;

use super::face_view::photo_content;
use super::view::Content;
use super::{Command, Editor, EngineState, Kind, icons, theme};
use crate::document::{CANVAS_SIZE_PX, MaskImage, Photo, PhotoId, Point};
use crate::sentence;
use crate::tools::{Button, Modifiers, ToolEvent, ToolKind, ToolResponse};

/// From this many points for a pixel of the picture on, pixels show as squares.
const NEAREST_FROM_SCALE: f32 = 8.0;
/// A spinner comes up after this long: most frames are faster, and a flicker tells nothing.
pub(super) const BUSY_AFTER: Duration = Duration::from_millis(180);

/// How long the brush shows after its size changed.
const PREVIEW_FOR: Duration = Duration::from_millis(900);

/// How strongly a mask is tinted while it is painted or moved.
const WORKING_TINT: f32 = 0.12;
/// How strongly what the picture does not show yet is tinted: the stroke is seen at once, and gives way to the face.
const PENDING_TINT: f32 = 0.45;

/// The mask's texture and what it was made from.
struct Overlay {
    mask: MaskImage,
    shown: MaskImage,
    color: [u8; 3],
    tint: f32,
    texture: TextureHandle,
}

/// What the canvas keeps between frames.
#[derive(Default)]
pub struct Canvas {
    picture: Option<(u64, bool, TextureHandle)>,
    overlay: Option<Overlay>,
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

impl Canvas {
    /// The texture of a frame; uploaded once.
    fn picture(&mut self, ctx: &egui::Context, frame: &Arc<Frame>, nearest: bool) -> TextureHandle {
        if let Some((number, was_nearest, texture)) = &self.picture
            && *number == frame.number
            && *was_nearest == nearest
        {
            return texture.clone();
        }
        let options = if nearest { TextureOptions::NEAREST } else { TextureOptions::LINEAR };
        let side = frame.size_px;
        let picture = if frame.rgba.len() == side * side * 4 {
            ColorImage::from_rgba_unmultiplied([side, side], &frame.rgba)
        } else {
            ColorImage::filled([1, 1], Color32::BLACK)
        };
        let texture = match self.picture.take() {
            Some((_, _, mut texture)) => {
                texture.set(picture, options);
                texture
            }
            None => ctx.load_texture("picture", picture, options),
        };
        self.picture = Some((frame.number, nearest, texture.clone()));
        texture
    }

    fn overlay(
        &mut self,
        ctx: &egui::Context,
        mask: &MaskImage,
        shown: &MaskImage,
        color: [u8; 3],
        tint: f32,
    ) -> TextureHandle {
        if let Some(overlay) = &self.overlay
            && overlay.mask.is_same_copy(mask)
            && overlay.shown.is_same_copy(shown)
            && overlay.color == color
            && overlay.tint == tint
        {
            return overlay.texture.clone();
        }
        let picture = overlay_picture(mask, shown, color, tint);
        let texture = match self.overlay.take() {
            Some(Overlay { mut texture, .. }) => {
                texture.set(picture, TextureOptions::LINEAR);
                texture
            }
            None => ctx.load_texture("mask", picture, TextureOptions::LINEAR),
        };
        let (mask, shown) = (mask.clone(), shown.clone());
        self.overlay = Some(Overlay { mask, shown, color, tint, texture: texture.clone() });
        texture
    }
}

/// The mask in the layer's colour: a tint, a stronger one where it differs from what the picture shows, and a line where it
/// crosses one half.
fn overlay_picture(mask: &MaskImage, shown: &MaskImage, [red, green, blue]: [u8; 3], tint: f32) -> ColorImage {
    const SIDE: usize = CANVAS_SIZE_PX;
    let values = mask.to_values();
    let shown_values = if shown.is_same_copy(mask) { None } else { Some(shown.to_values()) };
    let shown_rows = shown_values.as_deref().unwrap_or(&values).chunks_exact(SIDE);
    let line = Color32::from_rgb(red, green, blue);
    // A line of the layer's colour alone would be lost on a ground of that colour.
    let shade = Color32::from_black_alpha(110);
    let mut pixels = vec![Color32::TRANSPARENT; SIDE * SIDE];
    let rows = values.chunks_exact(SIDE).zip(shown_rows).zip(pixels.chunks_exact_mut(SIDE));
    for (y, ((row, shown_row), out)) in rows.enumerate() {
        let row_at = |y: usize| values.get(y * SIDE..(y + 1) * SIDE).unwrap_or(row);
        let (above, below) = (row_at(y.wrapping_sub(1).min(SIDE)), row_at(y + 1));
        let is_inside = |value: Option<&u8>, here: bool| value.map_or(here, |&value| value >= 128);
        for (x, ((&value, &shown), pixel)) in row.iter().zip(shown_row).zip(out.iter_mut()).enumerate() {
            let here = value >= 128;
            let neighbours = [above.get(x), below.get(x), row.get(x.wrapping_sub(1)), row.get(x + 1)];
            if neighbours.into_iter().any(|neighbour| is_inside(neighbour, here) != here) {
                *pixel = if here { line } else { shade };
            } else if value > 0 || shown > 0 {
                let alpha = tint * f32::from(value) + PENDING_TINT * f32::from(value.abs_diff(shown));
                *pixel = Color32::from_rgba_unmultiplied(red, green, blue, alpha.min(255.0) as u8);
            }
        }
    }
    ColorImage::new([SIDE, SIDE], pixels)
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
            self.view.set_area(area);
            let response = ui.allocate_rect(area, Sense::click_and_drag());
            response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, "Canvas"));

            self.handle_pointer(ui, &response);
            self.handle_wheel(ui, &response);

            let painter = ui.painter().with_clip_rect(area);
            let picture_rect = self.view.content_rect();
            let has_picture = self.paint_picture(ui, &painter, picture_rect);
            if has_picture && !self.is_comparing {
                self.paint_overlay(ui, &painter);
            }
            self.paint_outline(&painter);
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

    /// The newest frame, alone or in its photo, or while comparing the source photo. `false` while there is nothing.
    fn paint_picture(&mut self, ui: &Ui, painter: &egui::Painter, rect: Rect) -> bool {
        let ctx = ui.ctx();
        let outline = Stroke::new(1.0, Color32::from_black_alpha(140));
        let paint = |texture: &TextureHandle, rect: Rect| {
            painter.image(texture.id(), rect, whole_texture(), Color32::WHITE);
        };
        let source_badge = |photo: &Photo| {
            let label = format!("Source photo · {}", photo.name);
            badge(painter, rect.intersect(painter.clip_rect()).left_top() + vec2(12.0, 12.0), &label, ui);
        };
        if let Some((photo, placement)) = self.shown_photo() {
            paint(&self.thumbnails.preview(ctx, &photo, &placement.original), rect);
            painter.rect_stroke(rect, 0.0, outline, StrokeKind::Outside);
            match self.photo_view.shown(photo.id) {
                _ if self.is_comparing => source_badge(&photo),
                Some((texture, rect_in_photo)) => paint(texture, rect_within(rect, rect_in_photo)),
                None => {}
            }
            return self.engine.frame().is_some();
        }
        let document = self.timeline.document();
        if self.is_comparing
            && let Some(photo) = document.source().and_then(|id| document.photo(id))
        {
            paint(&self.thumbnails.full(ctx, photo), rect);
            painter.rect_stroke(rect, 0.0, outline, StrokeKind::Outside);
            source_badge(photo);
            return true;
        }
        let Some(frame) = self.engine.frame() else { return false };
        let picture_scale = self.view.scale() * CANVAS_SIZE_PX as f32 / frame.size_px.max(1) as f32;
        paint(&self.canvas.picture(ctx, frame, picture_scale >= NEAREST_FROM_SCALE), rect);
        painter.rect_stroke(rect, 0.0, outline, StrokeKind::Outside);
        true
    }

    fn paint_overlay(&mut self, ui: &Ui, painter: &egui::Painter) {
        let is_working = self.toolbox.busy().is_some_and(|tool| tool != ToolKind::Hand);
        if !self.shows_overlay && !is_working {
            return;
        }
        let Some(layer) = self.timeline.document().active_layer() else { return };
        if !layer.visible || layer.mask.is_empty() {
            return;
        }
        let tint = if is_working { WORKING_TINT } else { 0.0 };
        // A layer that had nothing painted is not in the picture yet.
        let shown = self.engine.shown_mask(layer.id).unwrap_or(&self.canvas.nothing).clone();
        let texture = self.canvas.overlay(ui.ctx(), &layer.mask, &shown, layer.color, tint);
        // What was moved off the canvas does not show.
        let canvas = Rect::from_min_size(Pos2::ZERO, vec2(CANVAS_SIZE_PX as f32, CANVAS_SIZE_PX as f32));
        let offset = vec2(layer.offset_px.0 as f32, layer.offset_px.1 as f32);
        let visible_in_canvas = canvas.intersect(canvas.translate(offset));
        if !visible_in_canvas.is_positive() {
            return;
        }
        let mut mesh = Mesh::with_texture(texture.id());
        for pos in [
            visible_in_canvas.left_top(),
            visible_in_canvas.right_top(),
            visible_in_canvas.right_bottom(),
            visible_in_canvas.left_bottom(),
        ] {
            let uv = ((pos - offset) - canvas.min) / canvas.size();
            let pos = self.view.screen_from_canvas(Point::new(pos.x, pos.y));
            mesh.vertices.push(Vertex { pos, uv: uv.to_pos2(), color: Color32::WHITE });
        }
        mesh.add_triangle(0, 1, 2);
        mesh.add_triangle(0, 2, 3);
        painter.add(mesh);
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
                ui.heading("The model could not be loaded");
                ui.add_space(theme::space::TIGHT);
                ui.label(RichText::new(reason).color(palette.text_weak));
                ui.add_space(theme::space::TIGHT);
                ui.label(
                    RichText::new("Start Stylebrush again with another model: stylebrush --model FILE")
                        .color(palette.text_weak),
                );
            });
            return;
        }
        let remaining = self.loader.remaining();
        if self.timeline.document().is_empty() {
            if remaining > 0 {
                let text =
                    if remaining == 1 { "Opening the photo".to_owned() } else { format!("Opening {remaining} photos") };
                busy_ui(ui, area, &text);
                return;
            }
            message_ui(ui, area, |ui| {
                ui.label(RichText::new(icons::IMAGES).font(theme::icon_font(44.0)).color(palette.text_weak));
                ui.add_space(theme::space::NORMAL);
                ui.heading("Drop photos here");
                ui.add_space(theme::space::TIGHT);
                let shortcut = Command::Open.shortcut_text(ui.ctx());
                ui.label(RichText::new(format!("or press {shortcut} to open them")).color(palette.text_weak));
                ui.add_space(theme::space::WIDE);
                if ui.button("Open photos…").clicked() {
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
            busy_ui(ui, area, text);
            return;
        }
        self.first_hint_ui(ui, area);
        if remaining > 0 {
            let text =
                if remaining == 1 { "Opening a photo".to_owned() } else { format!("Opening {remaining} photos") };
            if corner_busy_ui(ui, picture_rect.intersect(area), &text) {
                self.send(Command::CancelOpening);
            }
        }
    }

    /// What to do first, until it is done.
    fn first_hint_ui(&self, ui: &Ui, area: Rect) {
        let Some(layer) = self.timeline.document().active_layer() else { return };
        if self.timeline.undo_name().is_some() || self.toolbox.busy().is_some() || self.is_comparing {
            return;
        }
        hint_pill(ui, area, &format!("Paint over the face to bring in {}", layer.name));
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
        match tool {
            ToolKind::Hand => {
                let grabbing = busy == Some(ToolKind::Hand);
                ui.set_cursor_icon(if grabbing { CursorIcon::Grabbing } else { CursorIcon::Grab });
            }
            ToolKind::Move => ui.set_cursor_icon(CursorIcon::Move),
            ToolKind::Lasso | ToolKind::Rectangle | ToolKind::Ellipse | ToolKind::Fill => {
                ui.set_cursor_icon(CursorIcon::Crosshair);
            }
            ToolKind::PickLayer => ui.set_cursor_icon(CursorIcon::PointingHand),
            ToolKind::Brush | ToolKind::Eraser => {
                ui.set_cursor_icon(CursorIcon::None);
                let erases = (tool == ToolKind::Eraser) != ui.input(|input| input.modifiers.command)
                    || self.canvas.gesture_button == Some(PointerButton::Secondary);
                let color = self.timeline.document().active_layer().map_or([255; 3], |layer| layer.color);
                self.paint_brush(painter, pos, Color32::from_rgb(color[0], color[1], color[2]), erases);
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
        let may_begin = response.contains_pointer() && !egui::Popup::is_any_open(ui.ctx()) && self.modal.is_none();
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
            pos_in_canvas: self.view.canvas_from_screen(pos),
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
            pos_in_canvas: self.view.canvas_from_screen(pos),
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
        let Some(pointer) = pointer else { return };
        if pinch != 1.0 {
            self.view.zoom_at(pointer, pinch);
        } else if scrolled == egui::Vec2::ZERO {
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
                hint,
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

/// A part of a rectangle whose own sides have length one there.
fn rect_within(whole: Rect, part: Rect) -> Rect {
    let at = |pos: Pos2| pos2(egui::lerp(whole.x_range(), pos.x), egui::lerp(whole.y_range(), pos.y));
    Rect::from_min_max(at(part.min), at(part.max))
}

/// What to do next, at the lower edge of the canvas.
pub(super) fn hint_pill(ui: &Ui, area: Rect, text: &str) {
    let palette = theme::palette(ui.ctx());
    let font = egui::TextStyle::Body.resolve(ui.style());
    let galley = ui.painter().layout_no_wrap(text.to_owned(), font, palette.text);
    let size = galley.size() + vec2(28.0, 14.0);
    let rect = Rect::from_min_size(pos2(area.center().x - size.x / 2.0, area.bottom() - size.y - 44.0), size);
    ui.painter().rect_filled(rect, size.y / 2.0, Color32::from_black_alpha(190));
    ui.painter().galley(rect.min + vec2(14.0, 7.0), galley, palette.text);
}

/// A word on the picture.
fn badge(painter: &egui::Painter, left_top: Pos2, text: &str, ui: &Ui) {
    let palette = theme::palette(ui.ctx());
    let font = egui::TextStyle::Small.resolve(ui.style());
    let galley = painter.layout_no_wrap(text.to_owned(), font, palette.text);
    let rect = Rect::from_min_size(left_top, galley.size() + vec2(16.0, 8.0));
    painter.rect_filled(rect, 5.0, Color32::from_black_alpha(190));
    painter.galley(rect.min + vec2(8.0, 4.0), galley, palette.text);
}

/// A message in the middle of the canvas.
fn message_ui(ui: &mut Ui, area: Rect, add_contents: impl FnOnce(&mut Ui)) {
    let width = (area.width() - 48.0).clamp(100.0, 460.0);
    let rect = Rect::from_center_size(area.center(), vec2(width, 220.0));
    ui.scope_builder(egui::UiBuilder::new().max_rect(rect).layout(egui::Layout::top_down(egui::Align::Center)), |ui| {
        add_contents(ui);
    });
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
        let frame = egui::Frame::new().fill(Color32::from_black_alpha(190)).corner_radius(5.0).inner_margin(6.0);
        let contents = |ui: &mut Ui| {
            ui.spinner();
            ui.small(text);
            ui.small_button("Cancel").clicked()
        };
        frame.show(ui, |ui| ui.horizontal(contents).inner).inner
    };
    ui.scope_builder(egui::UiBuilder::new().max_rect(rect), busy).inner
}
