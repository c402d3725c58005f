//! The document with its past and future. A step keeps the whole document of before: copies share everything that did not
//! change, so a step costs the mask tiles that it touched, and undo is exact.

use std::collections::VecDeque;

use super::{Document, LayerId, PhotoId};

/// No more steps than this are kept.
pub const MAX_STEPS: usize = 1000;
/// The oldest steps go when the past holds more than this; a stroke costs at most 256 KiB.
pub const MAX_BYTES: usize = 256 << 20;

/// What consecutive edits may flow into one step: dragging one slider is one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditKey {
    /// The slider between two faces.
    BlendAmount,
    /// A layer's strength.
    LayerStrength(LayerId),
    /// A layer's soft edge.
    LayerFeather(LayerId),
    /// How far a layer's face is brought to the colours below it.
    LayerMatchColours(LayerId),
    /// How much of a photo's likeness is shown.
    Likeness(PhotoId),
    /// Where styles are divided, of the blend or of a layer.
    CoarseLevels(Option<LayerId>),
    /// A layer's place, by numbers or by the arrow keys.
    LayerOffset(LayerId),
    /// A layer's scale and angle, by numbers.
    LayerPose(LayerId),
    /// A step along a direction, of the whole face or of a layer alone.
    Direction(Option<LayerId>),
}

#[derive(Clone, Debug)]
struct Step {
    name: String,
    /// The document on the step's other side: before it (in the past), after it (in the future).
    document: Document,
    bytes: usize,
}

/// A gesture that has begun and is not yet a step.
#[derive(Clone, Debug)]
struct Gesture {
    name: String,
    before: Document,
}

/// A document that remembers.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    document: Document,
    past: VecDeque<Step>,
    future: Vec<Step>,
    gesture: Option<Gesture>,
    open_key: Option<EditKey>,
    revision: u64,
}

impl Timeline {
    /// Starts with a document and no past.
    pub fn new(document: Document) -> Self {
        Self { document, ..Self::default() }
    }

    /// Begins anew with another document; revisions go on counting.
    pub fn restart(&mut self, document: Document) {
        *self = Self { document, revision: self.revision + 1, ..Self::default() };
    }

    /// The document as it is now, a running gesture included.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// Counts every change of the document, also undone ones: equal numbers are equal documents.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// One edit, one step. An edit that changes nothing leaves no step.
    pub fn edit<R>(&mut self, name: impl Into<String>, change: impl FnOnce(&mut Document) -> R) -> R {
        self.commit();
        self.open_key = None;
        let before = self.document.clone();
        let result = change(&mut self.document);
        self.push(name.into(), before);
        result
    }

    /// Like [`Timeline::edit`], but flows into the step before where that has the same key and is not sealed.
    pub fn edit_continuously(&mut self, name: &str, key: EditKey, change: impl FnOnce(&mut Document)) {
        self.commit();
        if self.open_key == Some(key) && !self.past.is_empty() && self.future.is_empty() {
            change(&mut self.document);
            self.revision += 1;
            return;
        }
        self.edit(name, change);
        self.open_key = Some(key);
    }

    /// Like [`Timeline::edit`], but flows into the step before, and gives it this name, where nothing was done since
    /// `revision`: what comes in parts is one step.
    pub fn edit_since(&mut self, revision: u64, name: impl Into<String>, change: impl FnOnce(&mut Document)) {
        let is_newest = self.revision == revision && self.gesture.is_none() && self.future.is_empty();
        let Some(step) = self.past.back_mut().filter(|_| is_newest) else {
            self.edit(name, change);
            return;
        };
        change(&mut self.document);
        step.name = name.into();
        step.bytes = step.document.bytes_not_shared_with(&self.document);
        self.revision += 1;
    }

    /// Changes the document as if it had always been so: past and future too, and there is no step.
    pub fn rewrite(&mut self, mut change: impl FnMut(&mut Document)) {
        let steps = self.past.iter_mut().chain(&mut self.future).map(|step| &mut step.document);
        steps.chain(self.gesture.as_mut().map(|gesture| &mut gesture.before)).for_each(&mut change);
        change(&mut self.document);
        self.revision += 1;
    }

