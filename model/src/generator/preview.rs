//! A picture of which only a part is drawn anew: what a brush shows while the exact frame takes too long.
//!
//! The levels up to [`FINE_LEVEL`](super::FINE_LEVEL) are computed whole, since a cell there reaches over much of the picture and costs little. From
//! there on only the part is computed where the features at that level have moved by more than [`TOLERANCE`] from those that
//! the picture was made of, or where modulations changed; around it stands what was there. The layer norms of the fine levels
//! keep the statistics of the last exact frame. Deviations do not add up from preview to preview: what is compared with is
//! what each cell was last drawn from.

use std::ops::Range;

use candle_core::Tensor;
use rayon::prelude::*;

use crate::cancel::Cancel;
use crate::kernels::{Sums, vectorised};

use super::Generator;
use super::kept::Kept;
use super::maps::Map;
use super::on_cpu::{Run, incomplete, with_values};

/// How far a cell's features may move before it is drawn anew: root mean square over the channels, relative to that of the whole
/// map. At 0.015 a preview differs from the exact frame by some five steps of 255 at most (`docs/performance.md`); at 0.05 the
/// edge of the part begins to show.
const TOLERANCE: f32 = 0.015;
/// A larger part of the picture is not worth it.
const LARGEST_AREA: f32 = 0.6;
/// Cells beyond the part that its own depend on, in one block: an upsampling convolution with its blur and a convolution.
const HALO: usize = 2;

/// A rectangle of cells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// The columns, from the left.
    pub x: Range<usize>,
    /// The rows, from the top.
    pub y: Range<usize>,
}

impl Part {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.x.is_empty() || self.y.is_empty()
    }

    /// The smallest one with both in it.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        if self.is_empty() {
            return other.clone();
        }
        if other.is_empty() {
            return self.clone();
        }
        let of = |a: &Range<usize>, b: &Range<usize>| a.start.min(b.start)..a.end.max(b.end);
        Self { x: of(&self.x, &other.x), y: of(&self.y, &other.y) }
    }

    /// The smallest one with these cells (column, row) in it.
    pub fn around(cells: impl Iterator<Item = (usize, usize)>) -> Self {
        cells.fold(Self::default(), |part, (x, y)| part.union(&Self { x: x..x + 1, y: y..y + 1 }))
    }

    /// This part in the cells of a level that is `times` as fine.
    fn at_finer(&self, times: usize) -> Self {
        let of = |range: &Range<usize>| times * range.start..times * range.end;
        Self { x: of(&self.x), y: of(&self.y) }
    }

    fn grown(&self, by: usize, side: usize) -> Self {
        let of = |range: &Range<usize>| range.start.saturating_sub(by)..(range.end + by).min(side);
        Self { x: of(&self.x), y: of(&self.y) }
    }

    /// From even cells to even cells.
    fn even(&self, side: usize) -> Self {
        let of = |range: &Range<usize>| range.start / 2 * 2..range.end.next_multiple_of(2).min(side);
        Self { x: of(&self.x), y: of(&self.y) }
    }

    fn cells(&self) -> usize {
        self.x.len() * self.y.len()
    }

    fn size(&self) -> (usize, usize) {
        (self.y.len(), self.x.len())
    }

    /// Row by row, where the part lies in a map of this width and where in one that is the part alone.
    fn rows(&self, width: usize) -> impl Iterator<Item = (Range<usize>, Range<usize>)> + '_ {
        let len = self.x.len();
        self.y.clone().enumerate().map(move |(row, y)| {
            let start = y * width + self.x.start;
            (start..start + len, row * len..(row + 1) * len)
        })
    }
}

/// The part of a map of `side` x `side` cells.
fn cut(values: &[f32], side: usize, part: &Part, to: &mut [f32]) {
    to.par_chunks_mut(part.cells()).zip(values.par_chunks(side * side)).for_each(|(to, values)| {
        for (from, row) in part.rows(side) {
            to[row].copy_from_slice(&values[from]);
        }
    });
}

