//! Every command in one list, found by typing a part of its name.

use egui::{Button, Key, Modifiers, RichText, TextEdit, Ui, vec2};

use super::super::{Command, Context, Look, theme};
use super::{Outcome, scroll_area};
use crate::language::tr;

const ROW_HEIGHT: f32 = 28.0;
const WIDTH: f32 = 460.0;

/// What is typed and chosen.
#[derive(Default)]
pub struct Palette {
    query: String,
    selected: usize,
    was_shown: bool,
}

/// How well a name fits what was typed; smaller is better. The letters must come in this order, spaces aside.
fn distance(name: &str, query: &str) -> Option<usize> {
    let (name, query) = (name.to_lowercase(), query.trim().to_lowercase());
    if let Some(at) = name.find(&query) {
        // Whole words first, then the beginnings of names.
        return Some(at);
    }
    let mut letters = name.char_indices();
    let mut last = None;
    for wanted in query.chars().filter(|letter| !letter.is_whitespace()) {
        last = Some(letters.find(|(_, letter)| *letter == wanted)?.0);
    }
    Some(1000 + last.unwrap_or(0))
}

impl Context<'_> {
    /// The commands that fit, the best first.
    fn found(&self, query: &str) -> Vec<(Command, String)> {
        let mut found: Vec<(usize, Command, String)> = Command::all()
            .filter(|command| *command != Command::Look(Look::ShowPalette))
            .filter_map(|command| {
                let name = self.text_of(&command);
                distance(&name, query).map(|distance| (distance, command, name))
            })
            .collect();
        found.sort_by_key(|(distance, ..)| *distance);
        found.into_iter().map(|(_, command, name)| (command, name)).collect()
    }

    pub(super) fn palette_ui(&self, ui: &mut Ui, palette: &mut Palette) -> Outcome {
        let colors = theme::palette(ui.ctx());
        let Palette { query, selected, was_shown } = palette;
        ui.set_width(WIDTH);
        let before = query.clone();
        // The list has the arrows, the field everything else.
        let (up, down, enter) = ui.input_mut(|input| {
            let mut pressed = |key| input.consume_key(Modifiers::NONE, key);
            (pressed(Key::ArrowUp), pressed(Key::ArrowDown), pressed(Key::Enter))
        });
        let field = ui.add(
            TextEdit::singleline(query)
                .hint_text(tr("Type what you want to do"))
                .desired_width(f32::INFINITY)
                .margin(egui::Margin::symmetric(8, 6)),
        );
        field.widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Command"));
        if !std::mem::replace(was_shown, true) || !field.has_focus() {
            field.request_focus();
        }
        let found = self.found(query);
        if *query != before {
            *selected = 0;
        }
        let last = found.len().saturating_sub(1);
        *selected = match (up, down) {
            (true, _) => selected.checked_sub(1).unwrap_or(last),
            (_, true) if *selected >= last => 0,
            (_, true) => *selected + 1,
            _ => (*selected).min(last),
        };
        ui.add_space(theme::space::TIGHT);
        if found.is_empty() {
            ui.label(RichText::new(tr("No command has such a name")).color(colors.text_weak));
        }
        let mut outcome = Outcome::Stay;
        scroll_area(ROW_HEIGHT * 11.0).auto_shrink([false, true]).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for (index, (command, name)) in found.iter().enumerate() {
                let enabled = self.is_enabled(command);
                let icon = command.icon().map_or(String::new(), |icon| icon.to_string());
                let mut text = egui::text::LayoutJob::default();
                let format = |font, color| egui::TextFormat { font_id: font, color, ..Default::default() };
                let color = if enabled { colors.text } else { colors.text_weak };
                let body = egui::TextStyle::Body.resolve(ui.style());
                if icon.is_empty() {
                    text.append("", 26.0, format(body.clone(), color));
                } else {
                    text.append(&icon, 4.0, format(theme::icon_font(14.0), colors.text_weak));
                }
                text.append(name, if icon.is_empty() { 0.0 } else { 8.0 }, format(body, color));
                let button = Button::selectable(index == *selected, text)
                    .shortcut_text(command.shortcut_text(ui.ctx()))
                    .min_size(vec2(ui.available_width(), ROW_HEIGHT));
                let response = ui.add_enabled(enabled, button);
                response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, enabled, name));
                if index == *selected && (up || down) {
                    response.scroll_to_me(None);
                }
                if response.clicked() || enter && enabled && index == *selected {
                    outcome = Outcome::Send(command.clone());
                }
            }
        });
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_their_parts() {
        let best = |query: &str| {
            let names = ["Undo", "Redo", "Show mask", "Invert mask", "Export in the photo…", "Zoom in"];
            let mut found: Vec<_> =
                names.iter().filter_map(|name| distance(name, query).map(|at| (at, *name))).collect();
            found.sort();
            found.into_iter().map(|(_, name)| name).collect::<Vec<_>>()
        };
        assert_eq!(best("mask"), ["Show mask", "Invert mask"]);
        assert_eq!(best("  UNDO "), ["Undo"]);
        assert_eq!(best("expho"), ["Export in the photo…"]);
        assert_eq!(best("").len(), 6);
        assert!(best("xyz").is_empty());
    }
}
