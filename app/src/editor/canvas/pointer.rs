//! Pointer and wheel: every event goes to the tool in hand or to the view.

use egui::{Event, PointerButton, Pos2, Ui, Vec2, vec2};

use super::{Canvas, Command, CompareMode, Input};
use crate::tools::{BrushSettings, Button, Modifiers, ToolEvent, ToolKind, ToolResponse};
use crate::workbench::{Action, Workbench};

impl Canvas {
    /// Where a place of the screen lies in the view: the halves of a pair show the same.
    pub(super) fn pos_in_view(&self, pos_on_screen: Pos2) -> Pos2 {
        let area = self.view.area();
        let is_left = self.compare_mode == CompareMode::SideBySide && pos_on_screen.x < area.left();
        if is_left { pos_on_screen + vec2(area.width(), 0.0) } else { pos_on_screen }
    }

    /// The hand while space is held.
    pub(super) fn temporary_tool(&self, ui: &Ui) -> Option<ToolKind> {
        let holds_space = ui.input(|input| input.key_down(egui::Key::Space));
        (holds_space && !ui.ctx().egui_wants_keyboard_input()).then_some(ToolKind::Hand)
    }

    /// Everything that happened in this frame, one by one and in its order, however long the frame was: pointer events go to the
    /// tool in hand, so that fast strokes keep their shape, and commands by keys are done between them.
    pub(super) fn handle_inputs(
        &mut self,
        bench: &mut Workbench,
        ui: &Ui,
        response: &egui::Response,
        is_blocked: bool,
        sent: &mut Vec<Command>,
    ) {
        let inputs = std::mem::take(&mut self.inputs);
        let temporary = self.temporary_tool(ui);
        let may_begin = !egui::Popup::is_any_open(ui.ctx()) && !is_blocked;
        // Neither a box above the canvas nor the line that can be dragged over it leaves it the pointer.
        let knob = self.split_knob;
        let is_on_canvas = |pos: Pos2| {
            ui.ctx().layer_id_at(pos) == Some(response.layer_id) && !knob.is_some_and(|knob| knob.contains(pos))
        };
        // What is held at the frame's end was not held all along.
        let at_end = ui.input(|input| input.modifiers);
        let says_modifiers =
            |input: &Input| matches!(input, Input::Event(Event::ModifiersChanged(_) | Event::PointerButton { .. }));
        let mut modifiers = if inputs.iter().any(says_modifiers) { self.modifiers } else { at_end };
        for input in inputs {
            let event = match input {
                Input::Event(event) => event,
                Input::Command(Command::Do(action)) => {
                    bench.apply(action);
                    continue;
                }
                Input::Command(command @ Command::Look(_)) => {
                    sent.push(command);
                    continue;
                }
            };
            match event {
                Event::Touch { force: Some(force), .. } => self.pressure = force,
                Event::PointerButton { pos, button, pressed, modifiers: now } => {
                    (modifiers, self.pointer_pos) = (now, Some(pos));
                    if pressed && may_begin && is_on_canvas(pos) {
                        self.begin_gesture(bench, pos, button, modifiers, temporary, response);
                    } else if !pressed && self.gesture_button == Some(button) {
                        self.gesture_button = None;
                        self.tell_tool(bench, &ToolEvent::PointerUp, None);
                    }
                }
                Event::PointerMoved(pos) => {
                    self.pointer_pos = Some(pos);
                    if self.gesture_button.is_some() {
                        self.move_tool(bench, pos, modifiers);
                    }
                }
                // A key that changes what is drawn does so at once, not only when the pointer moves on.
                Event::ModifiersChanged(now) => {
                    modifiers = now;
                    if let Some(pos) = self.pointer_pos.filter(|_| self.gesture_button.is_some()) {
                        self.move_tool(bench, pos, modifiers);
                    }
                }
                Event::Key { key: egui::Key::Escape, pressed: true, .. } if self.gesture_button.is_some() => {
                    self.gesture_button = None;
                    self.tell_tool(bench, &ToolEvent::Cancel, None);
                }
                // The button may come up where nobody tells us.
                Event::WindowFocused(false) if self.gesture_button.is_some() => {
                    self.gesture_button = None;
                    self.tell_tool(bench, &ToolEvent::PointerUp, None);
                }
                _ => {}
            }
        }
        self.modifiers = at_end;
    }

