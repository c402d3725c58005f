//! The canvas: the picture, the active layer's mask over it, the brush at the pointer. It draws what there is in this very
//! frame and never waits for the engine. The one part of the window that changes the work while it is drawn: strokes are to be
//! seen in the frame in which they are made.

mod face_chooser;
mod face_frames;
mod gpu;
mod messages;
mod paint;
mod pointer;
mod touch;
mod veil;
pub mod view;

use std::time::{Duration, Instant};

use egui::{
    Align2, Color32, CursorIcon, PointerButton, Pos2, Rect, RichText, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
    pos2, vec2,
};

pub(super) use super::commands::keymap::Input;
use super::commands::{Command, CompareMode, Look};
use super::context::CanvasState;
use super::thumbnails::Thumbnails;
use super::{icons, theme};
use crate::document::{CANVAS_SIZE_PX, MaskImage, PhotoId, Point};
use crate::language::{tr, tr_with};
use crate::sentence;
use crate::tools::ToolKind;
use crate::workbench::live_photo::Place;
use crate::workbench::{Action, EngineState, Question, Workbench};
pub(super) use face_chooser::FaceChooser;
use face_chooser::photo_content;
use messages::{badge, busy_ui, corner_busy_ui, hint_pill, message_ui, opening_text};
use touch::Touches;
use veil::Veils;
use view::{CanvasView, Content};

/// How near a press must be to a handle to take it, in points.
const HANDLE_REACH: f32 = 10.0;
/// A spinner comes up after this long: most frames are faster, and a flicker tells nothing.
pub(super) const BUSY_AFTER: Duration = Duration::from_millis(180);

/// How the work lies on screen, and the gesture under way.
pub(super) struct Canvas {
    /// Where the canvas lies.
    pub view: CanvasView,
    /// The photo in place of the canvas, while the user is asked about its face.
    pub face_chooser: Option<FaceChooser>,
    /// What of the source shows beside the edit.
    pub compare_mode: CompareMode,
    /// Whether the source shows for as long as a key or button is held.
    pub is_comparing: bool,
    /// What happened in this frame and nobody has taken yet.
    pub inputs: Vec<Input>,
    /// Where the line between source and edit lies, from the left of the canvas to its right.
    split_share: f32,
    target_format: wgpu::TextureFormat,
    veils: Veils,
    /// Kept, so that two layers with nothing shown are known to be the same.
    nothing: MaskImage,
    /// The button that began the gesture under way.
    gesture_button: Option<PointerButton>,
    pressure: f32,
    /// Where the pointer was last, and what was held.
    pointer_pos: Option<Pos2>,
    modifiers: egui::Modifiers,
    holds_space: bool,
    /// The fingers on the screen.
    touches: Touches,
    /// The frames around other faces of the photo, as they were last drawn.
    face_frames: Vec<Rect>,
    /// What drags the line between source and edit, as it was last drawn.
    split_knob: Option<Rect>,
    /// The brush's radius in the last frame, and when it last changed away from the canvas.
    last_radius_px: f32,
    radius_changed_at: Option<Instant>,
}

impl Canvas {
    /// A canvas on a surface of this format.
    pub fn new(target_format: wgpu::TextureFormat) -> Self {
        Self {
            view: CanvasView::default(),
            face_chooser: None,
            compare_mode: CompareMode::Off,
            is_comparing: false,
            inputs: Vec::new(),
            split_share: 0.5,
            target_format,
            veils: Veils::default(),
            nothing: MaskImage::default(),
            gesture_button: None,
            pressure: 0.0,
            pointer_pos: None,
            modifiers: egui::Modifiers::NONE,
            holds_space: false,
            touches: Touches::default(),
            face_frames: Vec::new(),
            split_knob: None,
            last_radius_px: 0.0,
            radius_changed_at: None,
        }
    }

