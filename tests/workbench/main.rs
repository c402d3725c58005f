//! Everything that a user can do, without a window and without a graphics driver: actions and pointer events go in, the document,
//! pictures, files and effects come out.
//!
//! The engine runs on a small network with random weights: nothing here depends on the model that comes with the program.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use stylebrush_app::document::Point;
use stylebrush_app::tools::{Button, Modifiers, ToolEvent, ToolResponse};
use stylebrush_app::workbench::{Action, Effect, NoticeKind, Workbench, WorkbenchOptions};
use stylemap::engine::{Frame, WorkerOptions};

#[path = "../common/mod.rs"]
mod common;
mod editing;
mod exports;
mod files;
mod lesson;
mod random_actions;
mod recipes;
mod refinements;
mod several_faces;
mod whole_job;

use common::*;

fn options(photos: Vec<PathBuf>, delay: Duration) -> WorkbenchOptions {
    WorkbenchOptions {
        photos,
        // The pictures made here show no faces.
        are_aligned: true,
        load_engine: model(),
        worker: WorkerOptions { artificial_delay: delay },
        folders: None,
    }
}

/// The workbench and a user at it.
struct Session {
    bench: Workbench,
    /// What came up so far, besides notices.
    effects: Vec<Effect>,
    /// What the user was told so far.
    notices: Vec<(NoticeKind, String)>,
    wakes: Receiver<()>,
}

impl Session {
    fn new(options: WorkbenchOptions) -> Self {
        let (woken, wakes) = channel();
        let wake = Arc::new(move || {
            // The test may have ended already.
            let _ = woken.send(());
        });
        let bench = Workbench::new(options, wake).expect("it starts");
        Self { bench, effects: Vec::new(), notices: Vec::new(), wakes }
    }

    /// With the demo portraits, every face read and the first picture drawn.
    fn ready() -> Self {
        let mut session = Self::new(options(Vec::new(), Duration::ZERO));
        session.wait_until("every face is read", |bench| bench.is_idle() && bench.frame().is_some());
        session
    }

    /// What a window does in each of its frames.
    fn step(&mut self) {
        self.bench.poll();
        self.bench.seal();
        self.bench.update(true);
        for effect in self.bench.take_effects() {
            match effect {
                Effect::Tell(notice) => self.notices.push((notice.kind, notice.text)),
                effect => self.effects.push(effect),
            }
        }
    }

    /// Waits for other threads to bring something, until it holds.
    fn wait_until(&mut self, what: &str, mut holds: impl FnMut(&Workbench) -> bool) {
        let started = Instant::now();
        loop {
            self.step();
            if holds(&self.bench) {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "this did not happen within {PATIENCE:?}: {what}; {}", self.state());
            let within = self.bench.wakes_in().unwrap_or(Duration::from_millis(50));
            let _ = self.wakes.recv_timeout(within.clamp(Duration::from_millis(1), Duration::from_millis(50)));
        }
    }

    /// What is still under way, for a test that waits in vain.
    fn state(&self) -> String {
        let bench = &self.bench;
        let encoding = bench.document().photos().iter().filter(|photo| bench.engine().is_encoding(photo.id)).count();
        format!(
            "opening {}, jobs idle {}, exporting {}, motion {:?}, saving {}, rendering {}, unsettled {}, encoding {encoding}, \
             photos {}, {:?}",
            bench.is_opening(),
            bench.jobs().is_idle(),
            bench.is_exporting(),
            bench.motion().progress(),
            bench.projects().is_busy(),
            bench.is_rendering(),
            bench.engine().is_unsettled(),
            bench.document().photos().len(),
            self.notices.last(),
        )
    }

    /// Until the newest picture that stays is there.
    fn settle(&mut self) -> Arc<Frame> {
        self.step();
        self.wait_until("the newest picture", |bench| !bench.is_rendering() && bench.frame().is_some());
        Arc::clone(self.bench.frame().unwrap())
    }

    fn wait_until_idle(&mut self) {
        self.wait_until("nothing is under way", Workbench::is_idle);
    }

    fn run(&mut self, action: Action) {
        self.bench.apply(action);
        self.step();
    }

    fn point(&mut self, event: &ToolEvent) -> ToolResponse {
        let response = self.bench.point(event, None);
        self.step();
        response
    }

    /// A drag with the tool in hand, in canvas pixels.
    fn drag(&mut self, from: (f32, f32), to: (f32, f32), button: Button) {
        let (from, to) = (Point::new(from.0, from.1), Point::new(to.0, to.1));
        let (pressure, modifiers) = (1.0, Modifiers::default());
        self.point(&ToolEvent::PointerDown { pos_in_canvas: from, button, pressure, modifiers });
        for i in 1..=6 {
            let pos_in_canvas = from.lerp(to, i as f32 / 6.0);
            self.point(&ToolEvent::PointerMove { pos_in_canvas, pressure, modifiers });
        }
        self.point(&ToolEvent::PointerUp);
    }

    fn paint(&mut self, from: (f32, f32), to: (f32, f32)) {
        self.drag(from, to, Button::Primary);
    }

    fn mask_value(&self, x: usize, y: usize) -> u8 {
        self.bench.document().active_layer().expect("there is an active layer").mask.value(x, y)
    }

    fn steps(&self) -> Vec<String> {
        self.bench.timeline().past_names().map(str::to_owned).collect()
    }

    fn was_told(&self, kind: NoticeKind, part: &str) -> bool {
        self.notices.iter().any(|(of, text)| *of == kind && text.contains(part))
    }

    fn errors(&self) -> Vec<&str> {
        let errors = self.notices.iter().filter(|(kind, _)| *kind == NoticeKind::Error);
        errors.map(|(_, text)| text.as_str()).collect()
    }
}
