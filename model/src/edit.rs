//! What every edit means, as plain functions over stylemaps and style codes (network.md: Editing; paper, section 3.4). The engine
//! gets the same pictures from cached modulations; its tests hold it against these.

use candle_core::{DType, Device, Result, Tensor};

use crate::mask::{Mask, Pooling, shift_at_level};

/// Interpolates: (1 - t) a + t b, per element.
///
/// # Errors
/// When the shapes differ.
pub fn interpolate(a: &Tensor, b: &Tensor, t: f64) -> Result<Tensor> {
    (a * (1.0 - t))? + (b * t)?
}

/// Mixes stylemaps by weights that sum to one: sum of weight * stylemap, per element.
///
/// # Errors
/// When there are none, or the shapes differ.
pub fn mix<'a>(parts: impl IntoIterator<Item = (&'a Tensor, f64)>) -> Result<Tensor> {
    let mut weighted = parts.into_iter().map(|(stylemap, weight)| stylemap * weight);
    let Some(first) = weighted.next() else { candle_core::bail!("a mix of nothing") };
    weighted.try_fold(first?, |sum, part| sum + part?)
}

/// Truncates: mean + psi (w - mean), closer to the average face for psi < 1.
///
/// # Errors
/// When the shapes differ.
pub fn truncate(stylemaps: &Tensor, mean: &Tensor, psi: f64) -> Result<Tensor> {
    (stylemaps.broadcast_sub(mean)? * psi)?.broadcast_add(mean)
}

/// Moves a stylemap along a direction: w + amount * direction, the direction optionally only inside `mask` (brought to the stylemap's grid).
///
/// # Errors
/// When the shapes differ.
pub fn step(stylemap: &Tensor, direction: &Tensor, amount: f64, mask: Option<&Mask>) -> Result<Tensor> {
    let direction = match mask {
        Some(mask) => {
            let mask = mask.at_level(stylemap.dim(3)?, Pooling::Soft);
            direction.broadcast_mul(&weights_tensor(&mask, stylemap.device(), stylemap.dtype())?)?
        }
        None => direction.clone(),
    };
    stylemap.broadcast_add(&(direction * amount)?)
}

/// A reference in a local edit: its style codes, and where they are taken.
pub struct Reference<'a> {
    /// The reference's own chain of style codes.
    pub codes: &'a [Tensor],
    /// Where they are taken, in the reference's own frame.
    pub mask: &'a Mask,
    /// How the mask reaches each level.
    pub pooling: Pooling,
    /// The move of mask and reference (x, y) in pixels of the mask: unaligned transplantation.
    pub offset_px: (i32, i32),
    /// How much of the reference is taken where the mask is 1.
    pub strength: f32,
}

/// Local editing in W+: at every style code, each reference in turn is mixed over the result so far,
/// code = m * reference + (1 - m) * code.
///
/// # Errors
/// When the shapes differ.
pub fn mix_codes(source: &[Tensor], references: &[Reference<'_>]) -> Result<Vec<Tensor>> {
    let mix = |(index, source): (usize, &Tensor)| -> Result<Tensor> {
        let mut code = source.clone();
        for reference in references {
            let Some(reference_code) = reference.codes.get(index) else {
                candle_core::bail!("a reference has no style code {index}");
            };
            let level = code.dim(3)?;
            let [dx, dy] = [reference.offset_px.0, reference.offset_px.1]
                .map(|offset_px| shift_at_level(offset_px, level, reference.mask.size_px()));
            let weights = reference.mask.at_level(level, reference.pooling).shifted(dx, dy);
            let weights = (weights_tensor(&weights, code.device(), code.dtype())? * f64::from(reference.strength))?;
            let kept = weights.affine(-1.0, 1.0)?;
            code = (shift(reference_code, dx, dy)?.broadcast_mul(&weights)? + code.broadcast_mul(&kept)?)?;
        }
        Ok(code)
    };
    source.iter().enumerate().map(mix).collect()
}

/// Local editing in W: only the stylemap is mixed.
///
/// # Errors
/// When the shapes differ.
pub fn mix_stylemaps(source: &Tensor, reference: &Tensor, mask: &Mask, pooling: Pooling) -> Result<Tensor> {
    let weights = weights_tensor(&mask.at_level(source.dim(3)?, pooling), source.device(), source.dtype())?;
    let kept = weights.affine(-1.0, 1.0)?;
    reference.broadcast_mul(&weights)? + source.broadcast_mul(&kept)?
}

/// How many style codes a level has.
pub const CODES_PER_LEVEL: usize = 2;
/// How many levels are coarse in style mixing unless somebody chooses: the stylemap's own resolution.
pub const COARSE_LEVELS: usize = 1;

/// Style mixing: the style codes (or modulations) of the coarsest levels of one face, the rest of another. With no coarse level it is
/// the other face, with all of them the one.
pub fn style_mix(coarse: &[Tensor], fine: &[Tensor], coarse_levels: usize) -> Vec<Tensor> {
    let coarse_codes = coarse_levels.saturating_mul(CODES_PER_LEVEL);
    coarse.iter().take(coarse_codes).chain(fine.iter().skip(coarse_codes)).cloned().collect()
}

/// Moves a feature map (N, C, H, W) by whole cells; what leaves is dropped, what enters is zero.
///
/// # Errors
/// When the device fails.
pub fn shift(x: &Tensor, dx: i64, dy: i64) -> Result<Tensor> {
    shift_axis(&shift_axis(x, 2, dy)?, 3, dx)
}

fn shift_axis(x: &Tensor, axis: usize, by: i64) -> Result<Tensor> {
    let len = x.dim(axis)?;
    let moved = usize::try_from(by.unsigned_abs()).unwrap_or(len).min(len);
    match by {
        0 => Ok(x.clone()),
        _ if moved == len => x.zeros_like(),
        _ if by > 0 => x.narrow(axis, 0, len - moved)?.pad_with_zeros(axis, moved, 0),
        _ => x.narrow(axis, moved, len - moved)?.pad_with_zeros(axis, 0, moved),
    }
}

/// A mask as a tensor (1, 1, r, r).
///
/// # Errors
/// When the device has no room.
pub fn weights_tensor(mask: &Mask, device: &Device, dtype: DType) -> Result<Tensor> {
    let size = mask.size_px();
    Tensor::from_slice(mask.weights(), (1, 1, size, size), device)?.to_dtype(dtype)
}