    /// What the panels around it need to know.
    pub fn state(&self, bench: &Workbench, ctx: &egui::Context) -> CanvasState {
        let zoom_percent = self.view.scale() * ctx.pixels_per_point() / self.full_px_per_canvas_px(bench) * 100.0;
        CanvasState { compare_mode: self.compare_mode, is_comparing: self.is_comparing, zoom_percent }
    }

    /// Draws everything. While `is_blocked` a box is open, and has keys and pointer for itself.
    pub fn ui(
        &mut self,
        bench: &mut Workbench,
        ui: &mut Ui,
        is_blocked: bool,
        thumbnails: &mut Thumbnails,
        sent: &mut Vec<Command>,
    ) {
        let palette = theme::palette(ui.ctx());
        egui::CentralPanel::no_frame().frame(egui::Frame::new().fill(palette.canvas)).show(ui, |ui| {
            let area = ui.available_rect_before_wrap();
            if self.face_chooser_ui(bench, ui, area, is_blocked, thumbnails, sent) {
                return;
            }
            self.lay_view(bench, area);
            let response = ui.allocate_rect(area, Sense::click_and_drag());
            response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, tr("Canvas")));

            self.handle_inputs(bench, ui, &response, is_blocked, sent);

            let painter = ui.painter().with_clip_rect(area);
            let has_picture = self.paint_picture(bench, ui, &painter, area);
            if has_picture {
                self.paint_outline(bench, &painter);
                self.paint_handles(bench, ui, &painter);
                self.paint_crop_border(bench, ui, &response, area);
            }
            self.face_frames_ui(bench, ui, area, sent);
            self.split_ui(ui, area);
            self.messages_ui(bench, ui, area, has_picture, sent);
            self.paint_cursor(bench, ui, &painter, &response, has_picture);
            Self::drop_ui(ui, &response, sent);
        });
        // While the user is asked about a photo the canvas takes nothing.
        sent.extend(self.inputs.drain(..).filter_map(|input| match input {
            Input::Command(command) => Some(command),
            Input::Event(_) => None,
        }));
    }

    /// Lays what is shown now into the area that the window has for it, and says how far handles reach there.
    fn lay_view(&mut self, bench: &mut Workbench, area: Rect) {
        self.view.show(Self::content(bench));
        // Side by side, the edit has the right half; what lies in the left one is moved there.
        let view_area = match self.compare_mode {
            CompareMode::SideBySide => area.with_min_x(area.center().x),
            CompareMode::Off | CompareMode::Split => area,
        };
        self.view.set_area(view_area);
        bench.set_reach_px(HANDLE_REACH / self.view.scale().max(f32::MIN_POSITIVE));
    }

    /// Does what concerns the canvas alone. Anything else comes back.
    pub fn look(&mut self, look: Look, bench: &Workbench, ctx: &egui::Context) -> Option<Look> {
        let middle = self.view.area().center();
        match look {
            Look::ZoomIn => self.view.zoom_at(middle, 1.25),
            Look::ZoomOut => self.view.zoom_at(middle, 0.8),
            Look::ZoomToFit => self.view.fit(),
            Look::ZoomToFill => self.view.fill(),
            Look::ZoomToPainted => self.zoom_to_painted(bench),
            Look::ZoomToActualSize => self.view.set_scale(self.actual_size_scale(bench, ctx)),
            Look::ToggleCompare(mode) => {
                let is_on = self.compare_mode == mode;
                self.compare_mode = if is_on { CompareMode::Off } else { mode };
            }
            other => return Some(other),
        }
        None
    }

    /// The scale at which one pixel of the picture is one pixel of the screen.
    fn actual_size_scale(&self, bench: &Workbench, ctx: &egui::Context) -> f32 {
        self.full_px_per_canvas_px(bench) / ctx.pixels_per_point()
    }

    /// Shows what the active layer paints as large as it fits.
    fn zoom_to_painted(&mut self, bench: &Workbench) {
        let Some(layer) = bench.document().active_layer() else { return };
        let Some(painted) = layer.mask.painted_rect() else { return };
        let offset = Point::new(layer.offset_px.0 as f32, layer.offset_px.1 as f32);
        let (xs, ys) = ([painted.min_x, painted.max_x], [painted.min_y, painted.max_y]);
        let corners = xs.map(|x| ys.map(|y| Point::new(x as f32, y as f32) + offset));
        self.view.show_places(corners.into_iter().flatten());
    }

    /// How many pixels of the picture that stays lie along one canvas pixel: under a moving brush a smaller one may show.
    fn full_px_per_canvas_px(&self, bench: &Workbench) -> f32 {
        let shows_face = bench.shown_photo().is_none() && self.face_chooser.is_none();
        if shows_face && bench.frame().is_some() {
            return bench.exported_face_px() as f32 / CANVAS_SIZE_PX as f32;
        }
        self.picture_px_per_canvas_px(bench)
    }

    /// How many pixels of what shows lie along one canvas pixel.
    fn picture_px_per_canvas_px(&self, bench: &Workbench) -> f32 {
        match bench.shown_photo() {
            // While the user is asked about a photo the canvas has its pixels.
            _ if self.face_chooser.is_some() => 1.0,
            Some((_, placement)) => placement.quad.side_px() / CANVAS_SIZE_PX as f32,
            None => shown_face_px(bench) as f32 / CANVAS_SIZE_PX as f32,
        }
    }

    /// What the view shows: the canvas, or the whole photo with the canvas in it, turned as the face is.
    fn content(bench: &Workbench) -> Content {
        let Some((_, placement)) = bench.shown_photo() else { return Content::default() };
        let photo = photo_content(&placement.original);
        let photo_from_canvas = placement.quad.photo_from_crop(CANVAS_SIZE_PX as u32);
        Content {
            middle_in_canvas: placement.canvas_from_photo(photo.middle_in_canvas),
            size_px: photo.size_px / photo_from_canvas.scale() as f32,
            angle_radians: photo_from_canvas.angle_radians() as f32,
        }
    }

    /// The line between source and edit, which can be dragged.
    fn split_ui(&mut self, ui: &Ui, area: Rect) {
        self.split_knob = None;
        if self.compare_mode != CompareMode::Split || self.is_comparing {
            return;
        }
        let palette = theme::palette(ui.ctx());
        let x = self.split_x(area);
        let knob = Rect::from_center_size(pos2(x, area.center().y), vec2(26.0, 40.0));
        self.split_knob = Some(knob);
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

    /// What to say while there is nothing to show, or while something takes long.
    fn messages_ui(&self, bench: &Workbench, ui: &mut Ui, area: Rect, has_picture: bool, sent: &mut Vec<Command>) {
        let picture_rect = self.view.content_rect();
        let palette = theme::palette(ui.ctx());
        if let EngineState::Failed(reason) = bench.engine().state() {
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
        let remaining = bench.photos_to_open();
        if bench.document().is_empty() {
            if remaining > 0 {
                let text = if remaining == 1 { tr("Opening the photo").to_owned() } else { opening_text(remaining) };
                busy_ui(ui, area, &text);
                let below = Rect::from_center_size(area.center() + vec2(0.0, 60.0), vec2(160.0, 40.0));
                let cancel = ui.scope_builder(egui::UiBuilder::new().max_rect(below), |ui| {
                    ui.vertical_centered(|ui| ui.button(tr("Cancel")).on_hover_text(tr("Stop opening photos"))).inner
                });
                if cancel.inner.clicked() {
                    sent.push(Action::CancelOpening.into());
                }
                return;
            }
            message_ui(ui, area, |ui| {
                ui.label(RichText::new(icons::IMAGES).font(theme::icon_font(44.0)).color(palette.text_weak));
                ui.add_space(theme::space::NORMAL);
                ui.heading(tr("Drop photos here"));
                ui.add_space(theme::space::TIGHT);
                let shortcut = Command::from(Look::AskFor(Question::OpenPhotos)).shortcut_text(ui.ctx());
                ui.label(
                    RichText::new(tr_with("or press {key} to open them", &[("key", &shortcut)]))
                        .color(palette.text_weak),
                );
                ui.add_space(theme::space::WIDE);
                if ui.button(tr("Open photos…")).clicked() {
                    sent.push(Look::AskFor(Question::OpenPhotos).into());
                }
            });
            return;
        }
        if !has_picture {
            let text = match bench.engine().state() {
                EngineState::Loading => "Loading the model",
                _ => "Reading the face",
            };
            busy_ui(ui, area, tr(text));
            return;
        }
        if self.paints_beyond_square(bench) {
            hint_pill(ui, area, tr("Only what is painted inside the square counts"));
        } else {
            self.first_hint_ui(bench, ui, area);
        }
        if remaining > 0 {
            let text = if remaining == 1 { tr("Opening the photo").to_owned() } else { opening_text(remaining) };
            if corner_busy_ui(ui, picture_rect.intersect(area), &text) {
                sent.push(Action::CancelOpening.into());
            }
        }
    }

    /// Whether the pointer paints where nothing comes of it: in the photo, beyond the square that its face was cut out of.
    fn paints_beyond_square(&self, bench: &Workbench) -> bool {
        let is_painting = bench.toolbox().busy().is_some_and(|tool| !matches!(tool, ToolKind::Move | ToolKind::Hand));
        let square = 0.0..=CANVAS_SIZE_PX as f32;
        is_painting
            && bench.shown_photo().is_some()
            && self.pointer_pos.is_some_and(|pos| {
                let Point { x, y } = self.view.canvas_from_screen(self.pos_in_view(pos));
                !(square.contains(&x) && square.contains(&y))
            })
    }

    /// What to do first, until it is done.
    fn first_hint_ui(&self, bench: &Workbench, ui: &Ui, area: Rect) {
        let document = bench.document();
        if let [_] = document.photos() {
            let shortcut = Command::from(Look::AskFor(Question::OpenPhotos)).shortcut_text(ui.ctx());
            let text = tr_with("Now open the photo to paint from: drop it here or press {key}", &[("key", &shortcut)]);
            return hint_pill(ui, area, &text);
        }
        let Some(layer) = document.active_layer() else { return };
        // A project that was opened has no past, and yet something painted.
        let is_begun = bench.timeline().undo_name().is_some() || !layer.mask.is_empty();
        if is_begun || bench.toolbox().busy().is_some() || self.is_comparing {
            return;
        }
        let text = match bench.shown_photo() {
            Some(_) if bench.faces_in_photo().len() > 1 => {
                "Paint over the face to bring in {name}, or click another face to edit that one"
            }
            _ => "Paint over the face to bring in {name}",
        };
        hint_pill(ui, area, &tr_with(text, &[("name", &layer.name)]));
    }

    /// Files from the desktop open; a photo from the panel becomes the source.
    fn drop_ui(ui: &mut Ui, response: &egui::Response, sent: &mut Vec<Command>) {
        let palette = theme::palette(ui.ctx());
        let dropped: Vec<_> =
            ui.input(|input| input.raw.dropped_files.iter().map(|file| file.path().to_owned()).collect());
        if !dropped.is_empty() {
            sent.push(Action::OpenPaths(dropped).into());
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
            sent.push(Action::MakeSource(*photo).into());
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

/// The size of the face by itself as it shows, in pixels.
fn shown_face_px(bench: &Workbench) -> u32 {
    let finished = bench.document().source().and_then(|source| bench.live_photo().shown(source, Place::Face));
    match (finished, bench.frame(), bench.engine().state()) {
        (Some(patch), ..) => patch.size_px[0],
        (None, Some(frame), _) => frame.size_px as u32,
        (None, None, EngineState::Ready(info)) => info.config.size as u32,
        (None, None, _) => 256,
    }
}
