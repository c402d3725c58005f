//! The whole photo in place of the canvas: choosing one of its faces, or placing one by hand.

use std::sync::Arc;

use egui::{
    Align2, Button, Color32, EventFilter, Key, PointerButton, Rect, RichText, Role, Sense, Shape, Stroke, StrokeKind,
    TextureHandle, TextureOptions, Ui, WidgetInfo, vec2,
};
use stylemap::face::{Detection, FaceFrame, Landmarks, align, crop_quad};

use super::super::commands::Command;
use super::super::context::Context;
use super::super::theme;
use super::super::thumbnails::Thumbnails;
use super::Canvas;
use super::messages::{hint_pill, whole_texture};
use super::view::{CanvasView, Content};
use crate::document::{Photo, PhotoId, Placement, Point};
use crate::language::{tr, tr_with};
use crate::original::Original;
use crate::tools::{FacePlacing, FacePoint};
use crate::workbench::{Action, Workbench};

/// The crop that is being placed, as a small picture.
const CROP_PREVIEW_PX: u32 = 144;
/// Where a handle can be grabbed.
const HANDLE_SIZE: f32 = 28.0;

/// What is done with the photo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    /// The found faces lie ready to be clicked.
    Choose,
    /// The user places the points.
    Place(FacePlacing),
}

/// A photo that waits for the user to say which face, or where it is.
pub struct FaceChooser {
    /// The photo in the document whose face it is about.
    pub photo: PhotoId,
    /// What is done with it.
    pub mode: Mode,
    crop_preview: Option<(Landmarks, TextureHandle)>,
}

impl FaceChooser {
    /// Begins with the found faces; with the points where there are none.
    pub fn new(photo: &Photo) -> Self {
        let is_found = photo.placement.as_ref().is_some_and(|placement| !placement.original.faces.is_empty());
        let mode = if is_found { Mode::Choose } else { Mode::Place(FacePlacing::default()) };
        Self { photo: photo.id, mode, crop_preview: None }
    }

    /// Begins with the points of the face that is in use, to correct them.
    pub fn placing(photo: &Photo) -> Self {
        Self { photo: photo.id, mode: Mode::Place(known_points(photo)), crop_preview: None }
    }

    /// The photo, with where its crop lies; none where it was closed meanwhile.
    fn photo_of(&self, bench: &Workbench) -> Option<(Arc<Photo>, Placement)> {
        bench.placement_of(self.photo)
    }
}

fn known_points(photo: &Photo) -> FacePlacing {
    let landmarks = photo.placement.as_ref().and_then(|placement| placement.landmarks.as_ref());
    landmarks.map(FacePlacing::of_face).unwrap_or_default()
}

/// The photo as the view shows it: its own pixels, upright.
pub fn photo_content(original: &Original) -> Content {
    let size_px = vec2(original.pixels.width() as f32, original.pixels.height() as f32);
    Content { middle_in_canvas: Point::new(size_px.x / 2.0, size_px.y / 2.0), size_px, angle_radians: 0.0 }
}

/// What a click or a key decided.
enum Decision {
    Stay,
    Close,
    Use(Landmarks),
}

