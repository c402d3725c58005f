//! LPIPS with VGG16, version 0.1 (Zhang et al., CVPR 2018, arXiv:1801.03924): how different two pictures look.
//!
//! The network file is the published one as safetensors: `features.N.weight`, `features.N.bias` of VGG16 and `linI.weight`, the
//! learned weights of its five stages. Widths come from the file.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;

use crate::error::{Error, Result, first_line};
use crate::kernels::conv::After;
use crate::layers::{Conv, Loader};

/// Indices of the convolutions of each stage in VGG16's `features`; a 2x2 max pooling stands between stages.
const STAGES: [&[usize]; 5] = [&[0, 2], &[5, 7], &[10, 12, 14], &[17, 19, 21], &[24, 26, 28]];
const SHIFT: [f32; 3] = [-0.030, -0.088, -0.188];
const SCALE: [f32; 3] = [0.458, 0.448, 0.450];
const NORM_EPSILON: f64 = 1e-10;
/// The last stage sees one pixel of this many.
const MIN_SIZE_PX: usize = 1 << (STAGES.len() - 1);

/// The LPIPS network on a device.
pub struct Lpips {
    stages: Vec<Vec<(Conv, Tensor)>>,
    /// (1, C, 1, 1) of each stage.
    heads: Vec<Tensor>,
    /// (1, 3, 1, 1).
    shift: Tensor,
    scale: Tensor,
    device: Device,
}

/// What the network sees in a picture: at the end of each stage, every position's channels as a vector of length 1.
pub struct Features(Vec<Tensor>);

impl Lpips {
    /// Reads the network file.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read, [`Error::Lpips`] when it is another file.
    pub fn load(path: &Path, device: &Device) -> Result<Self> {
        let bytes =
            std::fs::read(path).map_err(|source| Error::Io { action: "cannot read", path: path.to_owned(), source })?;
        let wrong = |err: candle_core::Error| Error::Lpips { path: path.to_owned(), reason: first_line(&err) };
        let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).map_err(wrong)?;
        Self::from_tensors(tensors, device).map_err(wrong)
    }

    fn from_tensors(tensors: HashMap<String, Tensor>, device: &Device) -> candle_core::Result<Self> {
        let mut channels = SHIFT.len();
        let mut shapes = Vec::new();
        for (index, stage) in STAGES.iter().enumerate() {
            for conv in *stage {
                let name = format!("features.{conv}.weight");
                let Some(weight) = tensors.get(&name) else { candle_core::bail!("it has no tensor `{name}`") };
                let width = weight.dims().first().copied().unwrap_or_default();
                shapes.push((index, *conv, channels, width));
                channels = width;
            }
        }
        let loader = Loader::new(VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu), device, DType::F32);
        let mut stages: Vec<Vec<(Conv, Tensor)>> = STAGES.iter().map(|_| Vec::new()).collect();
        let mut heads = Vec::new();
        for (index, stage) in stages.iter_mut().enumerate() {
            for (_, conv, channels_in, channels_out) in shapes.iter().filter(|(of, ..)| *of == index) {
                let at = loader.pp("features").pp(conv);
                let weight = at.get((*channels_out, *channels_in, 3, 3), "weight")?;
                let bias = at.keep(&at.get(*channels_out, "bias")?)?;
                stage.push((Conv::new(&at, &weight, 1, 1)?, bias));
                channels = *channels_out;
            }
            heads.push(loader.keep(&loader.get((1, channels, 1, 1), &format!("lin{index}.weight"))?)?);
        }
        let of_channels = |values: &[f32; 3]| Tensor::from_slice(values, (1, 3, 1, 1), device);
        Ok(Self { stages, heads, shift: of_channels(&SHIFT)?, scale: of_channels(&SCALE)?, device: device.clone() })
    }

    /// What the network sees in a picture (1, 3, H, W) in [-1, 1].
    ///
    /// # Errors
    /// When the picture is smaller than 16 pixels, or the device fails.
    pub fn features(&self, image: &Tensor) -> Result<Features> {
        let (_, _, height, width) = image.dims4()?;
        if height.min(width) < MIN_SIZE_PX {
            return Err(Error::argument(format!(
                "LPIPS takes pictures of at least {MIN_SIZE_PX} x {MIN_SIZE_PX} pixels, and this one is {width} x {height}"
            )));
        }
        let image = image.to_device(&self.device)?.to_dtype(DType::F32)?;
        let mut x = image.broadcast_sub(&self.shift)?.broadcast_div(&self.scale)?;
        let mut features = Vec::with_capacity(self.stages.len());
        for (index, stage) in self.stages.iter().enumerate() {
            if index > 0 {
                x = x.max_pool2d(2)?;
            }
            for (conv, bias) in stage {
                x = conv.forward(&x, After::Bias(bias))?.relu()?;
            }
            let norm = (x.sqr()?.sum_keepdim(1)? + NORM_EPSILON)?.sqrt()?;
            features.push(x.broadcast_div(&norm)?);
        }
        Ok(Features(features))
    }

    /// How far apart two pictures of one size look: 0 for equal ones.
    ///
    /// # Errors
    /// When the sizes differ or the device fails.
    pub fn distance(&self, a: &Features, b: &Features) -> Result<f64> {
        let mut distance = 0.0;
        for ((a, b), head) in a.0.iter().zip(&b.0).zip(&self.heads) {
            let weighted = (a - b)?.sqr()?.broadcast_mul(head)?.sum(1)?;
            distance += f64::from(weighted.mean_all()?.to_scalar::<f32>()?);
        }
        Ok(distance)
    }
}
