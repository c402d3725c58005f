//! What a whole main path leaves for those that compute only a part of the next picture.

use crate::kernels::Sums;

use super::maps::Map;

/// The level from which on a preview computes only a part of the picture.
pub const FINE_LEVEL: usize = 32;

/// What a picture was made of, from [`FINE_LEVEL`] on: what previews go on from. One sample, on the CPU.
#[derive(Default)]
pub struct Kept {
    /// The input of every fine block, and that of to RGB.
    pub(super) maps: Vec<Map>,
    /// Between the two convolutions of every fine block, as of the last exact frame.
    pub(super) inner_sums: Vec<Sums>,
    /// (3, size, size).
    pub(super) image: Vec<f32>,
}

impl Kept {
    pub(super) fn push(&mut self, below: Map, inner_sums: Sums) {
        self.maps.push(below);
        self.inner_sums.push(inner_sums);
    }

    pub(super) fn finish(&mut self, last: Map, image: &Map) {
        self.maps.push(last);
        self.image = image.values().to_vec();
    }

    /// The level whose cells [`super::Generator::preview`] takes; `None` when the network has no fine levels.
    pub fn level(&self) -> Option<usize> {
        (self.maps.len() > 1).then(|| self.maps.first().map(|map| map.width)).flatten()
    }
}
