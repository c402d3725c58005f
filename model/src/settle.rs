//! Settling an edit: one more pass of the fine encoder, over a mix of faces.
//!
//! A mix of style codes shows each face a little changed, because layer norm and the coarse levels tie every place to all others. Where
//! one face alone is shown, the picture should be that face's own; along borders it stays what the generator made of both. So the
//! fine encoder gets the mix as the picture and, as the target, every face's own picture where that face is alone and the mix
//! elsewhere; what it finds is added where a face is alone.

use candle_core::{DType, Device, Result, Tensor};

use crate::edit::shift;
use crate::fine_encoder::FineEncoder;

/// From this weight on a face begins to count as alone.
const ALONE_FROM: f32 = 0.9;

/// A face that is part of a mix.
pub struct Shown<'a> {
    /// Drawn by itself: (1, 3, size, size).
    pub picture: &'a Tensor,
    /// What it weighs in each pixel: size x size.
    pub weights: &'a [f32],
    /// Its move in pixels (x, y).
    pub shift_px: (i64, i64),
    /// How much of its residuals it shows, in [0, 1]: a face that is shown as the encoder alone sees it stays so.
    pub likeness: f32,
}

/// What is to be added to the finest four style codes of a mix.
///
/// `codes`: those of the mix; `picture`: the mix as it is drawn, (1, 3, size, size).
///
/// # Errors
/// When the shapes do not fit or the device fails.
pub fn residuals(
    fine_encoder: &FineEncoder,
    codes: &[Tensor],
    picture: &Tensor,
    faces: &[Shown<'_>],
) -> Result<Vec<Tensor>> {
    let (_, _, size, _) = picture.dims4()?;
    let picture = picture.to_dtype(DType::F32)?;
    let mut target = picture.clone();
    let mut all_alone = vec![0f32; size * size];
    for face in faces {
        let alone: Vec<f32> = face.weights.iter().map(|weight| face.likeness * aloneness(*weight)).collect();
        if alone.len() != all_alone.len() {
            candle_core::bail!("{} weights for a picture of {size} x {size}", alone.len());
        }
        if alone.iter().all(|alone| *alone == 0.0) {
            continue;
        }
        all_alone.iter_mut().zip(&alone).for_each(|(all, alone)| *all += alone);
        let alone = on_picture(alone, size, picture.device())?;
        let own = shift(&face.picture.to_dtype(DType::F32)?, face.shift_px.0, face.shift_px.1)?;
        target = (target + (own - &picture)?.broadcast_mul(&alone)?)?;
    }
    let alone = on_picture(all_alone, size, picture.device())?;
    let found = fine_encoder.forward(&target, &picture, codes)?;
    let of_level = |residual: &Tensor| {
        let cell = size / residual.dim(3)?;
        let alone = if cell == 1 { alone.clone() } else { alone.avg_pool2d(cell)? };
        residual.broadcast_mul(&alone.to_dtype(residual.dtype())?)
    };
    found.iter().map(of_level).collect()
}

/// How far a face of this weight is alone, in [0, 1].
fn aloneness(weight: f32) -> f32 {
    let x = ((weight - ALONE_FROM) / (1.0 - ALONE_FROM)).clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

fn on_picture(values: Vec<f32>, size: usize, device: &Device) -> Result<Tensor> {
    Tensor::from_vec(values, (1, 1, size, size), device)
}
