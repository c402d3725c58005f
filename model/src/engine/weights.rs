//! What each layer of a scene weighs in each cell of a level, and which cells the cached modulations answer exactly.

use crate::edit::CODES_PER_LEVEL;
use crate::mask::{Mask, Pooling, shift_at_level};

use super::request::Layer;

/// A mask at every level of the network, soft, finest last.
#[derive(Debug)]
pub(super) struct Pyramid {
    levels: Vec<Mask>,
}

impl Pyramid {
    /// `levels`: resolutions, ascending, each a multiple of the one before.
    pub(super) fn new(mask: &Mask, feather_px: f32, levels: impl Iterator<Item = usize>) -> Self {
        let resolutions: Vec<usize> = levels.collect();
        let mut finer = mask.feathered(feather_px);
        let mut levels = Vec::with_capacity(resolutions.len());
        for level in resolutions.into_iter().rev() {
            let mask = finer.at_level(level, Pooling::Soft);
            // Averages of whole cells' averages are averages; a mask that does not divide is averaged itself every time.
            if finer.size_px().is_multiple_of(level) {
                finer = mask.clone();
            }
            levels.push(mask);
        }
        levels.reverse();
        Self { levels }
    }
}

/// The layers of a scene at one level: final weights per cell (those of base and layers sum to one), and shifts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LevelWeights {
    /// The level's resolution.
    pub(super) level: usize,
    /// `weights[0]` is the base's, `weights[k]` layer k's; each of level x level cells.
    pub(super) weights: Vec<Vec<f32>>,
    /// Each layer's move in cells; the base's is (0, 0).
    pub(super) shifts: Vec<(i64, i64)>,
}

impl LevelWeights {
    /// `layers` with their pyramids, lowest first: m_k in order over the result so far gives weight
    /// m_k (1 - m_{k+1}) (1 - m_{k+2}) … to layer k.
    pub(super) fn new(level_index: usize, level: usize, layers: &[(&Layer, &Pyramid)]) -> Self {
        let cells = level * level;
        let mut weights = vec![vec![0.0; cells]; layers.len() + 1];
        let mut shifts = vec![(0, 0); layers.len() + 1];
        let mut left = vec![1.0; cells];
        for (k, (layer, pyramid)) in layers.iter().enumerate().rev() {
            let Some(mask) = pyramid.levels.get(level_index) else { continue };
            let [dx, dy] = [layer.offset_px.0, layer.offset_px.1]
                .map(|offset_px| shift_at_level(offset_px, level, layer.mask.size_px()));
            shifts[k + 1] = (dx, dy);
            let shifted;
            let mask = if (dx, dy) == (0, 0) {
                mask
            } else {
                shifted = mask.shifted(dx, dy);
                &shifted
            };
            let strength = layer.strength.clamp(0.0, 1.0);
            for ((weight, left), mask) in weights[k + 1].iter_mut().zip(&mut left).zip(mask.weights()) {
                let mask = mask * strength;
                *weight = *left * mask;
                *left *= 1.0 - mask;
            }
        }
        weights[0] = left;
        Self { level, weights, shifts }
    }

    /// Whether the mix of the cached modulations IS the modulation of the mixed code in this cell: the convolution is linear and
    /// the weights sum to one, so it is where the weights are constant in the 3x3 neighbourhood. The zeros that the
    /// convolution reads beyond the picture's border are the same for every face, except for one that is moved.
    pub(super) fn is_exact(&self, x: usize, y: usize) -> bool {
        let level = self.level;
        let cell = y * level + x;
        let inside = x > 0 && y > 0 && x + 1 < level && y + 1 < level;
        self.weights.iter().zip(&self.shifts).all(|(weights, shift)| {
            let weight = weights[cell];
            if !inside && *shift != (0, 0) && weight != 0.0 {
                return false;
            }
            (y.saturating_sub(1)..(y + 2).min(level)).all(|row| {
                weights[row * level..][x.saturating_sub(1)..(x + 2).min(level)].iter().all(|other| *other == weight)
            })
        })
    }

    /// Which cells differ from `before` in their modulation: where a weight changed, and one cell around. All of them when
    /// `before` has other layers or shifts.
    pub(super) fn changed_since(&self, before: Option<&Self>) -> Vec<bool> {
        let level = self.level;
        let comparable = before.filter(|before| before.level == level && before.shifts == self.shifts);
        let Some(before) = comparable else { return vec![true; level * level] };
        let changed: Vec<bool> = (0..level * level)
            .map(|cell| self.weights.iter().zip(&before.weights).any(|(now, then)| now[cell] != then[cell]))
            .collect();
        let mut grown = vec![false; level * level];
        for (cell, _) in changed.iter().enumerate().filter(|(_, changed)| **changed) {
            let (x, y) = (cell % level, cell / level);
            for row in y.saturating_sub(1)..(y + 2).min(level) {
                grown[row * level..][x.saturating_sub(1)..(x + 2).min(level)].fill(true);
            }
        }
        grown
    }
}

/// The part of a level that a frame recomputes.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Work {
    /// Runs of cells (first, length), within a row each, that the cached modulations answer.
    pub(super) mixed_runs: Vec<(usize, usize)>,
    /// Cells whose modulation is computed from the mixed code.
    pub(super) recomputed: Vec<usize>,
}

impl Work {
    /// Splits the changed cells of a level.
    pub(super) fn plan(weights: &LevelWeights, changed: &[bool]) -> Self {
        let level = weights.level;
        let mut work = Self::default();
        for y in 0..level {
            let mut run: Option<(usize, usize)> = None;
            for x in 0..level {
                let cell = y * level + x;
                if changed[cell] && weights.is_exact(x, y) {
                    run = Some(run.map_or((cell, 1), |(first, len)| (first, len + 1)));
                    continue;
                }
                work.mixed_runs.extend(run.take());
                if changed[cell] {
                    work.recomputed.push(cell);
                }
            }
            work.mixed_runs.extend(run);
        }
        work
    }
}

/// The resolution index of style code `index`: two codes per level.
pub(super) fn level_index(code_index: usize) -> usize {
    code_index / CODES_PER_LEVEL
}
