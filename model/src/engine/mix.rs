//! Mixing cached modulations: in place and only where something changed on the CPU, with plain tensor operations elsewhere.

use candle_core::{CpuStorage, InplaceOp1, Layout, Result, Tensor, bail};
use rayon::prelude::*;

use crate::edit;
use crate::generator::Modulator;
use crate::kernels;

use super::weights::{LevelWeights, Work};

/// Columns of patches that are multiplied at once: bounds the memory of a large soft mask.
const PATCH_COLUMNS: usize = 8192;

/// One face's part in a level: its style code (1, K, r, r) and its modulation (1, 2 C, r, r).
pub(super) struct Part<'a> {
    pub(super) code: &'a Tensor,
    pub(super) modulation: &'a Tensor,
}

/// The modulation of a mix. `parts[0]` is the base; `mixed` is the result of an earlier call whose cells outside `work` are
/// still right, or `None`.
///
/// # Errors
/// When shapes do not fit or the device fails.
pub(super) fn modulation(
    modulator: &Modulator,
    parts: &[Part<'_>],
    weights: &LevelWeights,
    work: &Work,
    mixed: Option<Tensor>,
) -> Result<Tensor> {
    let Some(base) = parts.first() else { bail!("a mix of nothing") };
    if !kernels::are_used_on(base.modulation.device()) {
        return modulation_anywhere(modulator, parts, weights);
    }
    let mixed = match mixed {
        Some(mixed) => mixed,
        None => base.modulation.copy()?,
    };
    let guards: Vec<_> =
        parts.iter().map(|part| (kernels::cpu_values(part.code), kernels::cpu_values(part.modulation))).collect();
    let codes = guards.iter().map(|(code, _)| code.slice()).collect::<Result<Vec<_>>>()?;
    let modulations = guards.iter().map(|(_, modulation)| modulation.slice()).collect::<Result<Vec<_>>>()?;
    mixed.inplace_op1(&MixRuns { modulations: &modulations, weights, runs: &work.mixed_runs })?;
    let code_width = base.code.dim(1)?;
    for cells in work.recomputed.chunks(PATCH_COLUMNS) {
        let patches = patches(&codes, weights, cells, code_width);
        let columns = modulator.forward_cells(&patches, cells.len())?;
        mixed.inplace_op1(&Scatter { columns: &columns, cells })?;
    }
    Ok(mixed)
}

/// The modulation of a mix with operations that every device has: the mixed code, convolved whole.
fn modulation_anywhere(modulator: &Modulator, parts: &[Part<'_>], weights: &LevelWeights) -> Result<Tensor> {
    modulator.forward(&code(parts.iter().map(|part| part.code), weights)?)
}

/// The mixed style code of a level, with operations that every device has.
///
/// # Errors
/// When shapes do not fit or the device fails.
pub(super) fn code<'a>(codes: impl Iterator<Item = &'a Tensor>, weights: &LevelWeights) -> Result<Tensor> {
    let mut sum: Option<Tensor> = None;
    for ((code, weights_of_part), (dx, dy)) in codes.zip(&weights.weights).zip(&weights.shifts) {
        let level = weights.level;
        let cells = Tensor::from_slice(weights_of_part, (1, 1, level, level), code.device())?;
        let weighted = edit::shift(code, *dx, *dy)?.broadcast_mul(&cells.to_dtype(code.dtype())?)?;
        sum = Some(match sum {
            Some(sum) => (sum + weighted)?,
            None => weighted,
        });
    }
    match sum {
        Some(code) => Ok(code),
        None => bail!("a mix of nothing"),
    }
}

fn target<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<(&'a mut [f32], usize)> {
    let (_, _, height, width) = layout.shape().dims4()?;
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok((&mut values[start..end], height * width)),
        _ => bail!("the mixed modulation is not contiguous f32 on the CPU"),
    }
}

/// Where a cell of a moved layer comes from, or `None` beyond its edge.
fn source_cell(cell: usize, level: usize, (dx, dy): (i64, i64)) -> Option<usize> {
    let x = (cell % level) as i64 - dx;
    let y = (cell / level) as i64 - dy;
    let inside = 0..level as i64;
    (inside.contains(&x) && inside.contains(&y)).then_some((y * level as i64 + x) as usize)
}

/// Sum of weight * modulation over runs of cells.
struct MixRuns<'a> {
    modulations: &'a [&'a [f32]],
    weights: &'a LevelWeights,
    runs: &'a [(usize, usize)],
}

impl InplaceOp1 for MixRuns<'_> {
    fn name(&self) -> &'static str {
        "mix-runs"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let (mixed, cells) = target(storage, layout)?;
        // Most cells are of one face or between two: each is read only where it weighs something.
        let runs: Vec<_> = self.runs.iter().map(|run| (*run, self.parts_of(*run))).collect();
        mixed.par_chunks_mut(cells).enumerate().for_each(|(channel, plane)| {
            kernels::vectorised(
                #[inline(always)]
                || {
                    for ((first, len), parts) in &runs {
                        self.mix_run(channel * cells, *first, &mut plane[*first..first + len], parts);
                    }
                },
            );
        });
        Ok(())
    }
}

