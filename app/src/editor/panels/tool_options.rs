//! The settings of the tool in hand, above the canvas, with what concerns the view on the right.

use egui::{Button, RichText, Role, Ui, WidgetInfo};

use super::super::canvas::FaceChooser;
use super::super::commands::command_list;
use super::super::widgets::{self, Number};
use super::super::{Command, CompareMode, Context, Look, icons, theme};
use crate::language::{tr, tr_with};
use crate::tools::{MAX_RADIUS_PX, MIN_RADIUS_PX, ToolInfo, ToolOption};
use crate::workbench::Action;

/// Where there is room for more, sliders get no wider.
const MAX_SLIDER_WIDTH: f32 = 110.0;

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
                match face_chooser {
                    Some(chooser) => {
                        if chooser.options_ui(self, ui) {
                            *face_chooser = None;
                        }
                    }
                    None => self.options_of_tool_ui(ui, width),
                }
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    compares = self.view_options_ui(ui, width);
                });
            });
        });
        compares
    }

    fn options_of_tool_ui(&mut self, ui: &mut Ui, width: f32) {
        let ToolInfo { options, hint, .. } = self.bench.toolbox().selected.info();
        // What names and values need, and the view's controls on the right; the sliders share the rest.
        let count = options.len() as f32;
        let slider_width = ((width - 260.0 * count + 80.0) / count).min(MAX_SLIDER_WIDTH);
        for (index, option) in options.iter().enumerate() {
            if index > 0 {
                ui.add_space(theme::space::NORMAL);
            }
            self.option_ui(ui, *option, slider_width);
        }
        match hint {
            Some(hint) if options.is_empty() => hint_ui(ui, hint),
            Some(hint) => room_for_hint_ui(ui, width, hint),
            None => {}
        }
    }

    fn option_ui(&mut self, ui: &mut Ui, option: ToolOption, slider_width: f32) {
        let ctx = ui.ctx().clone();
        let with_keys = |text: &str, smaller: Action, larger: Action| {
            let [smaller, larger] = [smaller, larger].map(|action| Command::from(action).shortcut_text(&ctx));
            tr_with(
                "{text}  ({smaller} and {larger})",
                &[("text", tr(text)), ("smaller", &smaller), ("larger", &larger)],
            )
        };
        let percent = |label, range, tooltip| Number { label, suffix: " %", range, logarithmic: false, tooltip };
        // What is shown, and how many of its units are one of the setting.
        let mut brush = self.bench.toolbox().brush;
        let mut fill_tolerance = self.bench.toolbox().fill_tolerance;
        let px = self.px_per_canvas_px();
        let (number, value, scale) = match option {
            ToolOption::Size => {
                let number = Number {
                    label: "Size",
                    suffix: " px",
                    range: 2.0 * MIN_RADIUS_PX * px..=2.0 * MAX_RADIUS_PX * px,
                    logarithmic: true,
                    tooltip: format!(
                        "{}\n{}",
                        with_keys("Width of the brush", Action::BrushSmaller, Action::BrushLarger),
                        self.px_hint()
                    ),
                };
                (number, &mut brush.radius_px, 2.0 * px)
            }
            ToolOption::Hardness => {
                let tooltip = with_keys("How crisp the brush's edge is", Action::BrushSofter, Action::BrushHarder);
                (percent("Hardness", 0.0..=100.0, tooltip), &mut brush.hardness, 100.0)
            }
            ToolOption::StrokeStrength => {
                let tooltip = "The most that one stroke adds or takes".to_owned();
                (percent("Strength", 1.0..=100.0, tooltip), &mut brush.strength, 100.0)
            }
            ToolOption::Strength => {
                let tooltip = "How much is painted or taken".to_owned();
                (percent("Strength", 1.0..=100.0, tooltip), &mut brush.strength, 100.0)
            }
            ToolOption::Tolerance => {
                let tooltip = "How much paint may differ from that under the pointer and still be filled".to_owned();
                (percent("Tolerance", 0.0..=100.0, tooltip), &mut fill_tolerance, 100.0)
            }
        };
        let mut shown = *value * scale;
        if widgets::slider_row(ui, &number, &mut shown, 0.0, slider_width) {
            *value = shown / scale;
            self.send(if option == ToolOption::Tolerance {
                Action::SetFillTolerance(fill_tolerance)
            } else {
                Action::SetBrush(brush)
            });
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
        // From the right: the ways lie behind the switch.
        let views = widgets::icon_button(ui, icons::CARET_DOWN, "Ways to show masks", 11.0)
            .on_hover_text(tr("Outline, red, alone, all layers"));
        egui::Popup::menu(&views).show(|ui| self.mask_views_ui(ui));
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
            self.zoom_commands_ui(ui);
        });
    }
}

fn hint_ui(ui: &mut Ui, text: &str) {
    ui.label(RichText::new(tr(text)).color(theme::palette(ui.ctx()).text_weak));
}

/// A hint in what the view's controls on the right leave of the row, if that is enough to read.
fn room_for_hint_ui(ui: &mut Ui, width: f32, text: &str) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language;
    use crate::settings::Language;
    use crate::tools::ToolKind;

    #[test]
    fn every_hint_is_a_sentence_and_has_its_words_in_korean() {
        language::set(Language::Korean);
        let hints = ToolKind::ALL.into_iter().filter_map(|tool| tool.info().hint);
        for hint in hints {
            assert!(hint.ends_with('.'), "{hint}");
            assert_ne!(tr(hint), hint);
        }
        language::set(Language::English);
    }
}