impl Canvas {
    /// The photo in place of the canvas, if the user is asked about one. `false` where the canvas shows as ever.
    pub(super) fn face_chooser_ui(
        &mut self,
        bench: &mut Workbench,
        ui: &mut Ui,
        area: Rect,
        is_blocked: bool,
        thumbnails: &mut Thumbnails,
        sent: &mut Vec<Command>,
    ) -> bool {
        if self.face_chooser.is_none() {
            let unclear = bench.take_unclear_face();
            self.face_chooser = unclear.and_then(|id| bench.document().photo(id)).map(|photo| FaceChooser::new(photo));
        }
        let known = self.face_chooser.take().and_then(|it| it.photo_of(bench).map(|photo| (it, photo)));
        // It may have been closed, or its opening undone.
        let Some((mut face_chooser, (photo, placement))) = known else { return false };
        let original = &placement.original;
        self.view.show(photo_content(original));
        self.view.set_area(area);
        let ground = ui.allocate_rect(area, Sense::click_and_drag());
        ground.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, "Photo"));
        if ground.dragged_by(PointerButton::Middle) || ground.dragged() && ui.input(|input| input.key_down(Key::Space))
        {
            self.view.pan_by_screen(ground.drag_delta());
        }
        self.handle_wheel(bench, ui, &ground, is_blocked);
        let painter = ui.painter().with_clip_rect(area);
        let texture = thumbnails.preview(ui.ctx(), &photo, original);
        painter.image(texture.id(), self.view.content_rect(), whole_texture(), Color32::WHITE);

        let mut decision = match &mut face_chooser.mode {
            Mode::Choose => choose_ui(&self.view, ui, area, &photo, &placement),
            Mode::Place(placing) => {
                let mut decision = place_ui(&self.view, ui, area, &photo, &ground, placing);
                let landmarks = placing.landmarks();
                crop_preview_ui(ui, area, original, landmarks, &mut face_chooser.crop_preview);
                if let Some(landmarks) = landmarks
                    && !is_blocked
                    && ui.input(|input| input.key_pressed(Key::Enter))
                {
                    decision = Decision::Use(landmarks);
                }
                decision
            }
        };
        if !is_blocked && ui.input(|input| input.key_pressed(Key::Escape)) {
            decision = Decision::Close;
        }
        match decision {
            Decision::Stay => self.face_chooser = Some(face_chooser),
            Decision::Close => sent.push(Action::KeepFace(photo.id).into()),
            Decision::Use(landmarks) => sent.push(Action::UseFace(photo.id, landmarks).into()),
        }
        true
    }
}

/// A frame around each found face; a click takes it.
fn choose_ui(view: &CanvasView, ui: &Ui, area: Rect, photo: &Photo, placement: &Placement) -> Decision {
    let palette = theme::palette(ui.ctx());
    let painter = ui.painter().with_clip_rect(area);
    let faces = &placement.original.faces;
    let mut decision = Decision::Stay;
    // The largest come first, so that a small face in front of one lies above it.
    for (index, Detection { landmarks, frame, confidence }) in faces.iter().enumerate() {
        let FaceFrame { left, top, width, height } = *frame;
        let corners = [[left, top], [left + width, top + height]];
        let [min, max] = corners.map(|corner| view.screen_from_canvas(Point::from_pixel_middles(corner)));
        let rect = Rect::from_min_max(min, max);
        let visible = rect.intersect(area);
        if !visible.is_positive() {
            continue;
        }
        let percent = format!("{:.0} %", confidence * 100.0);
        let is_current = placement.landmarks.as_ref() == Some(landmarks);
        let response = ui.interact(visible, ui.scope_id().with(("face", photo.id, index)), Sense::click());
        let label = tr_with(
            "Face {number} of {count}, {percent} sure",
            &[("number", &(index + 1).to_string()), ("count", &faces.len().to_string()), ("percent", &percent)],
        );
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_current, &label));
        let is_marked = response.hovered() || response.has_focus();
        let color = if is_current { palette.accent } else { Color32::WHITE };
        let width = if is_current || is_marked { 3.0 } else { 1.5 };
        painter.rect_stroke(rect, 6.0, Stroke::new(width + 2.0, Color32::from_black_alpha(120)), StrokeKind::Middle);
        painter.rect_stroke(rect, 6.0, Stroke::new(width, color), StrokeKind::Middle);
        if is_marked {
            painter.rect_filled(rect, 6.0, Color32::from_white_alpha(28));
        }
        let font = egui::TextStyle::Small.resolve(ui.style());
        let galley = painter.layout_no_wrap(percent, font, palette.text_on_accent);
        let badge = Align2::LEFT_BOTTOM.anchor_size(rect.left_top() - vec2(0.0, 3.0), galley.size() + vec2(10.0, 4.0));
        let fill = if is_current { palette.accent } else { Color32::from_black_alpha(190) };
        painter.rect_filled(badge, 4.0, fill);
        painter.galley(badge.min + vec2(5.0, 2.0), galley, palette.text_on_accent);
        if response.on_hover_text(tr("Edit this face")).clicked() {
            decision = Decision::Use(*landmarks);
        }
    }
    hint_pill(ui, area, &tr_with("Click the face to edit in {name}", &[("name", &photo.name)]));
    decision
}

