//! Pictures of faces that are in no document: a batch's. The engine draws them when it has nothing else to do, one at a time, and
//! whatever the canvas wants takes their place: they are asked for again afterwards.

use std::collections::{BTreeMap, BTreeSet};

use stylemap::engine::{FaceId, Frame, FrameKind, Scene};

/// What came of a scene: its picture, or why there is none.
pub type Answer = Result<Frame, String>;

/// The faces, and the scene that is wanted of them.
#[derive(Default)]
pub struct Guests {
    /// Those that the engine was given, and why it refused one.
    faces: BTreeMap<FaceId, Option<String>>,
    wanted: Option<Scene>,
    /// The request under way.
    asked: Option<u64>,
    /// Requests of which something may still come.
    numbers: BTreeSet<u64>,
    answer: Option<Answer>,
}

impl Guests {
    /// The engine is given this face; whether it did not have it.
    pub fn add(&mut self, face: FaceId) -> bool {
        self.faces.insert(face, None).is_none()
    }

    /// The engine shall forget this face; whether it had it.
    pub fn remove(&mut self, face: FaceId) -> bool {
        self.faces.remove(&face).is_some()
    }

    /// The engine shall forget all of them.
    pub fn remove_all(&mut self) -> Vec<FaceId> {
        (self.wanted, self.asked, self.answer) = (None, None, None);
        std::mem::take(&mut self.faces).into_keys().collect()
    }

    /// A scene is wanted, in place of any other.
    pub fn want(&mut self, scene: Scene) {
        let reason = scene.faces().find_map(|face| self.faces.get(&face).cloned().flatten());
        self.answer = reason.map(Err);
        self.asked = None;
        self.wanted = self.answer.is_none().then_some(scene);
    }

    /// The scene that is to be asked for.
    pub fn missing(&self) -> Option<&Scene> {
        self.wanted.as_ref().filter(|_| self.asked.is_none())
    }

    /// It was asked for.
    pub fn ask(&mut self, number: u64) {
        self.numbers.insert(number);
        self.asked = Some(number);
    }

    /// Something else was asked of the engine: what is under way may not come.
    pub fn forget_asked(&mut self) {
        self.asked = None;
    }

    /// What came.
    pub fn take_answer(&mut self) -> Option<Answer> {
        self.answer.take()
    }

    /// Whether a request is one of these.
    pub fn is_of(&self, number: u64) -> bool {
        self.numbers.contains(&number)
    }

    /// Takes a frame, if it is the picture that stays.
    pub fn take(&mut self, frame: Frame) {
        self.numbers = self.numbers.split_off(&frame.request);
        if frame.kind == FrameKind::Final && self.asked == Some(frame.request) {
            (self.wanted, self.asked, self.answer) = (None, None, Some(Ok(frame)));
        }
    }

    /// The picture could not be made.
    pub fn fail(&mut self, number: u64, reason: String) {
        if self.asked == Some(number) {
            (self.wanted, self.asked, self.answer) = (None, None, Some(Err(reason)));
        }
    }

    /// The engine could not use a face; whether it is one of these.
    pub fn fail_face(&mut self, face: FaceId, reason: &str) -> bool {
        let Some(known) = self.faces.get_mut(&face) else { return false };
        *known = Some(reason.to_owned());
        if self.wanted.as_ref().is_some_and(|scene| scene.faces().any(|shown| shown == face)) {
            (self.wanted, self.asked, self.answer) = (None, None, Some(Err(reason.to_owned())));
        }
        true
    }
}
