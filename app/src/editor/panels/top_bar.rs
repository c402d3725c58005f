//! Menus on the left, the most used actions on the right.

use egui::{Button, Key, MenuBar, Popup, Response, RichText, Role, Ui, WidgetInfo, containers::menu::MenuButton};

use super::super::commands::command_list;
use super::super::context::focus_first_line;
use super::super::widgets;
use super::super::{Command, CompareMode, Context, Look, icons, theme};
use crate::language::tr;
use crate::project::recent::{RecentFile, RecentKind};
use crate::settings::{Language, Theme};
use crate::tools::ToolKind;
use crate::workbench::projects::name_of;
use crate::workbench::{Action, MaskView, Question};

/// The menus of the bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::editor) enum Menu {
    File,
    Edit,
    View,
    Layer,
    Help,
}

impl Menu {
    const ALL: [Self; 5] = [Self::File, Self::Edit, Self::View, Self::Layer, Self::Help];

    fn title(self) -> &'static str {
        match self {
            Self::File => "File",
            Self::Edit => "Edit",
            Self::View => "View",
            Self::Layer => "Layer",
            Self::Help => "Help",
        }
    }

    /// The menu that Alt opens with this key, whatever the language.
    pub fn of_key(key: Key) -> Option<Self> {
        Self::ALL.into_iter().find(|menu| Key::from_name(&menu.title()[..1]) == Some(key))
    }
}

/// Below this width the bar has no room for the program's name, then none for menus side by side, and last none for what keys and
/// the Edit menu do as well.
const WIDTH_WITH_NAME: f32 = 620.0;
const WIDTH_WITH_MENUS: f32 = 500.0;
const WIDTH_WITH_UNDO: f32 = 280.0;

