//! The operations of the parent module as candle's custom operations on the CPU (f32, contiguous): each reads its input once or
//! twice and writes its output once, channels side by side on the threads of rayon's pool. Plain loops over slices, which the
//! compiler vectorises.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, InplaceOp2, Layout, Result, Shape, bail};
use rayon::prelude::*;

use super::fused::{Sums, add_upsampled_row, lrelu};
use super::simd::{vectorised, with_scratch};

pub(super) fn f32_slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let CpuStorage::F32(values) = storage else { bail!("a CPU kernel got a tensor that is not f32") };
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&values[start..end]),
        None => bail!("a CPU kernel got a tensor that is not contiguous"),
    }
}

fn f32_slice_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    let CpuStorage::F32(values) = storage else { bail!("a CPU kernel got a tensor that is not f32") };
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&mut values[start..end]),
        None => bail!("a CPU kernel got a tensor that is not contiguous"),
    }
}

pub(super) struct BiasActivation;

impl InplaceOp2 for BiasActivation {
    fn name(&self) -> &'static str {
        "bias-activation"
    }

    fn cpu_fwd(&self, x: &mut CpuStorage, x_layout: &Layout, bias: &CpuStorage, bias_layout: &Layout) -> Result<()> {
        let (_, channels, height, width) = x_layout.shape().dims4()?;
        let (x, bias) = (f32_slice_mut(x, x_layout)?, f32_slice(bias, bias_layout)?);
        if bias.len() != channels {
            bail!("a bias of {} values for {channels} channels", bias.len());
        }
        x.par_chunks_mut(height * width).enumerate().for_each(|(plane, values)| {
            let bias = bias[plane % channels];
            vectorised(
                #[inline(always)]
                || values.iter_mut().for_each(|value| *value = lrelu(*value + bias)),
            );
        });
        Ok(())
    }
}

pub(super) struct NormalizeModulate;

impl CustomOp2 for NormalizeModulate {
    fn name(&self) -> &'static str {
        "normalize-modulate"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        m: &CpuStorage,
        m_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let shape = x_layout.shape();
        let (batch, channels, height, width) = shape.dims4()?;
        let (m_batch, m_channels, m_height, m_width) = m_layout.shape().dims4()?;
        if m_channels != 2 * channels || (m_height, m_width) != (height, width) || (m_batch != batch && m_batch != 1) {
            bail!("a modulation of shape {:?} for {shape:?}", m_layout.shape());
        }
        let (x, m) = (f32_slice(x, x_layout)?, f32_slice(m, m_layout)?);
        let plane = height * width;
        let mut out = vec![0.0; x.len()];
        for (sample, (x, out)) in
            x.chunks_exact(channels * plane).zip(out.chunks_exact_mut(channels * plane)).enumerate()
        {
            let (mean, scale) = statistics(x, plane);
            let m = &m[if m_batch == 1 { 0 } else { sample * 2 * channels * plane }..][..2 * channels * plane];
            let (gamma, beta) = m.split_at(channels * plane);
            out.par_chunks_mut(plane)
                .zip(x.par_chunks(plane))
                .zip(gamma.par_chunks(plane).zip(beta.par_chunks(plane)))
                .for_each(|((out, x), (gamma, beta))| {
                    vectorised(
                        #[inline(always)]
                        || {
                            for (((out, x), gamma), beta) in out.iter_mut().zip(x).zip(gamma).zip(beta) {
                                *out = (x - mean) * scale * gamma + beta;
                            }
                        },
                    );
                });
        }
        Ok((CpuStorage::F32(out), shape.clone()))
    }
}

/// Mean and 1 / sqrt(variance + eps).
fn statistics(x: &[f32], plane: usize) -> (f32, f32) {
    let parts = x.par_chunks(plane).map(|values| {
        vectorised(
            #[inline(always)]
            || Sums::of(values),
        )
    });
    Sums::total(parts.collect()).statistics()
}

pub(super) struct AddUpsampled;

