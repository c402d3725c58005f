//! However slow the frames are, what is drawn is what was done: the same work at 60 and at 12 frames a second.

use egui::Event::{
    Key as KeyEvent, ModifiersChanged, MouseWheel, PointerButton as Button, PointerGone, PointerMoved, Touch,
    WindowFocused, Zoom,
};
use egui::{Key, Modifiers, PointerButton, Pos2, Rect, TouchPhase, Vec2, vec2};
use stylebrush_app::document::MaskImage;
use stylebrush_app::tools::BrushSettings;

use super::*;

/// A mouse tells where it is this often, in seconds.
const MOUSE_PERIOD: f64 = 0.008;

/// A user at work, as the system tells it: what happens, and when, in seconds from the start.
struct Work {
    dice: Dice,
    area: Rect,
    now: f64,
    events: Vec<(f64, egui::Event)>,
}

impl Work {
    fn of(area: Rect, seconds: f64) -> Vec<(f64, egui::Event)> {
        let mut work = Self { dice: Dice(20_261_201), area, now: 0.5, events: Vec::new() };
        while work.now < seconds {
            match work.dice.roll(24) {
                0..9 => work.stroke(),
                9..15 => work.keys(),
                15 | 16 => work.wheel(),
                17 => work.pinch_on_touchpad(),
                18 => work.pan(),
                19 | 20 => work.finger(),
                21 | 22 => work.two_fingers(),
                _ => work.keys_within_a_stroke(),
            }
            // Mostly in a hurry, sometimes looking.
            work.now += [0.0, 0.004, 0.02, 0.1, 0.4, 1.5][work.dice.roll(6)];
        }
        work.events
    }

    fn happens(&mut self, event: egui::Event) {
        self.events.push((self.now, event));
    }

    fn place(&mut self) -> Pos2 {
        let share = |dice: &mut Dice| dice.roll(1000) as f32 / 1000.0;
        self.area.min + vec2(self.area.width() * share(&mut self.dice), self.area.height() * share(&mut self.dice))
    }

    /// A pointer on its way, from here.
    fn go(&mut self, from: Pos2, moves: usize) -> Pos2 {
        let mut pos = from;
        let mut speed = Vec2::ZERO;
        for _ in 0..moves {
            let push = |dice: &mut Dice| dice.roll(21) as f32 - 10.0;
            speed = speed * 0.8 + vec2(push(&mut self.dice), push(&mut self.dice));
            pos = self.area.clamp(pos + speed);
            self.now += MOUSE_PERIOD;
            self.happens(PointerMoved(pos));
        }
        pos
    }

    fn press(&mut self, pos: Pos2, button: PointerButton, pressed: bool, modifiers: Modifiers) {
        self.happens(Button { pos, button, pressed, modifiers });
    }

    fn key(&mut self, modifiers: Modifiers, key: Key) {
        for pressed in [true, false] {
            self.happens(KeyEvent { key, physical_key: None, pressed, repeat: false, modifiers });
            self.now += [0.0, 0.03][self.dice.roll(2)];
        }
    }

    fn stroke(&mut self) {
        let button = [PointerButton::Primary, PointerButton::Primary, PointerButton::Secondary][self.dice.roll(3)];
        let modifiers = [Modifiers::NONE, Modifiers::NONE, Modifiers::NONE, Modifiers::SHIFT, Modifiers::ALT];
        let modifiers = modifiers[self.dice.roll(5)];
        let pos = self.place();
        self.happens(ModifiersChanged(modifiers));
        self.happens(PointerMoved(pos));
        self.press(pos, button, true, modifiers);
        let moves = [0, 1, 3, 20, 60][self.dice.roll(5)];
        let last = self.go(pos, moves);
        match self.dice.roll(12) {
            // It was not meant, or another window comes up.
            0 => self.key(Modifiers::NONE, Key::Escape),
            1 => self.happens(WindowFocused(false)),
            _ => {}
        }
        self.press(last, button, false, modifiers);
        self.happens(ModifiersChanged(Modifiers::NONE));
        // Away at once: no band may join this stroke and the next.
        let away = self.place();
        self.happens(PointerMoved(away));
    }