impl Context<'_> {
    /// `opens`: the menu whose key was pressed.
    pub(in crate::editor) fn top_bar_ui(&mut self, ui: &mut Ui, opens: Option<Menu>) {
        let palette = theme::palette(ui.ctx());
        let frame = egui::Frame::new().fill(palette.panel).inner_margin(egui::Margin::symmetric(10, 5));
        egui::Panel::top("top bar").frame(frame).show(ui, |ui| {
            let width = ui.available_width();
            MenuBar::new().ui(ui, |ui| {
                ui.spacing_mut().button_padding = egui::vec2(8.0, 3.0);
                ui.spacing_mut().item_spacing.x = 2.0;
                ui.add_space(2.0);
                if width >= WIDTH_WITH_NAME {
                    ui.label(RichText::new("Stylebrush").font(theme::title_font()).color(palette.text));
                    ui.add_space(theme::space::NORMAL);
                }
                if width >= WIDTH_WITH_MENUS {
                    for menu in Menu::ALL {
                        let (button, _) =
                            MenuButton::new(tr(menu.title())).ui(ui, |ui| self.contents_of_menu_ui(ui, menu));
                        open_if(ui, &button, opens == Some(menu));
                    }
                } else {
                    let icon = RichText::new(icons::LIST).font(theme::icon_font(17.0));
                    let (button, _) = MenuButton::new(icon).ui(ui, |ui| {
                        widgets::menu_spacing(ui);
                        ui.set_min_width(120.0);
                        for menu in Menu::ALL {
                            ui.menu_button(tr(menu.title()), |ui| self.contents_of_menu_ui(ui, menu));
                        }
                    });
                    button.widget_info(|| WidgetInfo::labeled(Role::Button, true, tr("Menu")));
                    open_if(ui, &button, opens.is_some());
                }
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    ui.spacing_mut().item_spacing.x = theme::space::TIGHT;
                    self.export_button_ui(ui);
                    if width >= WIDTH_WITH_UNDO {
                        ui.add_space(theme::space::NORMAL);
                        self.command_icon_ui(ui, Action::Redo, 17.0);
                        self.command_icon_ui(ui, Action::Undo, 17.0);
                    }
                });
            });
        });
    }

    fn contents_of_menu_ui(&mut self, ui: &mut Ui, menu: Menu) {
        ui.set_min_width(230.0);
        match menu {
            Menu::File => {
                self.menu_groups_ui(
                    ui,
                    &[&command_list![
                        Action::NewProject,
                        Look::AskFor(Question::OpenPhotos),
                        Look::AskForPath(Question::OpenPhotos)
                    ]],
                );
                self.recent_menus_ui(ui);
                ui.separator();
                self.menu_groups_ui(
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
                        &command_list![Look::ShowBatch],
                        &command_list![Action::Quit],
                    ],
                );
            }
            Menu::Edit => self.menu_groups_ui(
                ui,
                &[
                    &command_list![Action::Undo, Action::Redo],
                    &command_list![Action::CopyPicture, Action::Paste, Action::PasteAsSource],
                    &command_list![Action::CopyEdit, Action::PasteEdit],
                    &command_list![Look::ChooseFace(None), Look::PlaceFace(None)],
                    &ToolKind::ALL.map(|tool| Action::SelectTool(tool).into()),
                    &command_list![Action::BrushLarger, Action::BrushSmaller, Action::BrushHarder, Action::BrushSofter],
                    &command_list![Look::ShowLesson, Look::ShowPresets, Look::ShowPreferences],
                ],
            ),
            Menu::View => {
                self.zoom_commands_ui(ui);
                ui.separator();
                self.menu_groups_ui(
                    ui,
                    &[&command_list![Action::ToggleOverlay, Action::ToggleIsolation, Action::ToggleInPhoto]],
                );
                ui.menu_button(tr("Ways to show masks"), |ui| self.mask_views_ui(ui));
                ui.separator();
                self.menu_groups_ui(
                    ui,
                    &[
                        &[CompareMode::Split, CompareMode::SideBySide].map(|mode| Look::ToggleCompare(mode).into()),
                        &[Theme::System, Theme::Dark, Theme::Light].map(|theme| Action::UseTheme(theme).into()),
                        &[None, Some(Language::English), Some(Language::Korean)]
                            .map(|language| Action::UseLanguage(language).into()),
                    ],
                );
            }
            Menu::Layer => {
                self.layer_menu_ui(ui);
                ui.separator();
                self.menu_item_ui(ui, Action::SwapBlend);
                ui.separator();
                self.menu_groups_ui(
                    ui,
                    &[&command_list![Action::AdjustWholeFace, Action::AdjustInsideMask, Action::ResetAdjustments]],
                );
            }
            Menu::Help => self.menu_groups_ui(
                ui,
                &[&command_list![Look::ShowPalette, Look::ShowKeys, Look::ShowModelCard, Look::ShowAbout]],
            ),
        }
    }

    /// The ways in which masks show.
    pub(super) fn mask_views_ui(&mut self, ui: &mut Ui) {
        ui.set_min_width(230.0);
        let views = MaskView::ALL.map(|view| Action::ShowMaskAs(view).into());
        self.menu_groups_ui(ui, &[&views, &command_list![Action::NextMaskView]]);
    }

    /// The ways to zoom.
    pub(super) fn zoom_commands_ui(&mut self, ui: &mut Ui) {
        self.menu_groups_ui(
            ui,
            &[
                &command_list![Look::ZoomIn, Look::ZoomOut],
                &command_list![Look::ZoomToFit, Look::ZoomToFill, Look::ZoomToPainted, Look::ZoomToActualSize],
            ],
        );
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

    /// The projects and the photos that were open lately.
    fn recent_menus_ui(&mut self, ui: &mut Ui) {
        for (kind, title) in [(RecentKind::Project, "Recent projects"), (RecentKind::Photo, "Recent photos")] {
            let files = self.bench.recent().files(kind);
            if files.is_empty() {
                continue;
            }
            ui.menu_button(tr(title), |ui| {
                ui.set_min_width(240.0);
                for RecentFile { path, is_missing } in files {
                    let name = match kind {
                        RecentKind::Project => name_of(path),
                        RecentKind::Photo => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                    };
                    let button = ui.add_enabled(!is_missing, Button::new(name));
                    if button.on_hover_text(path.display().to_string()).clicked() {
                        self.send(Action::OpenPaths(vec![path.clone()]));
                        ui.close();
                    }
                }
                ui.separator();
                self.menu_item_ui(ui, Action::ForgetRecent);
            });
        }
    }
}

/// Opens the menu of a button, with the keyboard in it.
fn open_if(ui: &Ui, button: &Response, opens: bool) {
    if opens {
        focus_first_line(ui.ctx());
        Popup::open_id(ui.ctx(), Popup::default_response_id(button));
    }
}