impl InplaceOp2 for AddUpsampled {
    fn name(&self) -> &'static str {
        "add-upsampled"
    }

    fn cpu_fwd(&self, x: &mut CpuStorage, x_layout: &Layout, skip: &CpuStorage, skip_layout: &Layout) -> Result<()> {
        let (batch, channels, height, width) = skip_layout.shape().dims4()?;
        if x_layout.shape().dims() != [batch, channels, 2 * height, 2 * width] {
            bail!("a skip of shape {:?} for {:?}", skip_layout.shape(), x_layout.shape());
        }
        let (x, skip) = (f32_slice_mut(x, x_layout)?, f32_slice(skip, skip_layout)?);
        x.par_chunks_mut(4 * height * width).zip(skip.par_chunks(height * width)).for_each(|(x, skip)| {
            with_scratch(6 * width, |scratch| {
                vectorised(
                    #[inline(always)]
                    || {
                        for (y, row) in x.chunks_exact_mut(2 * width).enumerate() {
                            add_upsampled_row(row, skip, (height, width), y, scratch);
                        }
                    },
                );
            });
        });
        Ok(())
    }
}

pub(super) struct JoinDoubled;

impl CustomOp2 for JoinDoubled {
    fn name(&self) -> &'static str {
        "join-doubled"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        coarse: &CpuStorage,
        coarse_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (batch, channels, height, width) = x_layout.shape().dims4()?;
        let (coarse_batch, coarse_channels, coarse_height, coarse_width) = coarse_layout.shape().dims4()?;
        if (batch, height, width) != (coarse_batch, 2 * coarse_height, 2 * coarse_width) || height * width == 0 {
            bail!("maps of shapes {:?} and {:?} cannot be joined", x_layout.shape(), coarse_layout.shape());
        }
        let (x, coarse) = (f32_slice(x, x_layout)?, f32_slice(coarse, coarse_layout)?);
        let joined = channels + coarse_channels;
        let plane = height * width;
        let mut out = vec![0.0; batch * joined * plane];
        out.par_chunks_mut(plane).enumerate().for_each(|(index, out)| {
            let (sample, channel) = (index / joined, index % joined);
            if channel < channels {
                out.copy_from_slice(&x[(sample * channels + channel) * plane..][..plane]);
                return;
            }
            let from = &coarse[(sample * coarse_channels + channel - channels) * plane / 4..][..plane / 4];
            for (rows, from) in out.chunks_exact_mut(2 * width).zip(from.chunks_exact(coarse_width)) {
                let (above, below) = rows.split_at_mut(width);
                above.chunks_exact_mut(2).zip(from).for_each(|(pair, value)| pair.fill(*value));
                below.copy_from_slice(above);
            }
        });
        Ok((CpuStorage::F32(out), (batch, joined, height, width).into()))
    }
}

pub(super) struct Blur {
    pub(super) padding: usize,
    pub(super) stride: usize,
}

impl CustomOp1 for Blur {
    fn name(&self) -> &'static str {
        "blur"
    }

    fn cpu_fwd(&self, x: &CpuStorage, x_layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (batch, channels, height, width) = x_layout.shape().dims4()?;
        let out_len = |len: usize| (len + 2 * self.padding).saturating_sub(3).div_ceil(self.stride);
        let (out_height, out_width) = (out_len(height), out_len(width));
        let x = f32_slice(x, x_layout)?;
        let mut out = vec![0.0; batch * channels * out_height * out_width];
        if out.is_empty() || x.is_empty() {
            bail!("a blur of an empty picture");
        }
        out.par_chunks_mut(out_height * out_width).zip(x.par_chunks(height * width)).for_each(|(out, x)| {
            vectorised(
                #[inline(always)]
                || blur_plane(out, out_width, x, (height, width), (self.padding, self.stride)),
            );
        });
        Ok((CpuStorage::F32(out), (batch, channels, out_height, out_width).into()))
    }
}

