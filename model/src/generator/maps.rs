//! Feature maps in memory that is used again, so that a frame allocates nothing that is large.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{Result, bail};

use crate::kernels::{Input, Modulation, Normalized, Reading, Sums};

/// Memory of the frames before.
#[derive(Clone, Default)]
pub(super) struct Buffers(Arc<Mutex<Vec<Vec<f32>>>>);

impl Buffers {
    /// `len` values, whatever they hold.
    fn take(&self, len: usize) -> Buffer {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let len_at = |index: &usize| free[*index].len();
        // A part of a map must not sit in the memory of a whole one.
        let fitting = (0..free.len()).filter(|index| (len..=2 * len).contains(&len_at(index))).min_by_key(len_at);
        if let Some(index) = fitting {
            return Buffer { values: free.swap_remove(index), home: self.clone() };
        }
        // The new one takes the place of the largest that is too short.
        if let Some(index) = (0..free.len()).filter(|index| len_at(index) < len).max_by_key(len_at) {
            free.swap_remove(index);
        }
        Buffer { values: vec![0.0; len], home: self.clone() }
    }
}

/// Memory that goes back when it is not used any more.
struct Buffer {
    values: Vec<f32>,
    home: Buffers,
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut free = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        free.push(std::mem::take(&mut self.values));
    }
}

/// A feature map (C, height, width), or a part of one.
pub(super) struct Map {
    /// Memory as long as the map, or longer.
    buffer: Buffer,
    len: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    /// Sums over the whole map, even where this is a part of one.
    pub(super) sums: Sums,
}

impl Map {
    /// A map that is to be written: its values are whatever the memory held.
    pub(super) fn new(buffers: &Buffers, len: usize, (height, width): (usize, usize), sums: Sums) -> Self {
        Self { buffer: buffers.take(len), len, height, width, sums }
    }

    pub(super) fn values(&self) -> &[f32] {
        &self.buffer.values[..self.len]
    }

    pub(super) fn values_mut(&mut self) -> &mut [f32] {
        &mut self.buffer.values[..self.len]
    }

    pub(super) fn modulated<'a>(&'a self, modulation: &'a [f32]) -> Result<Input<'a>> {
        let (mean, scale) = self.sums.statistics();
        let Some((gamma, beta)) = modulation.split_at_checked(self.len).filter(|(_, beta)| beta.len() == self.len)
        else {
            bail!("{} values of modulation for a map of {}", modulation.len(), self.len);
        };
        Ok(self.read(Reading::Modulated(Modulation { mean, scale, gamma, beta })))
    }

    /// What a gradient's way back through layer norm and modulation needs of this map.
    pub(super) fn normalized<'a>(&'a self, modulation: &'a [f32]) -> Normalized<'a> {
        let (mean, scale) = self.sums.statistics();
        Normalized { x: self.values(), mean, scale, gamma: &modulation[..self.len.min(modulation.len())] }
    }

    pub(super) fn read<'a>(&'a self, reading: Reading<'a>) -> Input<'a> {
        Input { values: self.values(), height: self.height, width: self.width, reading }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again_for_what_is_about_as_large() {
        let buffers = Buffers::default();
        let kept = |buffers: &Buffers| {
            let mut lens: Vec<_> =
                buffers.0.lock().unwrap_or_else(PoisonError::into_inner).iter().map(Vec::len).collect();
            lens.sort_unstable();
            lens
        };
        let large = buffers.take(100);
        drop(buffers.take(40));
        drop(large);
        assert_eq!(kept(&buffers), [40, 100]);
        let (large, small) = (buffers.take(80), buffers.take(30));
        assert_eq!((large.values.len(), small.values.len()), (100, 40));
        // Both are in use: a third one is made, and a part of a map never takes a whole one's place.
        drop(buffers.take(30));
        drop((large, small));
        drop(buffers.take(10));
        assert_eq!(kept(&buffers), [10, 30, 40, 100]);
        // What outgrows the others takes the place of the next shorter one.
        drop(buffers.take(60));
        assert_eq!(kept(&buffers), [10, 30, 40, 100], "100 is not twice as long");
        drop(buffers.take(300));
        assert_eq!(kept(&buffers), [10, 30, 40, 300]);
    }
}
