//! Menus on the left, the most used actions on the right.

use egui::{Button, MenuBar, RichText, Ui, containers::menu::MenuButton};

use super::super::commands::command_list;
use super::super::{Command, CompareMode, Context, Look, theme};
use crate::language::tr;
use crate::project::recent::RecentFile;
use crate::settings::{Language, Theme};
use crate::tools::ToolKind;
use crate::workbench::projects::name_of;
use crate::workbench::{Action, Question};

impl Context<'_> {
    pub(in crate::editor) fn top_bar_ui(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui.ctx());
        let frame = egui::Frame::new().fill(palette.panel).inner_margin(egui::Margin::symmetric(10, 5));
        egui::Panel::top("top bar").frame(frame).show(ui, |ui| {
            MenuBar::new().ui(ui, |ui| {
                ui.spacing_mut().button_padding = egui::vec2(8.0, 3.0);
                ui.spacing_mut().item_spacing.x = 2.0;
                ui.add_space(2.0);
                ui.label(RichText::new("Stylebrush").font(theme::title_font()).color(palette.text));
                ui.add_space(theme::space::NORMAL);
                self.file_menu_ui(
                    ui,
                    &[
                        &command_list![
                            Action::SaveProject,
                            Look::AskFor(Question::SaveProjectTo),
                            Look::AskForPath(Question::SaveProjectTo)
                        ],
                        &command_list![Look::ShowRandomFaces],
                        &command_list![
                            Look::ShowExport { in_photo: false },
                            Look::ShowExport { in_photo: true },
                            Action::ExportAgain,
                            Look::AskForPath(Question::ExportTo),
                            Look::ShowMotionExport
                        ],
                        &command_list![Action::Quit],
                    ],
                );
                self.menu_ui(
                    ui,
                    "Edit",
                    &[
                        &command_list![Action::Undo, Action::Redo, Action::CopyPicture],
                        &command_list![Look::ChooseFace(None), Look::PlaceFace(None)],
                        &ToolKind::ALL.map(|tool| Action::SelectTool(tool).into()),
                        &command_list![
                            Action::BrushLarger,
                            Action::BrushSmaller,
                            Action::BrushHarder,
                            Action::BrushSofter
                        ],
                    ],
                );
                self.menu_ui(
                    ui,
                    "View",
                    &[
                        &command_list![Look::ZoomIn, Look::ZoomOut, Look::ZoomToFit, Look::ZoomToActualSize],
                        &command_list![Action::ToggleOverlay, Action::ToggleIsolation, Action::ToggleInPhoto],
                        &[CompareMode::Split, CompareMode::SideBySide].map(|mode| Look::ToggleCompare(mode).into()),
                        &[Theme::System, Theme::Dark, Theme::Light].map(|theme| Action::UseTheme(theme).into()),
                        &[None, Some(Language::English), Some(Language::Korean)]
                            .map(|language| Action::UseLanguage(language).into()),
                    ],
                );
                MenuButton::new(tr("Layer")).ui(ui, |ui| {
                    self.layer_menu_ui(ui);
                    ui.separator();
                    self.menu_item_ui(ui, Action::SwapBlend);
                    ui.separator();
                    self.menu_groups_ui(
                        ui,
                        &[&command_list![Action::AdjustWholeFace, Action::AdjustInsideMask, Action::ResetAdjustments]],
                    );
                });
                self.menu_ui(
                    ui,
                    "Help",
                    &[&command_list![Look::ShowPalette, Look::ShowKeys, Look::ShowModelCard, Look::ShowAbout]],
                );

                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    ui.spacing_mut().item_spacing.x = theme::space::TIGHT;
                    self.export_button_ui(ui);
                    ui.add_space(theme::space::NORMAL);
                    self.command_icon_ui(ui, Action::Redo, 17.0);
                    self.command_icon_ui(ui, Action::Undo, 17.0);
                });
            });
        });
    }

    fn file_menu_ui(&mut self, ui: &mut Ui, groups: &[&[Command]]) {
        MenuButton::new(tr("File")).ui(ui, |ui| {
            ui.set_min_width(230.0);
            self.menu_groups_ui(
                ui,
                &[&command_list![
                    Action::NewProject,
                    Look::AskFor(Question::OpenPhotos),
                    Look::AskForPath(Question::OpenPhotos)
                ]],
            );
            self.recent_menu_ui(ui);
            ui.separator();
            self.menu_groups_ui(ui, groups);
        });
    }

    fn menu_ui(&mut self, ui: &mut Ui, title: &str, groups: &[&[Command]]) {
        MenuButton::new(tr(title)).ui(ui, |ui| {
            ui.set_min_width(230.0);
            self.menu_groups_ui(ui, groups);
        });
    }

    fn export_button_ui(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui.ctx());
        // What is on screen is what is saved.
        let command = Command::from(Look::ShowExport { in_photo: self.bench.shown_photo().is_some() });
        let enabled = self.is_enabled(&command);
        let response = ui
            .scope(|ui| {
                let widgets = &mut ui.visuals_mut().widgets;
                widgets.inactive.weak_bg_fill = palette.accent;
                widgets.hovered.weak_bg_fill = palette.accent_hover;
                widgets.active.weak_bg_fill = palette.accent;
                ui.spacing_mut().button_padding.x = 14.0;
                ui.add_enabled(enabled, Button::new(RichText::new(tr("Export…")).color(palette.text_on_accent)))
            })
            .inner;
        if response.on_hover_text(command.hint(ui.ctx())).clicked() {
            self.send(command);
        }
    }

    /// The projects that were open lately.
    fn recent_menu_ui(&mut self, ui: &mut Ui) {
        let files = self.bench.projects().recent_files();
        if files.is_empty() {
            return;
        }
        ui.menu_button(tr("Recent projects"), |ui| {
            ui.set_min_width(240.0);
            for RecentFile { path, is_missing } in files {
                let button = ui.add_enabled(!is_missing, Button::new(name_of(path)));
                if button.on_hover_text(path.display().to_string()).clicked() {
                    self.send(Action::OpenProject(path.clone()));
                    ui.close();
                }
            }
            ui.separator();
            self.menu_item_ui(ui, Action::ForgetRecent);
        });
    }
}
