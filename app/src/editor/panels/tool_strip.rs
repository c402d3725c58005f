//! The tools, on the left.

use egui::{Button, RichText, Role, Ui, WidgetInfo, vec2};

use super::super::{Command, Context, theme};
use crate::tools::ToolKind;
use crate::workbench::Action;

impl Context<'_> {
    pub(in crate::editor) fn tool_strip_ui(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui.ctx());
        let frame = egui::Frame::new().fill(palette.panel).inner_margin(egui::Margin::symmetric(6, 8));
        egui::Panel::left("tool strip").resizable(false).exact_size(theme::space::TOOL_STRIP).frame(frame).show(
            ui,
            |ui| {
                ui.spacing_mut().item_spacing.y = theme::space::TIGHT;
                for tool in ToolKind::ALL {
                    let command = Command::from(Action::SelectTool(tool));
                    let selected = self.bench.toolbox().selected == tool;
                    let color = if selected { palette.text_on_accent } else { palette.text_weak };
                    let text = RichText::new(tool.info().icon).font(theme::icon_font(20.0)).color(color);
                    let response = ui
                        .scope(|ui| {
                            ui.spacing_mut().button_padding = vec2(8.0, 8.0);
                            ui.visuals_mut().selection.bg_fill = palette.accent;
                            ui.add(
                                Button::selectable(selected, text)
                                    .frame_when_inactive(selected)
                                    .min_size(vec2(36.0, 36.0)),
                            )
                        })
                        .inner;
                    response.widget_info(|| WidgetInfo::selected(Role::Button, true, selected, command.text()));
                    let title = command.text();
                    let hint = format!("{title}  ({})\n{}", command.shortcut_text(ui.ctx()), command.tooltip());
                    if response.on_hover_text(hint).clicked() {
                        self.send(command);
                    }
                }
            },
        );
    }
}
