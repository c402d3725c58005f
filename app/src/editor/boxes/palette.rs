//! Every command in one list, found by typing a part of its name, what else it is called, or what it does.

use egui::{Button, Key, Modifiers, RichText, TextEdit, Ui, vec2};

use super::super::commands::synonyms;
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

/// A command as the palette shows it.
struct Found {
    command: Command,
    name: String,
    /// The other name by which it was found.
    synonym: Option<&'static str>,
}

/// How well a command fits by its other names, or by what it does; smaller is better. Every word must be found.
fn distance_by_meaning(name: &str, id: &str, tooltip: &str, query: &str) -> Option<(usize, Option<&'static str>)> {
    let lower = query.trim().to_lowercase();
    let whole = synonyms::of(id).find(|synonym| synonym.to_lowercase().starts_with(&lower));
    if whole.is_some() && !lower.is_empty() {
        return Some((200, whole));
    }
    let (name, tooltip) = (name.to_lowercase(), tooltip.to_lowercase());
    let mut synonym = None;
    for word in lower.split_whitespace() {
        // Beginnings of words: "in" is not found in "line".
        let begins = |text: &str| text.split(|letter: char| !letter.is_alphanumeric()).any(|it| it.starts_with(word));
        let by_synonym = synonyms::of(id).find(|synonym| begins(&synonym.to_lowercase()));
        synonym = synonym.or(by_synonym);
        if by_synonym.is_none() && !begins(&name) && !begins(&tooltip) {
            return None;
        }
    }
    Some((if synonym.is_some() { 300 } else { 400 }, synonym))
}

impl Context<'_> {
    /// The commands that fit, the best first: by their names, by what else they are called, and by what they do.
    fn found(&self, query: &str) -> Vec<Found> {
        let mut found: Vec<(usize, Found)> = Command::all()
            .filter(|command| *command != Command::Look(Look::ShowPalette))
            .filter_map(|command| {
                let name = self.text_of(&command);
                let by_name = distance(&name, query).map(|distance| (distance, None));
                let by_meaning = distance_by_meaning(&name, command.id(), command.tooltip(), query);
                let (distance, synonym) =
                    [by_name, by_meaning].into_iter().flatten().min_by_key(|(distance, _)| *distance)?;
                Some((distance, Found { command, name, synonym }))
            })
            .collect();
        found.sort_by_key(|(distance, _)| *distance);
        found.into_iter().map(|(_, found)| found).collect()
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
            ui.label(RichText::new(tr("No command does that")).color(colors.text_weak));
        }
        let mut outcome = Outcome::Stay;
        scroll_area(ROW_HEIGHT * 11.0).auto_shrink([false, true]).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for (index, Found { command, name, synonym }) in found.iter().enumerate() {
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
                if let Some(synonym) = synonym {
                    let small = egui::TextStyle::Small.resolve(ui.style());
                    text.append(synonym, 10.0, format(small, colors.text_weak));
                }
                let button = Button::selectable(index == *selected, text)
                    .shortcut_text(command.shortcut_text(ui.ctx()))
                    .min_size(vec2(ui.available_width(), ROW_HEIGHT));
                let response = ui.add_enabled(enabled, button);
                response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, enabled, name));
                let response = response.on_hover_text(command.tooltip()).on_disabled_hover_text(command.tooltip());
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

    #[test]
    fn commands_are_found_by_other_names_and_by_what_they_do() {
        let of = |query: &str| {
            Command::all()
                .filter_map(|command| {
                    let (distance, _) = distance_by_meaning(command.text(), command.id(), command.tooltip(), query)?;
                    Some((distance, command.id()))
                })
                .min()
                .map(|(_, id)| id)
        };
        for (query, id) in [
            ("negative", "invert-mask"),
            ("before after", "compare-across-a-line"),
            ("rubylith", "mask-in-red"),
            ("hotkeys", "keyboard-shortcuts"),
            ("단축키", "keyboard-shortcuts"),
            ("bucket", "fill"),
            // By what it does: no name has these words.
            ("upper crisper edge", "nothing"),
            ("brush crisper", "harder-brush"),
            ("opposite", "invert-mask"),
        ] {
            assert_eq!(of(query).unwrap_or("nothing"), id, "{query}");
        }
    }
}
