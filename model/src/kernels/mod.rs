//! The operations between convolutions, each as one pass over memory on the CPU and as plain candle operations elsewhere.
//!
//! [`reference`](mod@reference) holds the plain forms: what runs on other devices and dtypes, and what tests hold the CPU kernels against.

mod backward;
pub mod conv;
mod custom_ops;
mod fused;
mod matrix;
pub mod reference;
pub(crate) mod separable;
mod simd;
mod upsample;
mod winograd;

use std::ops::Deref;

use candle_core::{CpuStorage, DType, Device, Layout, Result, Storage, Tensor, bail};
use rayon::prelude::*;

pub(crate) use backward::{Normalized, skip_backward};
pub(crate) use conv::Fused;
pub(crate) use fused::{Finish, Input, Modulation, Reading, Sums};
pub(crate) use simd::vectorised;

/// The environment variable that chooses kernels, in words with commas between: `candle` takes plain candle operations
/// everywhere, as on a GPU; `direct` does without transforms; `scalar`, `avx2`, `avx512` and `neon` name the instructions of our
/// own loops (the matrix multiplications choose theirs themselves).
pub const KERNELS_VARIABLE: &str = "STYLEMAP_KERNELS";

/// Whether this machine has the kernels that [`KERNELS_VARIABLE`] asks for.
///
/// # Errors
/// When it has not.
pub fn check() -> crate::Result<()> {
    simd::check().map_err(crate::Error::argument)
}

/// Whether tensors on this device go through our own kernels.
pub fn are_used_on(device: &Device) -> bool {
    device.is_cpu() && !simd::choice().candle
}

/// Whether the CPU kernels take this tensor.
fn on_cpu_f32(x: &Tensor) -> bool {
    are_used_on(x.device()) && x.dtype() == DType::F32
}

/// Read access to a contiguous f32 tensor on the CPU.
pub(crate) struct CpuValues<'a, S> {
    storage: S,
    layout: &'a Layout,
}

/// Borrows a tensor's values; whether our kernels can read them shows in [`CpuValues::slice`].
pub(crate) fn cpu_values(tensor: &Tensor) -> CpuValues<'_, impl Deref<Target = Storage>> {
    let (storage, layout) = tensor.storage_and_layout();
    CpuValues { storage, layout }
}

impl<S: Deref<Target = Storage>> CpuValues<'_, S> {
    /// The values in their order.
    ///
    /// # Errors
    /// When the tensor is not contiguous f32 on the CPU.
    pub(crate) fn slice(&self) -> Result<&[f32]> {
        match (&*self.storage, self.layout.contiguous_offsets()) {
            (Storage::Cpu(CpuStorage::F32(values)), Some((start, end))) => Ok(&values[start..end]),
            _ => bail!("a tensor is not contiguous f32 on the CPU"),
        }
    }
}

/// What computes on this device, for `info`.
pub fn description(device: &Device) -> String {
    if !are_used_on(device) {
        return "candle".to_owned();
    }
    let form = if simd::choice().direct { "direct" } else { "Winograd and paired upsampling" };
    format!("{form} convolutions over gemm, fused with what lies between, in {}", simd::instructions())
}

/// lrelu(x) = leaky_relu(x, 0.2) * sqrt(2), after adding a bias per channel. Takes ownership of `x`: nobody else may hold its values.
///
/// `x`: (N, C, H, W); `bias`: (C).
///
/// # Errors
/// When the shapes do not fit.
pub fn bias_activation(x: Tensor, bias: &Tensor) -> Result<Tensor> {
    if on_cpu_f32(&x) && x.is_contiguous() {
        x.inplace_op2(bias, &custom_ops::BiasActivation)?;
        return Ok(x);
    }
    reference::bias_activation(&x, bias)
}