/// Puts `part` of `from`, which covers `covered`, to its place in `to`.
fn put_back(from: &Map, covered: &Part, to: &mut [f32], side: usize, part: &Part) {
    let within = |range: &Range<usize>, start: usize| range.start - start..range.end - start;
    let inside = Part { x: within(&part.x, covered.x.start), y: within(&part.y, covered.y.start) };
    to.par_chunks_mut(side * side).zip(from.values().par_chunks(covered.cells())).for_each(|(to, from)| {
        for ((place, _), (source, _)) in part.rows(side).zip(inside.rows(covered.x.len())) {
            to[place].copy_from_slice(&from[source]);
        }
    });
}

/// Where `now` is farther from `before` than [`TOLERANCE`] allows.
fn moved(before: &[f32], now: &[f32], side: usize) -> Part {
    let cells = side * side;
    let channels = (now.len() / cells.max(1)).max(1);
    // Bands of rows, each with all channels: sums stay in the cache.
    let rows_at_once = side.div_ceil(4 * rayon::current_num_threads()).max(1);
    let bands: Vec<(Vec<f32>, f64)> = (0..side.div_ceil(rows_at_once))
        .into_par_iter()
        .map(|band| {
            let band = band * rows_at_once * side..((band + 1) * rows_at_once).min(side) * side;
            let (mut moved, mut size) = (vec![0f32; band.len()], 0f64);
            vectorised(
                #[inline(always)]
                || {
                    for channel in 0..channels {
                        let of = |values| <[f32]>::get(values, channel * cells..).map(|plane| &plane[band.clone()]);
                        let (Some(before), Some(now)) = (of(before), of(now)) else { continue };
                        let mut squares = 0f32;
                        for ((moved, before), now) in moved.iter_mut().zip(before).zip(now) {
                            *moved += (now - before) * (now - before);
                            squares += before * before;
                        }
                        size += f64::from(squares);
                    }
                },
            );
            (moved, size)
        })
        .collect();
    let size: f64 = bands.iter().map(|(_, size)| size).sum();
    // Both sides times the channels, squared.
    let most = f64::from(TOLERANCE).powi(2) * size / cells.max(1) as f64;
    let moved = bands.iter().flat_map(|(moved, _)| moved).enumerate();
    Part::around(moved.filter(|(_, moved)| f64::from(**moved) > most).map(|(cell, _)| (cell % side, cell / side)))
}

impl Generator {
    /// Modulations of one sample to its image, as [`Self::main_path`], and what previews go on from.
    ///
    /// # Errors
    /// As [`Self::main_path`], and when our own kernels do not compute.
    pub fn main_path_kept(&self, modulations: &[Tensor], cancel: &Cancel) -> crate::Result<(Tensor, Kept)> {
        let mut kept = Kept::default();
        let run = Run::new(self, cancel);
        with_values(modulations, 0, |modulations| self.sample_on_cpu(&run, modulations, Some(&mut kept)))?;
        Ok((self.picture(&kept)?, kept))
    }

    /// The image of these modulations, of which only a part is computed. `changed`: where modulations of fine levels are others than
    /// those that `kept` was made with, in cells of its level. `None`, and `kept` as it was, when too much of the picture
    /// changes. After an error `kept` is half one picture, half another.
    ///
    /// # Errors
    /// As [`Self::main_path_kept`].
    pub fn preview(
        &self,
        modulations: &[Tensor],
        kept: &mut Kept,
        changed: &Part,
        cancel: &Cancel,
    ) -> crate::Result<Option<Tensor>> {
        let run = Run::new(self, cancel);
        let part = with_values(modulations, 0, |modulations| self.preview_values(&run, modulations, kept, changed))?;
        part.then(|| self.picture(kept)).transpose()
    }

