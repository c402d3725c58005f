//! When a picture is drawn fast and nearly right before it is drawn exactly.
//!
//! By measurement: a main path that took longer than [`SLOW`] on this device, with this model, is preceded by a preview where
//! one is possible; a faster one is not. The exact frame follows as soon as nothing newer is asked for.

use std::time::Duration;

use crate::generator::{Kept, Part};

use super::weights::{LevelWeights, Work};

/// A frame at thirty pictures a second: what is faster than this needs no preview.
const SLOW: Duration = Duration::from_millis(33);
/// After so many previews in a row an exact frame comes between: it brings the layer norms' statistics up to date.
const LONGEST_ROW: usize = 32;

/// Whether previews are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PreviewMode {
    /// Drawn where exact frames were measured to be slow.
    #[default]
    Auto,
    /// Drawn wherever they are possible.
    Always,
    /// Never drawn: every picture is exact.
    Never,
}

/// What previews go on from.
#[derive(Default)]
pub(super) struct Previews {
    mode: PreviewMode,
    /// What the last whole main path took.
    measured: Option<Duration>,
    kept: Option<Kept>,
    /// Where modulations of fine levels changed since the picture in `kept`, in cells of its level.
    changed: Part,
    drawn_in_a_row: usize,
}

impl Previews {
    pub(super) fn new(mode: PreviewMode) -> Self {
        Self { mode, ..Self::default() }
    }

    /// Whether an exact frame should leave what previews need.
    pub(super) fn are_wanted(&self) -> bool {
        match self.mode {
            PreviewMode::Auto => self.measured.is_some_and(|took| took > SLOW),
            PreviewMode::Always => true,
            PreviewMode::Never => false,
        }
    }

    /// Whether one can be drawn next.
    pub(super) fn are_ready(&self) -> bool {
        self.are_wanted() && self.kept.is_some() && self.drawn_in_a_row < LONGEST_ROW
    }

    /// An exact frame was drawn.
    pub(super) fn exact_frame(&mut self, took: Duration, kept: Option<Kept>) {
        let kept = kept.filter(|kept| kept.level().is_some());
        *self = Self { mode: self.mode, measured: Some(took), kept, changed: Part::default(), drawn_in_a_row: 0 };
    }

    /// Modulations were mixed anew.
    pub(super) fn mixed(&mut self, weights: &[LevelWeights], works: &[Work]) {
        let Some(level) = self.kept.as_ref().and_then(Kept::level) else { return };
        for (weights, work) in weights.iter().zip(works).filter(|(weights, _)| weights.level >= level) {
            let times = weights.level / level;
            let place = |cell: usize| (cell % weights.level / times, cell / weights.level / times);
            let runs = work.mixed_runs.iter().flat_map(|(first, len)| [place(*first), place(first + len - 1)]);
            self.changed = self.changed.union(&Part::around(runs.chain(work.recomputed.iter().copied().map(place))));
        }
    }

    /// The modulations are of other faces, or of none.
    pub(super) fn forget(&mut self) {
        self.kept = None;
    }

    /// What to go on from, and where modulations changed since. It is gone until [`Self::put_back`] brings it back.
    pub(super) fn take(&mut self) -> Option<(Kept, Part)> {
        self.kept.take().map(|kept| (kept, self.changed.clone()))
    }

    /// A preview was drawn, or was not worth it: then `kept` is as it was.
    pub(super) fn put_back(&mut self, kept: Kept, is_drawn: bool) {
        self.kept = Some(kept);
        if is_drawn {
            self.changed = Part::default();
            self.drawn_in_a_row += 1;
        }
    }
}