/// Layer norm over (C, H, W) of each sample (no affine, eps 1e-5, biased variance), then `* gamma + beta`.
///
/// `x`: (N, C, H, W); `modulation`: (N or 1, 2 C, H, W), gamma before beta.
///
/// # Errors
/// When the shapes do not fit.
pub fn normalize_modulate(x: &Tensor, modulation: &Tensor) -> Result<Tensor> {
    if on_cpu_f32(x) {
        return x.contiguous()?.apply_op2_no_bwd(&modulation.contiguous()?, &custom_ops::NormalizeModulate);
    }
    reference::normalize_modulate(x, modulation)
}

/// (x + upsample(skip)) / sqrt(2), where upsample is zero insertion and the `[1,3,3,1]` blur with gain 4 of the skip path
/// (network.md: conv layer, up, k = 1): between its zero-padded neighbours, every output is one of 3:1 mixtures per axis.
///
/// `x`: (N, C, 2 H, 2 W), of which it takes ownership; `skip`: (N, C, H, W).
///
/// # Errors
/// When the shapes do not fit.
pub fn add_upsampled(x: Tensor, skip: &Tensor) -> Result<Tensor> {
    if on_cpu_f32(&x) && x.is_contiguous() {
        x.inplace_op2(&skip.contiguous()?, &custom_ops::AddUpsampled)?;
        return Ok(x);
    }
    reference::add_upsampled(&x, skip)
}

/// The channels of several maps, one map after the other.
///
/// `parts`: each (N, C, H, W) with its own C. Gives (N, sum of C, H, W).
///
/// # Errors
/// When the shapes do not fit.
pub fn join(parts: &[&Tensor]) -> Result<Tensor> {
    let is_ours = |part: &&Tensor| on_cpu_f32(part) && part.is_contiguous() && part.dims().first() == Some(&1);
    if !parts.iter().all(is_ours) {
        return Tensor::cat(parts, 1);
    }
    let Some((_, _, height, width)) = parts.first().map(|part| part.dims4()).transpose()? else {
        bail!("there are no maps to join");
    };
    let values: Vec<_> = parts.iter().map(|part| cpu_values(part)).collect();
    let mut channels = 0;
    for part in parts {
        let (_, of_part, part_height, part_width) = part.dims4()?;
        if (part_height, part_width) != (height, width) {
            bail!("maps of {height} x {width} and {part_height} x {part_width} cannot be joined");
        }
        channels += of_part;
    }
    let plane = height * width;
    let mut out = vec![0.0; channels * plane];
    let mut rest = out.as_mut_slice();
    let mut copies = Vec::new();
    for values in &values {
        let from = values.slice()?;
        let (to, behind) = std::mem::take(&mut rest).split_at_mut(from.len());
        copies.push((to, from));
        rest = behind;
    }
    copies.into_par_iter().for_each(|(to, from)| {
        to.par_chunks_mut(plane.max(1))
            .zip(from.par_chunks(plane.max(1)))
            .for_each(|(to, from)| to.copy_from_slice(from));
    });
    Tensor::from_vec(out, (1, channels, height, width), &Device::Cpu)
}

/// The channels of `x`, then those of a map of half the size, every cell of which becomes two by two.
///
/// `x`: (N, C, 2 H, 2 W); `coarse`: (N, D, H, W). Gives (N, C + D, 2 H, 2 W).
///
/// # Errors
/// When the shapes do not fit.
pub fn join_doubled(x: &Tensor, coarse: &Tensor) -> Result<Tensor> {
    if on_cpu_f32(x) && on_cpu_f32(coarse) {
        return x.contiguous()?.apply_op2_no_bwd(&coarse.contiguous()?, &custom_ops::JoinDoubled);
    }
    reference::join_doubled(x, coarse)
}

/// The `[1,3,3,1]` blur with gain 1 and `padding` zeros on every side: (N, C, H, W) to (N, C, H + 2p - 3, W + 2p - 3); with
/// `stride` 2 only every second output, from the first, is kept.
///
/// # Errors
/// When the picture is smaller than the kernel.
pub fn blur(x: &Tensor, padding: usize, stride: usize) -> Result<Tensor> {
    if on_cpu_f32(x) {
        return x.contiguous()?.apply_op1_no_bwd(&custom_ops::Blur { padding, stride });
    }
    reference::blur(x, padding, stride)
}