/// The points, to be clicked in order and dragged.
fn place_ui(
    view: &CanvasView,
    ui: &Ui,
    area: Rect,
    photo: &Photo,
    ground: &egui::Response,
    placing: &mut FacePlacing,
) -> Decision {
    let palette = theme::palette(ui.ctx());
    let painter = ui.painter().with_clip_rect(area);
    if let Some(next) = placing.next() {
        if ground.hovered() {
            ui.set_cursor_icon(egui::CursorIcon::Crosshair);
        }
        if ground.clicked() {
            // Without a pointer the point begins near the middle, and the arrow keys bring it to its place.
            let clicked_at = ground.interact_pointer_pos().unwrap_or_else(|| {
                let from_middle = match next {
                    FacePoint::EyeLeft => vec2(-30.0, -20.0),
                    FacePoint::EyeRight => vec2(30.0, -20.0),
                    FacePoint::Mouth => vec2(0.0, 45.0),
                };
                area.center() + from_middle
            });
            placing.place(next, view.canvas_from_screen(clicked_at));
        }
    }
    for point in FacePoint::ALL {
        let Some(pos_in_photo) = placing.position(point) else { continue };
        let at = view.screen_from_canvas(pos_in_photo);
        let id = ui.scope_id().with(("face point", photo.id, point.text()));
        let handle = ui.interact(Rect::from_center_size(at, vec2(HANDLE_SIZE, HANDLE_SIZE)), id, Sense::drag());
        handle.widget_info(|| WidgetInfo::labeled(Role::Button, true, point.text()));
        if handle.dragged_by(PointerButton::Primary) {
            let moved = handle.drag_delta() / view.scale();
            placing.place(point, pos_in_photo + Point::new(moved.x, moved.y));
        }
        if handle.has_focus() {
            let keeps_arrows = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(id, keeps_arrows));
            placing.place(point, pos_in_photo + arrows(ui));
        }
        let color = if handle.hovered() || handle.has_focus() { palette.accent_hover } else { Color32::WHITE };
        for stroke in [Stroke::new(4.0, Color32::from_black_alpha(130)), Stroke::new(2.0, color)] {
            painter.circle_stroke(at, 7.0, stroke);
            for direction in [vec2(1.0, 0.0), vec2(-1.0, 0.0), vec2(0.0, 1.0), vec2(0.0, -1.0)] {
                painter.line_segment([at + direction * 7.0, at + direction * 12.0], stroke);
            }
        }
        handle.on_hover_text(tr(point.text()));
    }
    let landmarks = placing.landmarks();
    if let Some(quad) = landmarks.as_ref().and_then(|landmarks| crop_quad(landmarks).ok()) {
        let corner = |corner| view.screen_from_canvas(Point::from_pixel_middles(corner));
        let outline = quad.corners_in_photo().map(corner).to_vec();
        for stroke in [Stroke::new(3.0, Color32::from_black_alpha(120)), Stroke::new(1.5, palette.accent_hover)] {
            painter.add(Shape::closed_line(outline.clone(), stroke));
        }
    }
    let was_found = photo.placement.as_ref().is_some_and(|placement| !placement.original.faces.is_empty());
    let hint = match (placing.next(), landmarks) {
        (Some(FacePoint::EyeLeft), _) if !was_found => {
            tr_with("No face was found in {name}. Click the eye on the left", &[("name", &photo.name)])
        }
        (Some(FacePoint::EyeLeft), _) => tr("Click the eye on the left").to_owned(),
        (Some(FacePoint::EyeRight), _) => tr("Click the other eye").to_owned(),
        (Some(FacePoint::Mouth), _) => tr("Click the middle of the mouth").to_owned(),
        (None, Some(_)) => tr("Drag the points into place, then use this face").to_owned(),
        (None, None) => tr("These points are no face: two eyes side by side, and a mouth below them").to_owned(),
    };
    hint_pill(ui, area, &hint);
    Decision::Stay
}