    fn keys(&mut self) {
        let keys = [
            (Modifiers::NONE, Key::CloseBracket),
            (Modifiers::NONE, Key::OpenBracket),
            (Modifiers::SHIFT, Key::CloseBracket),
            (Modifiers::SHIFT, Key::OpenBracket),
            (Modifiers::COMMAND, Key::Z),
            (Modifiers::COMMAND, Key::Z),
            (Modifiers::COMMAND | Modifiers::SHIFT, Key::Z),
            (Modifiers::COMMAND, Key::I),
            (Modifiers::NONE, Key::B),
            (Modifiers::NONE, Key::E),
            (Modifiers::NONE, Key::L),
            (Modifiers::NONE, Key::U),
            (Modifiers::NONE, Key::O),
            (Modifiers::NONE, Key::F),
            (Modifiers::NONE, Key::M),
            (Modifiers::SHIFT, Key::M),
            (Modifiers::SHIFT, Key::Y),
            (Modifiers::SHIFT, Key::F),
            (Modifiers::COMMAND, Key::Plus),
            (Modifiers::COMMAND, Key::Minus),
            (Modifiers::NONE, Key::Delete),
            (Modifiers::NONE, Key::ArrowLeft),
            (Modifiers::SHIFT, Key::ArrowDown),
            (Modifiers::NONE, Key::ArrowRight),
        ];
        let (modifiers, key) = keys[self.dice.roll(keys.len())];
        for _ in 0..=self.dice.roll(4) {
            self.key(modifiers, key);
        }
    }

    fn keys_within_a_stroke(&mut self) {
        let pos = self.place();
        self.happens(PointerMoved(pos));
        self.press(pos, PointerButton::Primary, true, Modifiers::NONE);
        let there = self.go(pos, 12);
        // A straight line for a while.
        self.happens(ModifiersChanged(Modifiers::SHIFT));
        let there = self.go(there, 5);
        self.happens(ModifiersChanged(Modifiers::NONE));
        self.key(Modifiers::NONE, Key::CloseBracket);
        let last = self.go(there, 5);
        self.press(last, PointerButton::Primary, false, Modifiers::NONE);
    }

    fn wheel(&mut self) {
        let modifiers = [Modifiers::NONE, Modifiers::SHIFT][self.dice.roll(2)];
        let pos = self.place();
        self.happens(PointerMoved(pos));
        for _ in 0..=self.dice.roll(3) {
            let delta = vec2(0.0, [1.0, -1.0, 2.0, -2.0][self.dice.roll(4)]);
            let (phase, source) = (TouchPhase::Move, egui::MouseWheelSource::Unknown);
            self.happens(MouseWheel { unit: egui::MouseWheelUnit::Line, delta, phase, source, modifiers });
            self.now += MOUSE_PERIOD;
        }
    }

    fn pinch_on_touchpad(&mut self) {
        for _ in 0..6 {
            let factor = [0.9, 0.97, 1.04, 1.1][self.dice.roll(4)];
            self.happens(Zoom(factor));
            self.now += MOUSE_PERIOD;
        }
    }

    fn pan(&mut self) {
        let space = |pressed| KeyEvent {
            key: Key::Space,
            physical_key: None,
            pressed,
            repeat: false,
            modifiers: Modifiers::NONE,
        };
        let pos = self.place();
        self.happens(PointerMoved(pos));
        self.happens(space(true));
        self.press(pos, PointerButton::Primary, true, Modifiers::NONE);
        let last = self.go(pos, 8);
        self.press(last, PointerButton::Primary, false, Modifiers::NONE);
        self.happens(space(false));
    }

    fn touch(&mut self, finger: u64, phase: TouchPhase, pos: Pos2) {
        let force = [None, Some(0.4), Some(0.9)][self.dice.roll(3)];
        let (device_id, id) = (egui::TouchDeviceId(7), egui::TouchId(finger));
        self.happens(Touch { device_id, id, phase, pos, force });
        // The system makes the first finger the pointer.
        if finger > 0 {
            return;
        }
        match phase {
            TouchPhase::Start => {
                self.happens(PointerMoved(pos));
                self.press(pos, PointerButton::Primary, true, Modifiers::NONE);
            }
            TouchPhase::Move => self.happens(PointerMoved(pos)),
            TouchPhase::End => {
                self.press(pos, PointerButton::Primary, false, Modifiers::NONE);
                self.happens(PointerGone);
            }
            TouchPhase::Cancel => self.happens(PointerGone),
        }
    }

