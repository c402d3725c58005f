//! Every key, and the way to choose another.

use std::collections::BTreeMap;

use egui::{Button, Key, RichText, Ui};

use super::super::commands::keymap::{self, format_shortcut};
use super::super::{Command, Context, icons, theme};
use super::{Outcome, button_row_ui, scroll_area};
use crate::language::{tr, tr_with};
use crate::workbench::Action;

/// The command whose key is being chosen.
#[derive(Default)]
pub struct KeysBox {
    choosing: Option<Command>,
    note: Option<String>,
}

impl Context<'_> {
    pub(super) fn keys_ui(&mut self, ui: &mut Ui, keys_box: &mut KeysBox) -> Outcome {
        let palette = theme::palette(ui.ctx());
        ui.set_width(680.0);
        ui.heading(tr("Keyboard shortcuts"));
        let note = match (&keys_box.choosing, &keys_box.note) {
            (Some(command), _) => {
                tr_with("Press the key for “{name}”, or Escape", &[("name", command.text().trim_end_matches('…'))])
            }
            (None, Some(note)) => note.clone(),
            (None, None) => tr("Click a key to choose another one").to_owned(),
        };
        ui.label(RichText::new(note).color(palette.text_weak));
        ui.add_space(theme::space::TIGHT);
        let ctx = ui.ctx().clone();
        if let Some(command) = keys_box.choosing.clone() {
            if let Some(shortcut) = keymap::pressed(&ctx) {
                let mut map = (*keymap::of(&ctx)).clone();
                let holder = map.choose(&command, shortcut);
                keys_box.note = holder.map(|holder| {
                    tr_with(
                        "{key} was the key of “{name}”, which has none now",
                        &[("key", &format_shortcut(&ctx, &shortcut)), ("name", holder.text())],
                    )
                });
                self.send(Action::SetKeys(map.to_settings()));
                keymap::install(&ctx, map);
                keys_box.choosing = None;
            } else if ctx.input_mut(|input| input.consume_key(egui::Modifiers::NONE, Key::Escape)) {
                keys_box.choosing = None;
            }
        }
        let map = keymap::of(&ctx);
        let commands: Vec<Command> =
            Command::all().filter(|command| !matches!(command, Command::Do(Action::NudgeRegion(..)))).collect();
        let held = [
            ("Move region a little", "Arrow keys"),
            ("Move region far", "Shift+arrow keys"),
            ("Erase with any tool that paints", "Right button  Ctrl+drag"),
            ("Straight line from the last stroke", "Shift+drag"),
            ("Square or circle", "Shift+drag"),
            ("Rectangle or ellipse from the centre", "Alt+drag"),
            ("Set where a clone is taken from", "Alt+click"),
            ("Brush size", "Shift+wheel"),
            ("Zoom", "Wheel  Pinch"),
            ("Pan", "Space+drag  Middle drag"),
            ("Compare with the source photo", "Hold C"),
            ("Cancel a stroke", "Escape"),
        ];
        let mut reset = None;
        let count = commands.len() + held.len();
        let half = count.div_ceil(2);
        scroll_area((ctx.content_rect().height() - 220.0).max(160.0)).show(ui, |ui| {
            ui.spacing_mut().interact_size.y = 18.0;
            ui.horizontal_top(|ui| {
                for column in 0..2 {
                    egui::Grid::new(("keys", column)).num_columns(2).spacing([12.0, 3.0]).min_row_height(20.0).show(
                        ui,
                        |ui| {
                            for row in (column * half)..((column + 1) * half).min(count) {
                                if let Some(command) = commands.get(row) {
                                    let name = command.text().trim_end_matches('…');
                                    ui.label(name);
                                    let keys: Vec<String> =
                                        map.shortcuts(command).iter().map(|key| format_shortcut(&ctx, key)).collect();
                                    let is_choosing = keys_box.choosing.as_ref() == Some(command);
                                    let text = match keys.join("  ") {
                                        _ if is_choosing => tr("Press a key").to_owned(),
                                        text if text.is_empty() => "–".to_owned(),
                                        text => text,
                                    };
                                    let color =
                                        if map.is_chosen(command) { palette.accent_hover } else { palette.text_weak };
                                    let button =
                                        Button::selectable(is_choosing, RichText::new(text).small().color(color));
                                    let label = tr_with("Key of {name}", &[("name", name)]);
                                    ui.horizontal(|ui| {
                                        ui.spacing_mut().item_spacing.x = 2.0;
                                        let response = ui.add(button);
                                        response.widget_info(|| {
                                            egui::WidgetInfo::labeled(egui::Role::Button, true, &label)
                                        });
                                        if response.clicked() {
                                            *keys_box = KeysBox { choosing: Some(command.clone()), note: None };
                                        }
                                        if map.is_chosen(command) && reset_ui(ui, name) {
                                            reset = Some(command.clone());
                                        }
                                    });
                                } else if let Some((text, keys)) =
                                    row.checked_sub(commands.len()).and_then(|row| held.get(row))
                                {
                                    ui.label(tr(text));
                                    ui.label(RichText::new(tr(keys)).small().color(palette.text_weak));
                                }
                                ui.end_row();
                            }
                        },
                    );
                    ui.add_space(theme::space::SECTION);
                }
            });
        });
        if let Some(command) = reset {
            let mut map = (*map).clone();
            let holders = map.reset(&command);
            let names: Vec<String> = holders.iter().map(|holder| format!("“{}”", holder.text())).collect();
            let note = tr_with("The key was taken from {names}", &[("names", &names.join(", "))]);
            *keys_box = KeysBox { choosing: None, note: (!names.is_empty()).then_some(note) };
            self.send(Action::SetKeys(map.to_settings()));
            keymap::install(&ctx, map);
        }
        ui.add_space(theme::space::NORMAL);
        let mut outcome = Outcome::Stay;
        button_row_ui(ui, |ui| {
            if ui.button(tr("Close")).clicked() {
                outcome = Outcome::Close;
            }
            let are_changed = !self.bench.settings().keys.is_empty();
            if ui.add_enabled(are_changed, Button::new(tr("Reset all keys"))).clicked() {
                self.send(Action::SetKeys(BTreeMap::new()));
                keymap::install(&ctx, keymap::KeyMap::default());
                *keys_box = KeysBox::default();
            }
        });
        outcome
    }
}

/// Gives one command its own keys back.
fn reset_ui(ui: &mut Ui, name: &str) -> bool {
    let label = tr_with("Reset key of {name}", &[("name", name)]);
    let icon = RichText::new(icons::RESET).font(theme::icon_font(12.0)).color(theme::palette(ui.ctx()).text_weak);
    let response = ui.add(Button::new(icon).frame_when_inactive(false)).on_hover_text(&label);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &label));
    response.clicked()
}