    /// Ends what [`Timeline::edit_continuously`] began: the next edit is a new step.
    pub fn seal(&mut self) {
        self.open_key = None;
    }

    /// Begins a gesture: changes up to [`Timeline::commit`] are one step.
    pub fn begin_gesture(&mut self, name: impl Into<String>) {
        self.commit();
        self.open_key = None;
        self.gesture = Some(Gesture { name: name.into(), before: self.document.clone() });
    }

    /// Changes the document within a gesture. Without one it is a step of its own.
    pub fn change(&mut self, change: impl FnOnce(&mut Document)) {
        if self.gesture.is_some() {
            change(&mut self.document);
            self.revision += 1;
        } else {
            self.edit("Edit", change);
        }
    }

    /// Ends a gesture, if there is one.
    pub fn commit(&mut self) {
        if let Some(Gesture { name, before }) = self.gesture.take() {
            self.push(name, before);
        }
    }

    /// Takes a gesture back, if there is one.
    pub fn cancel_gesture(&mut self) {
        if let Some(gesture) = self.gesture.take() {
            self.document = gesture.before;
            self.revision += 1;
        }
    }

    /// Chooses a layer: no step of its own, as nothing in the picture changes.
    pub fn select_layer(&mut self, id: LayerId) {
        self.document.set_active_layer(id);
    }

    /// Works on another face that is in the document: no step of its own either.
    pub fn select_face(&mut self, source: PhotoId) {
        self.commit();
        self.open_key = None;
        if self.document.edit_face(source).is_ok() {
            self.revision += 1;
        }
    }

    /// Takes the last step back and returns its name.
    pub fn undo(&mut self) -> Option<String> {
        self.commit();
        self.open_key = None;
        let step = self.past.pop_back()?;
        let after = std::mem::replace(&mut self.document, step.document);
        self.document.show_difference(&after);
        let bytes = after.bytes_not_shared_with(&self.document);
        self.future.push(Step { name: step.name.clone(), document: after, bytes });
        self.revision += 1;
        Some(step.name)
    }

    /// Does the last undone step again and returns its name.
    pub fn redo(&mut self) -> Option<String> {
        self.commit();
        self.open_key = None;
        let step = self.future.pop()?;
        let before = std::mem::replace(&mut self.document, step.document);
        self.document.show_difference(&before);
        let bytes = before.bytes_not_shared_with(&self.document);
        self.past.push_back(Step { name: step.name.clone(), document: before, bytes });
        self.revision += 1;
        Some(step.name)
    }

    /// The name of what undo would take back.
    pub fn undo_name(&self) -> Option<&str> {
        self.gesture.as_ref().map(|g| g.name.as_str()).or_else(|| self.past.back().map(|step| step.name.as_str()))
    }

    /// The name of what redo would do again.
    pub fn redo_name(&self) -> Option<&str> {
        self.future.last().map(|step| step.name.as_str())
    }

    /// Goes back or forth until this many steps are done, as far as there are any.
    pub fn go_to_step(&mut self, done: usize) {
        self.commit();
        while self.past.len() > done && self.undo().is_some() {}
        while self.past.len() < done && self.redo().is_some() {}
    }

    /// The names of the steps undone, the next one to be done again first.
    pub fn future_names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.future.iter().rev().map(|step| step.name.as_str())
    }

    /// The names of the steps done, the oldest first.
    pub fn past_names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.past.iter().map(|step| step.name.as_str())
    }

    /// About how much memory the past and the future hold.
    pub fn bytes(&self) -> usize {
        self.past.iter().chain(&self.future).map(|step| step.bytes).sum()
    }

    fn push(&mut self, name: String, before: Document) {
        if before.has_same_content(&self.document) {
            return;
        }
        self.revision += 1;
        self.future.clear();
        let bytes = before.bytes_not_shared_with(&self.document);
        self.past.push_back(Step { name, document: before, bytes });
        while self.past.len() > 1 && (self.past.len() > MAX_STEPS || self.bytes() > MAX_BYTES) {
            self.past.pop_front();
        }
    }
}
