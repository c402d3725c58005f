//! Pointer and wheel: every event goes to the tool in hand or to the view.

use egui::{Event, MouseWheelUnit, PointerButton, Pos2, Ui, vec2};

use super::touch::TouchResponse;
use super::{Canvas, Command, CompareMode, Input};
use crate::editor::input::is_arrow;
use crate::tools::{BrushSettings, Button, Modifiers, ToolEvent, ToolKind, ToolResponse};
use crate::workbench::{Action, Workbench};

/// A notch of a wheel makes this many times as large.
const NOTCH_FACTOR: f32 = 1.2;
/// What a touchpad scrolls for a notch, in points.
const POINTS_PER_NOTCH: f32 = 40.0;

impl Canvas {
    /// Where a place of the screen lies in the view: the halves of a pair show the same.
    pub(super) fn pos_in_view(&self, pos_on_screen: Pos2) -> Pos2 {
        let area = self.view.area();
        let is_left = self.compare_mode == CompareMode::SideBySide && pos_on_screen.x < area.left();
        if is_left { pos_on_screen + vec2(area.width(), 0.0) } else { pos_on_screen }
    }

    /// The hand while space is held.
    pub(super) fn temporary_tool(&self, ui: &Ui) -> Option<ToolKind> {
        (self.holds_space && !ui.ctx().egui_wants_keyboard_input()).then_some(ToolKind::Hand)
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
        let may_begin = !egui::Popup::is_any_open(ui.ctx()) && !is_blocked;
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
                    self.lay_view(bench, response.rect);
                    continue;
                }
                Input::Command(Command::Look(look)) => {
                    if Command::Look(look).is_enabled(bench) {
                        sent.extend(self.look(look, bench, ui.ctx()).map(Command::Look));
                        self.lay_view(bench, response.rect);
                    }
                    continue;
                }
            };
            self.follow_pointer(&event);
            match event {
                Event::Touch { .. } => {
                    let is_on_canvas = may_begin && self.is_pointer_on(ui, response);
                    self.touch(bench, &event, is_on_canvas);
                }
                Event::PointerButton { pos, button, pressed, modifiers: now } => {
                    modifiers = now;
                    if pressed
                        && may_begin
                        && !self.touches.are_pinching()
                        && self.is_pointer_on(ui, response)
                        && !self.is_on_face_frame(bench, pos, button)
                    {
                        let temporary = self.temporary_tool(ui);
                        self.begin_gesture(bench, pos, button, modifiers, temporary, response);
                    } else if !pressed && self.gesture_button == Some(button) {
                        self.gesture_button = None;
                        self.tell_tool(bench, &ToolEvent::PointerUp, None);
                    }
                }
                Event::PointerMoved(pos) if self.gesture_button.is_some() => self.move_tool(bench, pos, modifiers),
                Event::MouseWheel { .. } | Event::Zoom(_) if may_begin && self.is_pointer_on(ui, response) => {
                    self.turn_wheel(bench, &event);
                    self.lay_view(bench, response.rect);
                }
                // A key that changes what is drawn does so at once, not only when the pointer moves on.
                Event::ModifiersChanged(now) => {
                    modifiers = now;
                    if let Some(pos) = self.pointer_pos.filter(|_| self.gesture_button.is_some()) {
                        self.move_tool(bench, pos, modifiers);
                    }
                }
                Event::Key { key: egui::Key::Space, pressed, .. } => self.holds_space = pressed,
                // What an arrow key moved while it was held is one step.
                Event::Key { key, pressed: false, .. } if is_arrow(key) => bench.seal(),
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
        // A key may come up where nobody tells us.
        (self.modifiers, self.holds_space) = (at_end, ui.input(|input| input.key_down(egui::Key::Space)));
    }

    /// One finger is the pointer; two fingers move and zoom what is shown.
    fn touch(&mut self, bench: &mut Workbench, event: &Event, is_on_canvas: bool) {
        if let Event::Touch { force: Some(force), .. } = event {
            self.pressure = *force;
        }
        match self.touches.follow(event, self.gesture_button.is_some(), is_on_canvas) {
            Some(TouchResponse::CancelGesture) if self.gesture_button.take().is_some() => {
                self.tell_tool(bench, &ToolEvent::Cancel, None);
            }
            Some(TouchResponse::Pinch { from, to, factor }) => {
                self.view.pan_by_screen(to - from);
                self.view.zoom_at(self.pos_in_view(to), factor);
            }
            Some(TouchResponse::CancelGesture) | None => {}
        }
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
        if self.gesture_button.is_some() {
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

    /// Wheel and pinch alone, for what lies in place of the canvas.
    pub(super) fn handle_wheel(&mut self, bench: &mut Workbench, ui: &Ui, response: &egui::Response, is_blocked: bool) {
        let may_turn = !egui::Popup::is_any_open(ui.ctx()) && !is_blocked;
        for input in std::mem::take(&mut self.inputs) {
            if let Input::Event(event) = &input {
                self.follow_pointer(event);
                if may_turn && self.is_pointer_on(ui, response) {
                    self.turn_wheel(bench, event);
                }
            }
            self.inputs.push(input);
        }
    }

    fn follow_pointer(&mut self, event: &Event) {
        if let Event::PointerMoved(pos) | Event::PointerButton { pos, .. } = event {
            self.pointer_pos = Some(*pos);
        }
    }

    /// Whether nothing lies between the pointer and the canvas: no box above it, nor the line that can be dragged over it.
    fn is_pointer_on(&self, ui: &Ui, response: &egui::Response) -> bool {
        self.pointer_pos.is_some_and(|pos| {
            response.rect.contains(pos)
                && ui.ctx().layer_id_at(pos) == Some(response.layer_id)
                && !self.split_knob.is_some_and(|knob| knob.contains(pos))
        })
    }

    /// A notch of a wheel zooms at the pointer, with Shift or Alt it makes the brush larger; a touchpad pans, and pinches.
    fn turn_wheel(&mut self, bench: &mut Workbench, event: &Event) {
        let Some(pos) = self.pointer_pos.map(|pos| self.pos_in_view(pos)) else { return };
        match event {
            Event::Zoom(factor) => self.view.zoom_at(pos, *factor),
            Event::MouseWheel { unit, delta, modifiers, .. } => {
                let is_touchpad = *unit == MouseWheelUnit::Point;
                let notches = *delta / if is_touchpad { POINTS_PER_NOTCH } else { 1.0 };
                if modifiers.shift || modifiers.alt {
                    // Shift makes a wheel turn sideways.
                    let brush = bench.toolbox().brush;
                    let radius_px = brush.radius_px * NOTCH_FACTOR.powf(notches.x + notches.y);
                    bench.apply(Action::SetBrush(BrushSettings { radius_px, ..brush }));
                } else if is_touchpad && !modifiers.command {
                    self.view.pan_by_screen(*delta);
                } else {
                    self.view.zoom_at(pos, NOTCH_FACTOR.powf(notches.y));
                }
            }
            _ => {}
        }
    }
}

fn tool_modifiers(modifiers: egui::Modifiers) -> Modifiers {
    Modifiers { opposite: modifiers.command, straight: modifiers.shift, from_center: modifiers.alt }
}
