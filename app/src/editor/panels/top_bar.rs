//! Menus on the left, the most used actions on the right.

use egui::{Button, MenuBar, Response, RichText, Ui, containers::menu::MenuButton};

use super::super::language::tr;
use super::super::{Command, CompareMode, Editor, theme, widgets};
use crate::settings::{Language, Theme};
use crate::tools::ToolKind;

impl Editor {
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
                        &[Command::SaveProject, Command::SaveProjectAs, Command::SaveProjectByPath],
                        &[Command::ShowRandomFaces],
                        &[Command::Export, Command::ExportInPhoto, Command::ExportByPath, Command::ExportMotion],
                        &[Command::Quit],
                    ],
                );
                self.menu_ui(
                    ui,
                    "Edit",
                    &[
                        &[Command::Undo, Command::Redo, Command::CopyPicture],
                        &[Command::ChooseFace(None), Command::PlaceFace(None)],
                        &ToolKind::ALL.map(ToolKind::command),
                        &[Command::BrushLarger, Command::BrushSmaller, Command::BrushHarder, Command::BrushSofter],
                    ],
                );
                self.menu_ui(
                    ui,
                    "View",
                    &[
                        &[Command::ZoomIn, Command::ZoomOut, Command::ZoomToFit, Command::ZoomToActualSize],
                        &[Command::ToggleOverlay, Command::ToggleIsolation, Command::ToggleInPhoto],
                        &[CompareMode::Split, CompareMode::SideBySide].map(Command::ToggleCompare),
                        &[Theme::System, Theme::Dark, Theme::Light].map(Command::UseTheme),
                        &[None, Some(Language::English), Some(Language::Korean)].map(Command::UseLanguage),
                    ],
                );
                MenuButton::new(tr("Layer")).ui(ui, |ui| {
                    self.layer_menu_ui(ui);
                    ui.separator();
                    self.menu_item_ui(ui, &Command::SwapBlend);
                    ui.separator();
                    self.menu_groups_ui(
                        ui,
                        &[&[Command::AdjustWholeFace, Command::AdjustInsideMask, Command::ResetAdjustments]],
                    );
                });
                self.menu_ui(
                    ui,
                    "Help",
                    &[&[Command::ShowPalette, Command::ShowKeys, Command::ShowModelCard, Command::ShowAbout]],
                );

                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    ui.spacing_mut().item_spacing.x = theme::space::TIGHT;
                    self.export_button_ui(ui);
                    ui.add_space(theme::space::NORMAL);
                    self.command_icon_ui(ui, Command::Redo, 17.0);
                    self.command_icon_ui(ui, Command::Undo, 17.0);
                });
            });
        });
    }

    fn file_menu_ui(&mut self, ui: &mut Ui, groups: &[&[Command]]) {
        MenuButton::new(tr("File")).ui(ui, |ui| {
            ui.set_min_width(230.0);
            self.menu_groups_ui(ui, &[&[Command::NewProject, Command::Open, Command::OpenByPath]]);
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

    /// The lines of a menu, in groups.
    pub(in crate::editor) fn menu_groups_ui(&mut self, ui: &mut Ui, groups: &[&[Command]]) {
        widgets::menu_spacing(ui);
        for (index, group) in groups.iter().enumerate() {
            if index > 0 {
                ui.separator();
            }
            for command in *group {
                self.menu_item_ui(ui, command);
            }
        }
    }

    /// One line of a menu.
    pub(in crate::editor) fn menu_item_ui(&mut self, ui: &mut Ui, command: &Command) {
        self.named_menu_item_ui(ui, command, &self.text_of(command));
    }

    /// The same by another name.
    pub(in crate::editor) fn named_menu_item_ui(&mut self, ui: &mut Ui, command: &Command, text: &str) -> Response {
        let is_on = match command {
            Command::ToggleOverlay => Some(self.shows_overlay),
            Command::ToggleInPhoto => Some(self.shown_photo().is_some()),
            Command::MixStyles(mix) => Some(self.timeline.document().style_mix() == *mix),
            Command::ToggleIsolation => Some(self.isolates_layer),
            Command::AdjustWholeFace => Some(!self.adjusts_layer),
            Command::AdjustInsideMask => Some(self.adjusts_layer),
            Command::UseLanguage(language) => Some(self.settings.language == *language),
            Command::UseTheme(theme) => Some(self.settings.theme == *theme),
            Command::ToggleCompare(mode) => Some(self.compare_mode == *mode),
            Command::SelectTool(tool) => Some(self.toolbox.selected == *tool),
            _ => None,
        };
        let mut button = Button::new(text);
        let shortcut = command.shortcut_text(ui.ctx());
        if !shortcut.is_empty() {
            button = button.shortcut_text(shortcut);
        }
        if let Some(is_on) = is_on {
            button = button.selected(is_on);
        }
        let response = ui.add_enabled(self.is_enabled(command), button).on_hover_text(command.tooltip());
        if response.clicked() {
            self.send(command.clone());
            ui.close();
        }
        response
    }

    /// A command as an icon button.
    pub(in crate::editor) fn command_icon_ui(&mut self, ui: &mut Ui, command: Command, size: f32) {
        let Some(icon) = command.icon() else { return };
        let enabled = self.is_enabled(&command);
        let label = self.text_of(&command);
        let hint = command.hint(ui.ctx());
        let response = widgets::icon_button_enabled(ui, enabled, icon, &label, size)
            .on_hover_text(hint.as_str())
            .on_disabled_hover_text(hint);
        if response.clicked() {
            self.send(command);
        }
    }

    fn export_button_ui(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui.ctx());
        // What is on screen is what is saved.
        let command = if self.shown_photo().is_some() { Command::ExportInPhoto } else { Command::Export };
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
}