    fn move_tool(&mut self, bench: &mut Workbench, pos: Pos2, modifiers: egui::Modifiers) {
        let event = ToolEvent::PointerMove {
            pos_in_canvas: self.view.canvas_from_screen(self.pos_in_view(pos)),
            pressure: self.pressure,
            modifiers: tool_modifiers(modifiers),
        };
        self.tell_tool(bench, &event, None);
    }

    fn begin_gesture(
        &mut self,
        bench: &mut Workbench,
        pos: Pos2,
        button: PointerButton,
        modifiers: egui::Modifiers,
        temporary: Option<ToolKind>,
        response: &egui::Response,
    ) {
        if self.gesture_button.is_some() || !response.rect.contains(pos) {
            return;
        }
        let (tool_button, temporary) = match button {
            PointerButton::Primary => (Button::Primary, temporary),
            PointerButton::Secondary => (Button::Secondary, temporary),
            PointerButton::Middle => (Button::Primary, Some(ToolKind::Hand)),
            _ => return,
        };
        let is_ready = bench.engine().frame().is_some();
        if !is_ready && temporary != Some(ToolKind::Hand) {
            return;
        }
        // A focused slider would keep the arrow keys.
        response.request_focus();
        response.surrender_focus();
        self.gesture_button = Some(button);
        let event = ToolEvent::PointerDown {
            pos_in_canvas: self.view.canvas_from_screen(self.pos_in_view(pos)),
            button: tool_button,
            pressure: self.pressure,
            modifiers: tool_modifiers(modifiers),
        };
        self.tell_tool(bench, &event, temporary);
    }

    fn tell_tool(&mut self, bench: &mut Workbench, event: &ToolEvent, temporary: Option<ToolKind>) {
        match bench.point(event, temporary) {
            ToolResponse::Nothing | ToolResponse::Changed => {}
            ToolResponse::PanBy(moved) => self.view.pan_by_canvas(moved),
            ToolResponse::Refused(_) => self.gesture_button = None,
        }
        if !matches!(event, ToolEvent::PointerDown { .. } | ToolEvent::PointerMove { .. }) {
            self.pressure = 1.0;
        }
    }

    pub(super) fn handle_wheel(&mut self, bench: &mut Workbench, ui: &Ui, response: &egui::Response, is_blocked: bool) {
        ui.input(|input| {
            for event in &input.events {
                if let Event::MouseWheel { unit, .. } = event {
                    self.scrolls_by_pixels = *unit == egui::MouseWheelUnit::Point;
                }
            }
        });
        if !response.contains_pointer() || is_blocked || egui::Popup::is_any_open(ui.ctx()) {
            return;
        }
        let (scrolled, pinch, pointer, modifiers) = ui.input(|input| {
            (input.smooth_scroll_delta(), input.zoom_delta(), input.pointer.hover_pos(), input.modifiers)
        });
        let Some(pointer) = pointer.map(|pointer| self.pos_in_view(pointer)) else { return };
        if pinch != 1.0 {
            self.view.zoom_at(pointer, pinch);
        } else if scrolled == Vec2::ZERO {
            // Nothing turned.
        } else if modifiers.shift || modifiers.alt {
            // Shift makes a wheel turn sideways.
            let brush = bench.toolbox().brush;
            let radius_px = brush.radius_px * ((scrolled.x + scrolled.y) * 0.005).exp();
            bench.apply(Action::SetBrush(BrushSettings { radius_px, ..brush }));
        } else if self.scrolls_by_pixels {
            self.view.pan_by_screen(scrolled);
        } else {
            self.view.zoom_at(pointer, (scrolled.y * 0.005).exp());
        }
    }
}

fn tool_modifiers(modifiers: egui::Modifiers) -> Modifiers {
    Modifiers { opposite: modifiers.command, straight: modifiers.shift, from_center: modifiers.alt }
}
