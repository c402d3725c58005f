//! The pictures of faces that are edited beside the one in hand, in the same photo. They are asked for when the engine has
//! nothing else to do, one at a time, and stay until their edit is another one.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use stylemap::engine::{FaceId, Frame, FrameKind, Scene};

use crate::document::PhotoId;

/// What came of a scene.
struct Answer {
    scene: Scene,
    /// None: the picture could not be made.
    frame: Option<Arc<Frame>>,
}

/// The newest picture of every face that was looked at, and which of them show.
#[derive(Default)]
pub struct Beside {
    shown: Vec<(PhotoId, Arc<Frame>, Scene)>,
    key: u64,
    is_incomplete: bool,
    answers: BTreeMap<PhotoId, Answer>,
    /// The request under way.
    asked: Option<(u64, PhotoId, Scene)>,
    /// Requests of which something may still come.
    numbers: BTreeSet<u64>,
}

impl Beside {
    /// Shows the pictures of these scenes, as far as they came, and returns the first that did not.
    pub fn show(&mut self, scenes: Vec<(PhotoId, Scene)>) -> Option<(PhotoId, Scene)> {
        let mut missing = None;
        self.shown.clear();
        for (source, scene) in scenes {
            match self.answers.get(&source).filter(|answer| answer.scene == scene) {
                Some(Answer { frame: Some(frame), .. }) => self.shown.push((source, Arc::clone(frame), scene)),
                // It was said that this one cannot be made.
                Some(Answer { frame: None, .. }) => {}
                None => missing = missing.or(Some((source, scene))),
            }
        }
        self.is_incomplete = missing.is_some();
        let mut hasher = DefaultHasher::new();
        self.shown.iter().for_each(|(source, frame, _)| (source, frame.request).hash(&mut hasher));
        self.key = if self.shown.is_empty() { 0 } else { hasher.finish().max(1) };
        missing
    }

    /// The pictures that show.
    pub fn shown(&self) -> &[(PhotoId, Arc<Frame>, Scene)] {
        &self.shown
    }

    /// By what they are known together; 0 where there are none.
    pub fn key(&self) -> u64 {
        self.key
    }

    /// Whether none is still to come.
    pub fn is_complete(&self) -> bool {
        !self.is_incomplete
    }

    /// Whether a picture is under way.
    pub fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    /// A picture is under way.
    pub fn ask(&mut self, number: u64, source: PhotoId, scene: Scene) {
        self.numbers.insert(number);
        self.asked = Some((number, source, scene));
    }

    /// Something else was asked of the engine: what is under way may not come.
    pub fn forget_asked(&mut self) {
        self.asked = None;
    }

    /// Whether a request is one of these.
    pub fn is_of(&self, number: u64) -> bool {
        self.numbers.contains(&number)
    }

    /// Keeps a picture that is known already.
    pub fn keep(&mut self, source: PhotoId, scene: Scene, frame: Arc<Frame>) {
        self.answers.insert(source, Answer { scene, frame: Some(frame) });
    }

    /// Takes what came, if it is the picture that stays.
    pub fn take(&mut self, frame: Frame) {
        self.numbers = self.numbers.split_off(&frame.request);
        if frame.kind == FrameKind::Final
            && let Some((_, source, scene)) = self.asked.take_if(|(number, ..)| *number == frame.request)
        {
            self.keep(source, scene, Arc::new(frame));
        }
    }

    /// The picture could not be made; whether anybody waits for it.
    pub fn fail(&mut self, number: u64) -> bool {
        let failed = self.asked.take_if(|(asked, ..)| *asked == number);
        if let Some((_, source, scene)) = failed {
            self.answers.insert(source, Answer { scene, frame: None });
            return true;
        }
        false
    }

    /// A face changed: pictures that show it are to be made again.
    pub fn forget_pictures_of(&mut self, face: FaceId) {
        self.answers.retain(|_, answer| answer.scene.faces().all(|shown| shown != face));
    }

    /// All of them are to be made again, and none that is under way counts.
    pub fn forget_pictures(&mut self) {
        self.answers.clear();
        self.asked = None;
    }

    /// The photo was closed.
    pub fn forget(&mut self, source: PhotoId) {
        self.answers.remove(&source);
    }
}
