//! Numbers of the PyTorch reference, recomputed and compared.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};

use crate::cancel::Cancel;
use crate::edit::{self, Reference};
use crate::error::{Error, Result};
use crate::mask::{Mask, Pooling};
use crate::model::{Model, difference};

/// Inputs (`in/NAME`) and expected outputs (`f32/NAME`) of the reference.
pub struct Fixture {
    tensors: HashMap<String, Tensor>,
}

/// One expected tensor against ours.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The name behind `f32/`.
    pub name: String,
    /// Greatest absolute difference.
    pub max_abs: f32,
    /// Root of the mean square of the difference.
    pub rms: f32,
    /// What `max_abs` may be.
    pub tolerance: f32,
}

impl Comparison {
    /// Whether the difference is within the tolerance (a NaN is not).
    pub fn passed(&self) -> bool {
        // A greatest value passes over NaNs; a mean does not.
        self.max_abs <= self.tolerance && self.rms.is_finite()
    }
}

/// The contract's tolerances: 1e-4 on stylemaps and 1e-3 on images in f32, 2e-2 in 16 bit.
fn default_tolerance(name: &str, dtype: DType) -> f32 {
    match dtype {
        DType::F32 if name.starts_with("image") => 1e-3,
        DType::F32 => 1e-4,
        _ => 2e-2,
    }
}