    /// The image of modulations that differ from those that `kept` was made with at the finest two levels alone: what lies below is
    /// not computed again. `None` when `kept` does not reach down so far.
    ///
    /// # Errors
    /// As [`Self::main_path_kept`].
    pub fn main_path_resumed(
        &self,
        modulations: &[Tensor],
        kept: &Kept,
        cancel: &Cancel,
    ) -> crate::Result<Option<Tensor>> {
        // The inputs of the last two blocks, and that of to RGB.
        let [.., below, _, _] = kept.maps.as_slice() else { return Ok(None) };
        let run = Run::new(self, cancel);
        let side = self.side()?;
        with_values(modulations, 0, |modulations| {
            let [_, blocks @ .., last] = modulations else { return Err(incomplete()) };
            let finest = self.blocks.iter().zip(blocks.as_chunks::<2>().0).skip(self.blocks.len().saturating_sub(2));
            let mut x: Option<Map> = None;
            for (block, modulations) in finest {
                x = Some(run.block(block, x.as_ref().unwrap_or(below), *modulations, None)?.0);
            }
            let image = run.to_rgb(x.as_ref().unwrap_or(below), last)?;
            Ok(Some(Tensor::from_slice(image.values(), (1, 3, side, side), self.constant.device())?))
        })
    }

    fn picture(&self, kept: &Kept) -> crate::Result<Tensor> {
        let side = self.side()?;
        Ok(Tensor::from_slice(&kept.image, (1, 3, side, side), self.constant.device())?)
    }

    fn preview_values(
        &self,
        run: &Run<'_>,
        modulations: &[&[f32]],
        kept: &mut Kept,
        changed: &Part,
    ) -> crate::Result<bool> {
        let (coarse, done) = run.coarse(modulations)?;
        let level = coarse.width;
        let [_, blocks @ .., last] = modulations else { return Err(incomplete()) };
        let fine = self.blocks.iter().zip(blocks.as_chunks::<2>().0).skip(done);
        let Some(first) = kept.maps.first_mut().filter(|map| map.values().len() == coarse.values().len()) else {
            return Ok(false);
        };
        let part = moved(first.values(), coarse.values(), level).union(changed).even(level);
        if part.cells() as f32 > LARGEST_AREA * (level * level) as f32 {
            return Ok(false);
        }
        if part.is_empty() {
            return Ok(true);
        }
        put_back(&coarse, &Part { x: 0..level, y: 0..level }, first.values_mut(), level, &part);
        let part_of = |values: &[f32], side: usize, part: &Part| {
            let mut map = run.map(values.len() / (side * side) * part.cells(), part.size(), Sums::default());
            cut(values, side, part, map.values_mut());
            map
        };
        for (index, (block, modulations)) in fine.enumerate() {
            let (Some(below), Some(inner_sums)) = (kept.maps.get(index), kept.inner_sums.get(index)) else {
                return Err(incomplete());
            };
            let side = below.width;
            let part = part.at_finer(side / level);
            let around = part.grown(HALO, side);
            let mut x = part_of(below.values(), side, &around);
            x.sums = below.sums;
            let first = part_of(modulations[0], side, &around);
            let second = part_of(modulations[1], 2 * side, &around.at_finer(2));
            let (out, _) = run.block(block, &x, [first.values(), second.values()], Some(*inner_sums))?;
            if let Some(above) = kept.maps.get_mut(index + 1) {
                put_back(&out, &around.at_finer(2), above.values_mut(), 2 * side, &part.at_finer(2));
            }
        }
        if let Some(below) = kept.maps.last() {
            let side = below.width;
            let part = part.at_finer(side / level);
            let mut x = part_of(below.values(), side, &part);
            x.sums = below.sums;
            let modulation = part_of(last, side, &part);
            let image = run.to_rgb(&x, modulation.values())?;
            put_back(&image, &part, &mut kept.image, side, &part);
        }
        Ok(true)
    }
}