/// One channel of [`Blur`].
#[inline(always)]
fn blur_plane(
    out: &mut [f32],
    out_width: usize,
    x: &[f32],
    (height, width): (usize, usize),
    (padding, stride): (usize, usize),
) {
    // A column's blur into a padded line, then the line's own.
    let mut line = vec![0.0; width + 2 * padding];
    for (y, out) in out.chunks_exact_mut(out_width).enumerate() {
        line.fill(0.0);
        let inside = &mut line[padding..][..width];
        for (tap, weight) in [0.125, 0.375, 0.375, 0.125].into_iter().enumerate() {
            let Some(row) = (y * stride + tap).checked_sub(padding).filter(|row| *row < height) else {
                continue;
            };
            for (sum, value) in inside.iter_mut().zip(&x[row * width..][..width]) {
                *sum += weight * value;
            }
        }
        for (i, out) in out.iter_mut().enumerate() {
            let taps = &line[i * stride..][..4];
            *out = 0.125 * (taps[0] + taps[3]) + 0.375 * (taps[1] + taps[2]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{self as kernels, reference};
    use candle_core::{Device, Tensor};

    fn random(shape: &[usize]) -> Tensor {
        // The same numbers in every run: a tolerance is not a matter of luck.
        let seed = shape.iter().fold(7, |seed, len| seed * 31 + *len as u64);
        let mut random = crate::random::Random::new(seed);
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| (0.2 + 1.5 * random.normal()) as f32).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    fn assert_close(a: &Tensor, b: &Tensor) {
        assert_eq!(a.shape(), b.shape());
        let difference = (a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(difference < 1e-5, "differs from the reference by {difference}");
    }

    /// Odd and tiny sizes, batches of one and of several.
    const SHAPES: [[usize; 4]; 4] = [[1, 3, 8, 8], [2, 5, 7, 9], [1, 1, 1, 1], [3, 2, 4, 33]];

    #[test]
    fn every_kernel_equals_its_reference() {
        for [n, c, h, w] in SHAPES {
            let (x, bias) = (random(&[n, c, h, w]), random(&[c]));
            assert_close(
                &kernels::bias_activation(x.copy().unwrap(), &bias).unwrap(),
                &reference::bias_activation(&x, &bias).unwrap(),
            );
            for modulation in [random(&[n, 2 * c, h, w]), random(&[1, 2 * c, h, w])] {
                assert_close(
                    &kernels::normalize_modulate(&x, &modulation).unwrap(),
                    &reference::normalize_modulate(&x, &modulation).unwrap(),
                );
            }
            let large = random(&[n, c, 2 * h, 2 * w]);
            assert_close(
                &kernels::add_upsampled(large.copy().unwrap(), &x).unwrap(),
                &reference::add_upsampled(&large, &x).unwrap(),
            );
            let (other, third) = (random(&[n, 2 * c, h, w]), random(&[n, 1, h, w]));
            assert_close(
                &kernels::join(&[&x, &other, &third]).unwrap(),
                &Tensor::cat(&[&x, &other, &third], 1).unwrap(),
            );
            assert_close(&kernels::join_doubled(&large, &x).unwrap(), &reference::join_doubled(&large, &x).unwrap());
            for (padding, stride) in [(2, 1), (1, 1), (1, 2), (2, 2)] {
                if h + 2 * padding > 3 && w + 2 * padding > 3 {
                    assert_close(
                        &kernels::blur(&x, padding, stride).unwrap(),
                        &reference::blur(&x, padding, stride).unwrap(),
                    );
                }
            }
        }
    }

    #[test]
    fn shapes_that_do_not_fit_are_errors() {
        assert!(kernels::bias_activation(random(&[1, 3, 4, 4]), &random(&[2])).is_err());
        assert!(kernels::normalize_modulate(&random(&[1, 3, 4, 4]), &random(&[1, 4, 4, 4])).is_err());
        assert!(kernels::add_upsampled(random(&[1, 3, 4, 4]), &random(&[1, 3, 4, 4])).is_err());
        assert!(kernels::join(&[&random(&[1, 3, 4, 4]), &random(&[1, 3, 4, 5])]).is_err());
        assert!(kernels::join_doubled(&random(&[1, 3, 4, 4]), &random(&[1, 3, 4, 4])).is_err());
    }
}
