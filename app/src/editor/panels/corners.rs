//! Between four faces: one in each corner of a square, and a place in it that can be dragged.

use egui::{Key, Rect, RichText, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::super::{Command, Context, theme, widgets};
use super::blend::SLOT_SIZE;
use crate::document::{Below, Blend};
use crate::language::{tr, tr_with};
use crate::workbench::Action;

/// How far an arrow key moves, of the square's side; with Shift ten times as far.
const KEY_STEP: f32 = 0.01;
const HANDLE_RADIUS: f32 = 7.0;

impl Context<'_> {
    /// The corners around the square, and what moves along a path through it.
    pub(super) fn corners_ui(&mut self, ui: &mut Ui, blend: Blend, below: Below) {
        let side = (ui.available_width() - 2.0 * (SLOT_SIZE + theme::space::NORMAL)).max(60.0);
        let [left, right] = below.faces;
        let source = self.bench.document().source();
        let column_height = side.max(2.0 * SLOT_SIZE + theme::space::NORMAL);
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = theme::space::NORMAL;
            self.column_ui(ui, column_height, |context, ui, is_below| match is_below {
                false => context.slot_ui(ui, source, "Source", |photo| photo.map(Action::MakeSource)),
                true => context.slot_ui(ui, Some(left), "Face below the source", |photo| {
                    photo.map(|photo| Action::BlendBelow(0, photo))
                }),
            });
            self.square_ui(ui, blend, vec2(side, column_height));
            self.column_ui(ui, column_height, |context, ui, is_below| match is_below {
                false => context.slot_ui(ui, Some(blend.with), "Other face", |photo| Some(Action::BlendWith(photo))),
                true => context.slot_ui(ui, Some(right), "Face below the other", |photo| {
                    photo.map(|photo| Action::BlendBelow(1, photo))
                }),
            });
        });
        let before = self.bench.moving_at().unwrap_or(blend.at());
        let mut percent = before.map(|along| along * 100.0);
        ui.horizontal(|ui| {
            for (percent, label) in percent.iter_mut().zip(["To the right", "Down"]) {
                widgets::caption(ui, label);
                widgets::number_field(ui, percent, 0.0..=100.0, " %", label);
            }
        });
        if percent != before.map(|along| along * 100.0) {
            self.send(Action::SetBlendPlace(percent.map(|percent| percent / 100.0)));
        }
        ui.horizontal(|ui| {
            for action in [Action::AddToBlendPath, Action::ClearBlendPath] {
                let command = Command::from(action);
                let button = egui::Button::new(RichText::new(command.text()).small());
                if ui.add_enabled(self.is_enabled(&command), button).on_hover_text(command.tooltip()).clicked() {
                    self.send(command);
                }
            }
        });
    }

    /// A face above and one below.
    fn column_ui(&mut self, ui: &mut Ui, height: f32, mut slot: impl FnMut(&mut Self, &mut Ui, bool)) {
        ui.vertical(|ui| {
            ui.set_width(SLOT_SIZE);
            ui.spacing_mut().item_spacing.y = 0.0;
            slot(self, ui, false);
            ui.add_space(height - 2.0 * SLOT_SIZE);
            slot(self, ui, true);
        });
    }

    /// The square with the place in it, and the path that the motion goes along.
    fn square_ui(&mut self, ui: &mut Ui, blend: Blend, size: egui::Vec2) {
        let palette = theme::palette(ui.ctx());
        let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
        let at = self.bench.moving_at().unwrap_or(blend.at());
        let [x, y] = at.map(|along| format!("{:.0}", along * 100.0));
        let label = tr_with("Place between four faces, {x} % to the right, {y} % down", &[("x", &x), ("y", &y)]);
        response.widget_info(|| WidgetInfo::labeled(Role::Slider, true, &label));
        let inner = rect.shrink(HANDLE_RADIUS + 2.0);
        let on_screen = |at: [f32; 2]| pos2(inner.left() + at[0] * inner.width(), inner.top() + at[1] * inner.height());
        if let Some(pos) = response.interact_pointer_pos() {
            self.send(Action::SetBlendPlace(place_in(inner, pos)));
        }
        if response.has_focus() {
            let keeps = egui::EventFilter { horizontal_arrows: true, vertical_arrows: true, ..Default::default() };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, keeps));
            let moved = ui.input(|input| {
                let step = KEY_STEP * if input.modifiers.shift { 10.0 } else { 1.0 };
                let presses = |key| input.num_presses(key) as f32 * step;
                [presses(Key::ArrowRight) - presses(Key::ArrowLeft), presses(Key::ArrowDown) - presses(Key::ArrowUp)]
            });
            if moved != [0.0; 2] {
                self.send(Action::SetBlendPlace([at[0] + moved[0], at[1] + moved[1]]));
            }
        }
        let is_marked = response.has_focus();
        let outline = if is_marked { palette.accent } else { palette.outline };
        let painter = ui.painter_at(rect);
        painter.rect(rect, theme::CORNER, palette.field, Stroke::new(1.0, outline), StrokeKind::Inside);
        for share in [0.25, 0.5, 0.75] {
            let faint = Stroke::new(1.0, palette.outline.gamma_multiply(0.6));
            painter.hline(inner.x_range(), inner.top() + share * inner.height(), faint);
            painter.vline(inner.left() + share * inner.width(), inner.y_range(), faint);
        }
        let path = self.bench.document().edit().blend_path();
        let stops: Vec<_> = path.iter().map(|at| on_screen(*at)).collect();
        for stop in &stops {
            painter.circle_filled(*stop, 3.0, palette.accent);
        }
        painter.line(stops, Stroke::new(1.5, palette.accent.gamma_multiply(0.7)));
        let stroke = Stroke::new(2.0, palette.text);
        painter.circle(on_screen(at), HANDLE_RADIUS, palette.accent, stroke);
        response.on_hover_text(tr("Drag to mix the four faces"));
    }
}

/// The place between the corners that lies there on screen; beyond the square its edge.
fn place_in(inner: Rect, pos: egui::Pos2) -> [f32; 2] {
    let along = (pos - inner.min) / inner.size().max(egui::Vec2::splat(1.0));
    [along.x.clamp(0.0, 1.0), along.y.clamp(0.0, 1.0)]
}