impl MixRuns<'_> {
    /// The parts that weigh anything in a run of cells.
    fn parts_of(&self, (first, len): (usize, usize)) -> Vec<usize> {
        let weighs = |part: &usize| self.weights.weights[*part][first..first + len].iter().any(|weight| *weight != 0.0);
        (0..self.modulations.len()).filter(weighs).collect()
    }

    /// One run of a channel that starts at `plane`.
    #[inline(always)]
    fn mix_run(&self, plane: usize, first: usize, out: &mut [f32], parts: &[usize]) {
        let len = out.len();
        let values = |part: usize| &self.modulations[part][plane + first..][..len];
        let weights = |part: usize| &self.weights.weights[part][first..][..len];
        match *parts {
            [part] if self.weights.shifts[part] == (0, 0) => {
                for ((out, value), weight) in out.iter_mut().zip(values(part)).zip(weights(part)) {
                    *out = value * weight;
                }
            }
            [a, b] if [a, b].iter().all(|part| self.weights.shifts[*part] == (0, 0)) => {
                let (from_a, from_b) = (values(a).iter().zip(weights(a)), values(b).iter().zip(weights(b)));
                for ((out, (a, weight_a)), (b, weight_b)) in out.iter_mut().zip(from_a).zip(from_b) {
                    *out = a * weight_a + b * weight_b;
                }
            }
            _ => {
                out.fill(0.0);
                for &part in parts {
                    let shift = self.weights.shifts[part];
                    if shift == (0, 0) {
                        for ((out, value), weight) in out.iter_mut().zip(values(part)).zip(weights(part)) {
                            *out += value * weight;
                        }
                        continue;
                    }
                    for ((out, cell), weight) in out.iter_mut().zip(first..).zip(weights(part)) {
                        // A weight beyond the moved layer's edge is zero.
                        if let Some(cell) = source_cell(cell, self.weights.level, shift) {
                            *out += self.modulations[part][plane + cell] * weight;
                        }
                    }
                }
            }
        }
    }
}

/// Columns (2 C, cells) into their cells.
struct Scatter<'a> {
    columns: &'a [f32],
    cells: &'a [usize],
}

impl InplaceOp1 for Scatter<'_> {
    fn name(&self) -> &'static str {
        "scatter-cells"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let (mixed, cells) = target(storage, layout)?;
        mixed.par_chunks_mut(cells).zip(self.columns.par_chunks(self.cells.len())).for_each(|(plane, values)| {
            for (cell, value) in self.cells.iter().zip(values) {
                plane[*cell] = *value;
            }
        });
        Ok(())
    }
}

/// The mixed code's 3x3 neighbourhoods of `cells`, as columns: (9 K, cells), zeros beyond the picture's border.
fn patches(codes: &[&[f32]], weights: &LevelWeights, cells: &[usize], code_width: usize) -> Vec<f32> {
    const UNKNOWN: u32 = u32::MAX;
    let level = weights.level;
    let plane = level * level;
    // The cells that patches look at, each once, and for each tap and cell its place among them. The first is the zero beyond
    // the border.
    let mut places = vec![UNKNOWN; plane];
    let mut looked_at: Vec<usize> = Vec::new();
    let mut neighbours: Vec<u32> = Vec::with_capacity(9 * cells.len());
    for tap in 0..9 {
        let (dy, dx) = (tap / 3, tap % 3);
        neighbours.extend(cells.iter().map(|cell| {
            let (y, x) = (cell / level + dy, cell % level + dx);
            if !(1..=level).contains(&y) || !(1..=level).contains(&x) {
                return 0;
            }
            let neighbour = (y - 1) * level + (x - 1);
            if places[neighbour] == UNKNOWN {
                looked_at.push(neighbour);
                // Levels are at most 2048 cells wide.
                places[neighbour] = looked_at.len() as u32;
            }
            places[neighbour]
        }));
    }
    let mut out = vec![0.0; 9 * code_width * cells.len()];
    out.par_chunks_mut(9 * cells.len()).enumerate().for_each(|(channel, rows)| {
        let mut mixed = vec![0.0; looked_at.len() + 1];
        for ((code, weights_of_part), shift) in codes.iter().zip(&weights.weights).zip(&weights.shifts) {
            let code = &code[channel * plane..][..plane];
            for (mixed, &neighbour) in mixed[1..].iter_mut().zip(&looked_at) {
                let weight = weights_of_part[neighbour];
                if weight == 0.0 {
                    continue;
                }
                if let Some(cell) = source_cell(neighbour, level, *shift) {
                    *mixed += weight * code[cell];
                }
            }
        }
        for (out, &neighbour) in rows.iter_mut().zip(&neighbours) {
            *out = mixed[neighbour as usize];
        }
    });
    out
}
