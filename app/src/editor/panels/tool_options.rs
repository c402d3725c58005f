//! The settings of the tool in hand, above the canvas, with what concerns the view on the right.

use egui::{Button, RichText, Role, Ui, WidgetInfo};

use super::super::canvas::FaceChooser;
use super::super::commands::command_list;
use super::super::widgets::{self, Number};
use super::super::{Command, CompareMode, Context, Look, icons, theme};
use crate::language::{tr, tr_with};
use crate::tools::{BrushSettings, MAX_RADIUS_PX, MIN_RADIUS_PX, ToolKind};
use crate::workbench::Action;

/// The sliders of the tools that have few.
const SHAPE_SLIDER_WIDTH: f32 = 110.0;

impl Context<'_> {
    /// `face_chooser`: the photo that the user is asked about; it closes when it is answered. Whether the button that compares is
    /// held.
    pub(in crate::editor) fn tool_options_ui(&mut self, ui: &mut Ui, face_chooser: &mut Option<FaceChooser>) -> bool {
        let mut compares = false;
        let palette = theme::palette(ui.ctx());
        let frame = egui::Frame::new().fill(palette.panel).inner_margin(egui::Margin::symmetric(12, 5));
        egui::Panel::top("tool options").frame(frame).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.set_min_height(theme::space::ROW);
                let width = ui.available_width();
                match self.bench.toolbox().selected {
                    _ if face_chooser.is_some() => {
                        if face_chooser.as_mut().is_some_and(|face_chooser| face_chooser.options_ui(self, ui)) {
                            *face_chooser = None;
                        }
                    }
                    ToolKind::Brush | ToolKind::Eraser => self.brush_options_ui(ui, width),
                    ToolKind::Lasso => self.shape_options_ui(ui, width, "Draw around a region to paint it."),
                    ToolKind::Rectangle | ToolKind::Ellipse => {
                        self.shape_options_ui(ui, width, "Shift makes the sides equal, Alt draws from the centre.");
                    }
                    ToolKind::Fill => self.fill_options_ui(ui, width),
                    ToolKind::PickLayer => hint_ui(ui, "Click a painted region to work on its layer."),
                    ToolKind::Move => {
                        hint_ui(
                            ui,
                            tr("Drag to move the region. Shift keeps to one axis, arrow keys move by a pixel."),
                        );
                    }
                    ToolKind::Hand => hint_ui(ui, tr("Drag to move the view. Scroll to zoom.")),
                }
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    compares = self.view_options_ui(ui, width);
                });
            });
        });
        compares
    }

    fn brush_options_ui(&mut self, ui: &mut Ui, width: f32) {
        let ctx = ui.ctx().clone();
        // What the view's controls on the right and the names and values need; the sliders share the rest.
        let slider_width = ((width - 700.0) / 3.0).min(110.0);
        let mut brush = self.bench.toolbox().brush;
        let with_keys = |text: &str, smaller: Action, larger: Action| {
            let [smaller, larger] = [smaller, larger].map(|action| Command::from(action).shortcut_text(&ctx));
            tr_with(
                "{text}  ({smaller} and {larger})",
                &[("text", tr(text)), ("smaller", &smaller), ("larger", &larger)],
            )
        };
        let mut diameter_px = brush.radius_px * 2.0;
        let size = Number {
            label: "Size",
            suffix: " px",
            range: 2.0 * MIN_RADIUS_PX..=2.0 * MAX_RADIUS_PX,
            logarithmic: true,
            tooltip: with_keys("Width of the brush", Action::BrushSmaller, Action::BrushLarger),
        };
        if widgets::slider_row(ui, &size, &mut diameter_px, 0.0, slider_width) {
            brush.radius_px = diameter_px / 2.0;
        }
        ui.add_space(theme::space::NORMAL);
        let mut percent = brush.hardness * 100.0;
        let hardness = Number {
            label: "Hardness",
            suffix: " %",
            range: 0.0..=100.0,
            logarithmic: false,
            tooltip: with_keys("How crisp the brush's edge is", Action::BrushSofter, Action::BrushHarder),
        };
        if widgets::slider_row(ui, &hardness, &mut percent, 0.0, slider_width) {
            brush.hardness = percent / 100.0;
        }
        self.set_brush(brush);
        ui.add_space(theme::space::NORMAL);
        self.strength_ui(ui, slider_width, "The most that one stroke adds or takes");
    }

    fn set_brush(&mut self, brush: BrushSettings) {
        if brush != self.bench.toolbox().brush {
            self.send(Action::SetBrush(brush));
        }
    }

    fn strength_ui(&mut self, ui: &mut Ui, slider_width: f32, tooltip: &str) {
        let mut percent = self.bench.toolbox().brush.strength * 100.0;
        let strength = Number {
            label: "Strength",
            suffix: " %",
            range: 1.0..=100.0,
            logarithmic: false,
            tooltip: tooltip.to_owned(),
        };
        if widgets::slider_row(ui, &strength, &mut percent, 0.0, slider_width) {
            self.set_brush(BrushSettings { strength: percent / 100.0, ..self.bench.toolbox().brush });
        }
    }

    fn shape_options_ui(&mut self, ui: &mut Ui, width: f32, hint: &str) {
        self.strength_ui(ui, SHAPE_SLIDER_WIDTH, "How much is painted or taken");
        self.room_for_hint_ui(ui, width, hint);
    }

    fn fill_options_ui(&mut self, ui: &mut Ui, width: f32) {
        let mut percent = self.bench.toolbox().fill_tolerance * 100.0;
        let tolerance = Number {
            label: "Tolerance",
            suffix: " %",
            range: 0.0..=100.0,
            logarithmic: false,
            tooltip: "How much paint may differ from that under the pointer and still be filled".to_owned(),
        };
        let slider_width = ((width - 440.0) / 2.0).min(SHAPE_SLIDER_WIDTH);
        if widgets::slider_row(ui, &tolerance, &mut percent, 0.0, slider_width) {
            self.send(Action::SetFillTolerance(percent / 100.0));
        }
        ui.add_space(theme::space::NORMAL);
        self.strength_ui(ui, slider_width, "How much is painted or taken");
        self.room_for_hint_ui(ui, width, "Click a gap to fill it.");
    }

    /// A hint in what the view's controls on the right leave of the row, if that is enough to read.
    fn room_for_hint_ui(&self, ui: &mut Ui, width: f32, text: &str) {
        const VIEW_OPTIONS_WIDTH: f32 = 250.0;
        let used = ui.min_rect().width();
        let room = width - used - VIEW_OPTIONS_WIDTH - 2.0 * theme::space::NORMAL;
        if room > 120.0 {
            ui.add_space(theme::space::NORMAL);
            let color = theme::palette(ui.ctx()).text_weak;
            let hint = egui::Label::new(RichText::new(tr(text)).color(color)).truncate();
            ui.allocate_ui(egui::vec2(room, theme::space::ROW), |ui| ui.add(hint));
        }
    }

    fn view_options_ui(&mut self, ui: &mut Ui, width: f32) -> bool {
        ui.spacing_mut().item_spacing.x = 2.0;
        self.command_icon_ui(ui, Look::ZoomToFit, 16.0);
        // The menu has both where there is no room.
        let has_room = width >= 600.0;
        if has_room {
            self.command_icon_ui(ui, Look::ZoomIn, 16.0);
        }
        self.zoom_menu_ui(ui);
        if has_room {
            self.command_icon_ui(ui, Look::ZoomOut, 16.0);
            ui.add_space(theme::space::NORMAL);
        }

        let compare = widgets::icon_toggle(ui, self.canvas.is_comparing, icons::COMPARE, "Compare", 16.0)
            .on_hover_text(tr("Hold to compare with the source photo  (hold C)"));
        let compares = compare.is_pointer_button_down_on();
        if compares {
            ui.ctx().request_repaint();
        }
        self.compare_menu_ui(ui);
        let can_show = self.bench.is_enabled(&Action::ToggleInPhoto);
        let in_photo = ui
            .add_enabled_ui(can_show, |ui| {
                widgets::icon_toggle(
                    ui,
                    can_show && self.bench.view().shows_in_photo,
                    icons::IMAGE,
                    "Show in the photo",
                    16.0,
                )
            })
            .inner
            .on_hover_text(Command::from(Action::ToggleInPhoto).hint(ui.ctx()))
            .on_disabled_hover_text(tr("This portrait has no photo around it"));
        if in_photo.clicked() {
            self.send(Action::ToggleInPhoto);
        }
        let overlay = widgets::icon_toggle(ui, self.bench.view().shows_overlay, icons::OVERLAY, "Show mask", 16.0)
            .on_hover_text(Command::from(Action::ToggleOverlay).hint(ui.ctx()));
        if overlay.clicked() {
            self.send(Action::ToggleOverlay);
        }
        compares
    }

    /// The lasting ways to compare; the button beside it compares for as long as it is held.
    fn compare_menu_ui(&mut self, ui: &mut Ui) {
        let is_on = self.canvas.compare_mode != CompareMode::Off || self.bench.view().isolates_layer;
        let response = widgets::icon_toggle(ui, is_on, icons::COLUMNS, "Ways to compare", 16.0);
        let response = response.on_hover_text(tr("Compare across a line or side by side"));
        egui::Popup::menu(&response).show(|ui| {
            ui.set_min_width(230.0);
            ui.spacing_mut().button_padding = egui::vec2(8.0, 3.0);
            for command in command_list![
                Look::ToggleCompare(CompareMode::Split),
                Look::ToggleCompare(CompareMode::SideBySide),
                Action::ToggleIsolation,
            ] {
                self.menu_item_ui(ui, command);
            }
        });
    }

    fn zoom_menu_ui(&mut self, ui: &mut Ui) {
        let percent = self.canvas.zoom_percent;
        let button = Button::new(RichText::new(format!("{percent:.0} %")).small())
            .frame_when_inactive(false)
            .min_size(egui::vec2(48.0, theme::space::ROW));
        let response = ui.add(button).on_hover_text(tr("Zoom"));
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, tr("Zoom")));
        egui::Popup::menu(&response).show(|ui| {
            ui.set_min_width(190.0);
            widgets::menu_spacing(ui);
            for command in [Look::ZoomIn, Look::ZoomOut, Look::ZoomToFit, Look::ZoomToActualSize] {
                self.menu_item_ui(ui, command);
            }
        });
    }
}

fn hint_ui(ui: &mut Ui, text: &str) {
    ui.label(RichText::new(tr(text)).color(theme::palette(ui.ctx()).text_weak));
}