    fn finger(&mut self) {
        let mut pos = self.place();
        self.touch(0, TouchPhase::Start, pos);
        for _ in 0..self.dice.roll(12) {
            let push = |dice: &mut Dice| dice.roll(31) as f32 - 15.0;
            pos = self.area.clamp(pos + vec2(push(&mut self.dice), push(&mut self.dice)));
            self.now += MOUSE_PERIOD;
            self.touch(0, TouchPhase::Move, pos);
        }
        let phase = [TouchPhase::End, TouchPhase::End, TouchPhase::Cancel][self.dice.roll(3)];
        self.touch(0, phase, pos);
    }

    fn two_fingers(&mut self) {
        let mut fingers = [self.place(), self.place()];
        self.touch(0, TouchPhase::Start, fingers[0]);
        self.now += MOUSE_PERIOD;
        self.touch(1, TouchPhase::Start, fingers[1]);
        for step in 0..2 + self.dice.roll(10) {
            let push = |dice: &mut Dice| dice.roll(15) as f32 - 7.0;
            let finger = step % 2;
            fingers[finger] = self.area.clamp(fingers[finger] + vec2(push(&mut self.dice), push(&mut self.dice)));
            self.now += MOUSE_PERIOD;
            self.touch(finger as u64, TouchPhase::Move, fingers[finger]);
        }
        let first = self.dice.roll(2);
        for finger in [first, 1 - first] {
            self.touch(finger as u64, TouchPhase::End, fingers[finger]);
        }
    }
}

/// What is there after some of the work.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    masks: Vec<MaskImage>,
    offsets_px: Vec<(i32, i32)>,
    steps: Vec<String>,
    brush: BrushSettings,
    /// Scale and corner of the canvas.
    view: (f32, Pos2),
    compare_mode: CompareMode,
}

/// Does the work at so many frames a second, and looks at it in the middle of every so many seconds.
fn worked(frames_per_second: u32, seconds: u32, look_every: u32) -> Vec<Seen> {
    let mut session = Session::ready();
    session.wait_until("every face is read", Editor::is_idle);
    // Beyond it lie messages.
    let area = session.editor().view().area().shrink(60.0);
    let mut events = Work::of(area, f64::from(seconds)).into_iter().peekable();
    let mut looks = Vec::new();
    for frame in 1..=seconds * frames_per_second {
        let now = f64::from(frame) / f64::from(frames_per_second);
        while let Some((_, event)) = events.next_if(|(at, _)| *at < now) {
            session.harness.event(event);
        }
        session.harness.step();
        if frame % (look_every * frames_per_second) == 0 {
            looks.push(session.seen());
        }
    }
    looks
}

impl Session {
    fn seen(&self) -> Seen {
        let (bench, view) = (self.editor().workbench(), self.editor().view());
        Seen {
            masks: bench.document().layers().iter().map(|layer| layer.mask.clone()).collect(),
            offsets_px: bench.document().layers().iter().map(|layer| layer.offset_px).collect(),
            steps: self.steps(),
            brush: bench.toolbox().brush,
            view: (view.scale(), view.screen_from_canvas(Point::new(0.0, 0.0))),
            compare_mode: self.editor().compare_mode(),
        }
    }
}

fn compare_frame_rates(seconds: u32, look_every: u32, slow: &[u32]) {
    let fast = worked(60, seconds, look_every);
    let steps: usize = fast.iter().map(|seen| seen.steps.len()).max().unwrap();
    let is_painted = |seen: &Seen| seen.masks.iter().any(|mask| !mask.is_empty());
    assert!(steps > 15 && fast.iter().filter(|seen| is_painted(seen)).count() * 2 > fast.len(), "{steps} steps");
    for frames_per_second in slow {
        let slow = worked(*frames_per_second, seconds, look_every);
        assert_eq!(slow.len(), fast.len());
        for (index, (slow, fast)) in slow.iter().zip(&fast).enumerate() {
            let at = format!("{frames_per_second} frames a second, after {} s", (index as u32 + 1) * look_every);
            assert_eq!(slow.steps, fast.steps, "{at}");
            assert_eq!((slow.brush, slow.view, slow.compare_mode), (fast.brush, fast.view, fast.compare_mode), "{at}");
            assert_eq!(slow.offsets_px, fast.offsets_px, "{at}");
            assert!(slow.masks == fast.masks, "{at}: another mask");
        }
    }
}

#[test]
fn slow_frames_draw_what_fast_ones_draw() {
    compare_frame_rates(60, 1, &[12, 2]);
}

#[test]
#[ignore = "an hour of work, in a few minutes"]
fn an_hour_at_12_frames_a_second_draws_what_it_draws_at_60() {
    compare_frame_rates(3600, 10, &[12]);
}