/// The crop that the points make, in a corner.
fn crop_preview_ui(
    ui: &Ui,
    area: Rect,
    original: &Original,
    landmarks: Option<Landmarks>,
    known: &mut Option<(Landmarks, TextureHandle)>,
) {
    let Some(landmarks) = landmarks else { return };
    if known.as_ref().is_none_or(|(of, _)| *of != landmarks) {
        let preview = original.preview();
        let factor = f64::from(preview.width()) / f64::from(original.pixels.width().max(1));
        let crop = crop_quad(&landmarks)
            .and_then(|quad| quad.in_resized_photo(factor))
            .and_then(|quad| align(preview, &quad, CROP_PREVIEW_PX));
        let Ok(crop) = crop else { return };
        let size = [crop.width() as usize, crop.height() as usize];
        let picture = egui::ColorImage::from_rgb(size, crop.as_raw());
        let texture = ui.ctx().load_texture("crop", picture, TextureOptions::LINEAR);
        *known = Some((landmarks, texture));
    }
    let Some((_, texture)) = known else { return };
    let side = CROP_PREVIEW_PX as f32;
    let rect = Align2::RIGHT_BOTTOM.anchor_size(area.right_bottom() - vec2(16.0, 16.0), vec2(side, side));
    egui::Image::from_texture(&*texture).corner_radius(theme::CORNER).paint_at(ui, rect);
    let outline = Stroke::new(1.0, theme::palette(ui.ctx()).outline);
    ui.painter().rect_stroke(rect, theme::CORNER, outline, StrokeKind::Outside);
}

impl FaceChooser {
    /// What the tool options show while the user is asked about a photo; whether that ended.
    pub fn options_ui(&mut self, context: &mut Context<'_>, ui: &mut Ui) -> bool {
        let palette = theme::palette(ui.ctx());
        let Some((photo, placement)) = self.photo_of(context.bench) else { return false };
        let has_faces = !placement.original.faces.is_empty();
        let mut used = None;
        let mut closes = false;
        match &mut self.mode {
            Mode::Choose => {
                ui.label(RichText::new(tr("Choose a face")).font(theme::title_font()).color(palette.text));
                if ui.button(tr("Place by hand")).on_hover_text(tr("Place the eyes and the mouth yourself")).clicked() {
                    self.mode = Mode::Place(known_points(&photo));
                }
            }
            Mode::Place(placing) => {
                ui.label(RichText::new(tr("Place the face")).font(theme::title_font()).color(palette.text));
                let landmarks = placing.landmarks();
                let text = RichText::new(tr("Use this face")).color(palette.text_on_accent);
                let button = ui.add_enabled(landmarks.is_some(), Button::new(text).fill(palette.accent));
                if let Some(landmarks) =
                    landmarks.filter(|_| button.on_hover_text(tr("Cut out this face  (Enter)")).clicked())
                {
                    used = Some(Action::UseFace(photo.id, landmarks));
                }
                if ui.button(tr("Start over")).on_hover_text(tr("Take the points away")).clicked() {
                    *placing = FacePlacing::default();
                }
                if has_faces
                    && ui.button(tr("Found faces")).on_hover_text(tr("Show the faces that were found")).clicked()
                {
                    self.mode = Mode::Choose;
                }
            }
        }
        if ui.button(tr("Cancel")).on_hover_text(tr("Leave the face as it is  (Escape)")).clicked() {
            closes = true;
        }
        let waiting = context.bench.unclear_faces();
        if waiting > 0 && ui.button(tr("Skip all")).on_hover_text(waiting_text(waiting)).clicked() {
            context.send(Action::SkipUnclearFaces);
            closes = true;
        }
        if closes {
            context.send(Action::KeepFace(photo.id));
        }
        closes |= used.is_some();
        used.into_iter().for_each(|action| context.send(action));
        closes
    }
}

/// How far the arrow keys move, in photo pixels.
fn arrows(ui: &Ui) -> Point {
    ui.input(|input| {
        let step = if input.modifiers.shift { 10.0 } else { 1.0 };
        let pressed = |key| input.num_presses(key) as f32 * step;
        Point::new(pressed(Key::ArrowRight) - pressed(Key::ArrowLeft), pressed(Key::ArrowDown) - pressed(Key::ArrowUp))
    })
}

fn waiting_text(count: usize) -> String {
    match count {
        1 => tr("One more photo waits").to_owned(),
        count => tr_with("{count} more photos wait", &[("count", &count.to_string())]),
    }
}