impl Fixture {
    /// Reads a fixture's safetensors.
    ///
    /// # Errors
    /// When it cannot be read or is not a safetensors file.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes =
            std::fs::read(path).map_err(|source| Error::Io { action: "cannot read", path: path.to_owned(), source })?;
        let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).map_err(|_| {
            Error::argument(format!("{} is not a fixture: it is not a readable safetensors file", path.display()))
        })?;
        Ok(Self { tensors })
    }

    /// The names of all expected outputs, sorted.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.tensors.keys().filter_map(|key| key.strip_prefix("f32/")).collect();
        names.sort_unstable();
        names
    }

    /// Recomputes output `name` and compares; `None` for a name that this program does not know.
    ///
    /// # Errors
    /// When an input is missing, the fixture is of another network, or the computation fails.
    pub fn compare(&self, model: &Model, name: &str, tolerance: Option<f32>) -> Result<Option<Comparison>> {
        let Some(ours) = self.recompute(model, name)? else { return Ok(None) };
        let expected = self.get(&format!("f32/{name}"))?;
        if ours.dims() != expected.dims() {
            return Err(Error::argument(format!(
                "`{name}` has the shape {:?} in the fixture and {:?} from this model: they are of different networks",
                expected.dims(),
                ours.dims()
            )));
        }
        let (rms, max_abs) = difference(&ours.to_device(&Device::Cpu)?, expected)?;
        let tolerance = tolerance.unwrap_or_else(|| default_tolerance(name, model.dtype()));
        Ok(Some(Comparison { name: name.to_owned(), max_abs, rms, tolerance }))
    }

    fn get(&self, key: &str) -> Result<&Tensor> {
        self.tensors.get(key).ok_or_else(|| Error::argument(format!("the fixture has no tensor `{key}`")))
    }

    /// See the README beside the published fixtures for what each name is computed from.
    fn recompute(&self, model: &Model, name: &str) -> Result<Option<Tensor>> {
        let input = |key: &str| model.place(self.get(key)?);
        let encoded = || Ok::<_, Error>(model.encoder.forward(&input("in/images")?)?);
        let encoded_one = |index: usize| Ok::<_, Error>(encoded()?.narrow(0, index, 1)?);
        let codes = |index: usize| Ok::<_, Error>(model.generator.style_codes(&encoded_one(index)?)?);
        let mapped = || Ok::<_, Error>(model.mapping.forward(&input("in/z")?)?);
        let mean = || Ok::<_, Error>(model.mapping.forward(&input("in/z_mean")?)?.mean_keepdim(0)?);
        let truncated = || Ok::<_, Error>(edit::truncate(&mapped()?, &mean()?, 0.7)?);
        let lerp = || Ok::<_, Error>(edit::interpolate(&encoded_one(0)?, &encoded_one(1)?, 0.3)?);
        let mask = |key: &str, index: usize| Mask::from_tensor(self.get(key)?, index);
        let hard_max = Pooling::HardMax { threshold: -1.0 };
        let mix_w = |key: &str| -> Result<Tensor> {
            let mixed = edit::mix_stylemaps(&encoded_one(0)?, &encoded_one(1)?, &mask(key, 0)?, hard_max)?;
            model.generator.decode(&mixed)
        };
        let mix_w_plus = |key: &str| -> Result<Tensor> {
            let (reference, mask) = (codes(1)?, mask(key, 0)?);
            let reference =
                Reference { codes: &reference, mask: &mask, pooling: hard_max, offset_px: (0, 0), strength: 1.0 };
            model.generator.decode_codes(&edit::mix_codes(&codes(0)?, &[reference])?)
        };
        // All style codes after so many passes of the fine encoder.
        let refined = |passes: usize| -> Result<Vec<Tensor>> {
            let fine_encoder = model.fine_encoder.as_ref();
            let fine_encoder = fine_encoder.ok_or_else(|| Error::argument("this model has no fine encoder"))?;
            let mut codes = model.generator.style_codes(&encoded()?)?;
            let residuals = model.residuals(fine_encoder, &input("in/images")?, &codes, passes, &Cancel::default())?;
            model.generator.add_residuals(&mut codes, &residuals)?;
            Ok(codes)
        };
        let refined_mix = || -> Result<Tensor> {
            let both = refined(2)?;
            let of = |index: usize| {
                both.iter().map(|codes| codes.narrow(0, index, 1)).collect::<candle_core::Result<Vec<_>>>()
            };
            let (reference, size) = (of(1)?, model.config.size);
            let right = (0..size * size).map(|i| f32::from(i % size >= size / 2)).collect();
            let mask = Mask::new(size, right)?;
            let reference =
                Reference { codes: &reference, mask: &mask, pooling: Pooling::Soft, offset_px: (0, 0), strength: 1.0 };
            model.generator.decode_codes(&edit::mix_codes(&of(0)?, &[reference])?)
        };
        let style_mix = |coarse: usize, fine: usize| -> Result<Tensor> {
            model.generator.decode_codes(&edit::style_mix(&codes(coarse)?, &codes(fine)?, edit::COARSE_LEVELS))
        };
        Ok(Some(match name {
            "stylemap_enc" => encoded()?,
            "image_recon" => model.generator.decode(&encoded()?)?,
            "stylemap_z" => mapped()?,
            "image_z" => model.generator.decode(&mapped()?)?,
            "mean_stylemap_flat" => mean()?.flatten_from(1)?,
            "stylemap_trunc07" => truncated()?,
            "image_trunc07" => model.generator.decode(&truncated()?)?,
            "stylemap_lerp03" => lerp()?,
            "image_lerp03" => model.generator.decode(&lerp()?)?,
            "image_stylemix_coarse" => style_mix(0, 1)?,
            "image_stylemix_fine" => style_mix(1, 0)?,
            "image_mix_w" => mix_w("in/mask_w")?,
            "image_mix_w_half" => mix_w("in/mask_w_half")?,
            "image_mix_w_plus" => mix_w_plus("in/mask_w_plus")?,
            "image_mix_w_plus_half" => mix_w_plus("in/mask_w_half")?,
            "image_fine_1" => model.generator.decode_codes(&refined(1)?)?,
            "image_fine_2" => model.generator.decode_codes(&refined(2)?)?,
            "image_fine_mix_half" => refined_mix()?,
            "image_demo_stripes_steps2" => {
                // Their moves are not among the inputs; these are the ones that give the reference's numbers on all three
                // published networks to 1e-5, and no others nearby do.
                let offsets = [(1, 2), (-3, -1)];
                self.demo(model, [codes(0)?, codes(1)?, codes(2)?], "in/demo_masks_stripes", offsets, 2)?
            }
            "image_demo_a_steps3" | "image_demo_far_steps3" | "image_demo_zero_steps3" => {
                let key =
                    name.trim_start_matches("image_").trim_end_matches("_steps3").replace("demo_", "in/demo_shift_");
                let [x, y] =
                    [self.get(&format!("{key}_x"))?, self.get(&format!("{key}_y"))?].map(Tensor::to_vec1::<i64>);
                let offsets = match (x?.as_slice(), y?.as_slice()) {
                    (&[x0, x1], &[y0, y1]) => [(x0 as i32, y0 as i32), (x1 as i32, y1 as i32)],
                    _ => return Err(Error::argument("the fixture's shifts are not two")),
                };
                self.demo(model, [codes(0)?, codes(1)?, codes(2)?], "in/demo_masks", offsets, 3)?
            }
            _ => return Ok(None),
        }))
    }

    /// The reference demo: two references over source 0, hard masks in their own frames, moved; frame k of `steps` mixes with
    /// the weight k / (steps - 1).
    fn demo(
        &self,
        model: &Model,
        codes: [Vec<Tensor>; 3],
        masks: &str,
        offsets: [(i32, i32); 2],
        steps: usize,
    ) -> Result<Tensor> {
        let [source, references @ ..] = &codes;
        let masks = [Mask::from_tensor(self.get(masks)?, 0)?, Mask::from_tensor(self.get(masks)?, 1)?];
        let mut frames = Vec::with_capacity(steps);
        for step in 0..steps {
            let strength = step as f32 / (steps - 1) as f32;
            let references: Vec<_> = references
                .iter()
                .zip(&masks)
                .zip(offsets)
                .map(|((codes, mask), offset_px)| Reference {
                    codes,
                    mask,
                    pooling: Pooling::HardAverage,
                    offset_px,
                    strength,
                })
                .collect();
            frames.push(model.generator.decode_codes(&edit::mix_codes(source, &references)?)?);
        }
        Ok(Tensor::cat(&frames, 0)?)
    }
}

impl Mask {
    /// Sample `index` of a tensor (N, H, W) or (N, 1, H, W).
    fn from_tensor(tensor: &Tensor, index: usize) -> Result<Self> {
        let mask = tensor.get(index)?.to_dtype(DType::F32)?;
        let size = mask.dim(candle_core::D::Minus1)?;
        Self::new(size, mask.flatten_all()?.to_vec1()?)
    }
}
