//! A network of random weights, for benchmarks and tests. It names every tensor that the networks load, in an order of its own: the
//! weights of a seed must stay what they are.

use std::collections::HashMap;

use candle_core::{Device, Tensor};

use super::{Checkpoint, fnv1a};
use crate::config::Config;
use crate::error::Result;
use crate::fine_encoder;
use crate::random::Random;

impl Checkpoint {
    /// A network of these widths with random weights, for benchmarks and tests: normal weights and biases that are not
    /// trivial, gamma around one.
    ///
    /// # Errors
    /// When the configuration is impossible.
    pub fn random(config: Config, seed: u64) -> Result<Self> {
        config.validate()?;
        let mut random = Random::new(seed);
        let mut tensors = HashMap::new();
        let mut add = |key: String, shape: &[usize], deviation: f64, mean: f64| -> Result<()> {
            let values: Vec<f32> =
                (0..shape.iter().product()).map(|_| (mean + deviation * random.normal()) as f32).collect();
            tensors.insert(key, Tensor::from_vec(values, shape, &Device::Cpu)?);
            Ok(())
        };
        for layer in 1..=config.mapping_layers {
            let out = if layer == config.mapping_layers { config.stylemap_len() } else { config.style_dim };
            add(format!("g_ema.mapping_z.{layer}.weight"), &[out, config.style_dim], 1.0 / config.lr_mul, 0.0)?;
            add(format!("g_ema.mapping_z.{layer}.bias"), &[out], 0.1 / config.lr_mul, 0.0)?;
        }
        let base = config.base;
        let (code_base, main_base) = (config.code_width(base)?, config.main_width(base)?);
        let mut modulated = |key: String, out: usize, channels: usize, code: usize, kernel: usize| -> Result<()> {
            add(format!("{key}.conv.weight"), &[1, out, channels, kernel, kernel], 1.0, 0.0)?;
            add(format!("{key}.activate.bias"), &[out], 0.1, 0.0)?;
            for (part, mean) in [("gamma", 1.0), ("beta", 0.0)] {
                add(format!("{key}.conv.{part}.weight"), &[channels, code, 3, 3], 0.5, 0.0)?;
                add(format!("{key}.conv.{part}.bias"), &[channels], 0.1, mean)?;
            }
            Ok(())
        };
        modulated("g_ema.decoder.conv1".to_owned(), main_base, main_base, code_base, 3)?;
        for (i, level) in config.levels().enumerate() {
            let (main_in, main_out) = (config.main_width(level / 2)?, config.main_width(level)?);
            let block = format!("g_ema.decoder.convs.{i}");
            modulated(format!("{block}.conv1"), main_out, main_in, config.code_width(level / 2)?, 3)?;
            modulated(format!("{block}.conv2"), main_out, main_out, config.code_width(level)?, 3)?;
        }
        let (main_last, code_last) = (config.main_width(config.size)?, config.code_width(config.size)?);
        modulated("g_ema.decoder.to_rgb".to_owned(), 3, main_last, code_last, 1)?;
        add("g_ema.decoder.input.input".to_owned(), &[1, main_base, base, base], 1.0, 0.0)?;
        let mut conv = |key: String, index: usize, shape: &[usize], bias: Option<usize>| -> Result<()> {
            add(format!("{key}.{index}.weight"), shape, 1.0, 0.0)?;
            bias.map_or(Ok(()), |bias| add(format!("{key}.{bias}.bias"), &shape[..1], 0.1, 0.0))
        };
        let latent = |i: usize| format!("g_ema.decoder.convs_latent.{i}");
        conv(latent(0), 0, &[code_base, config.style_dim, 3, 3], Some(1))?;
        conv(latent(1), 0, &[code_base, code_base, 3, 3], Some(1))?;
        for (i, level) in config.levels().enumerate() {
            let (code_in, code_out) = (config.code_width(level / 2)?, config.code_width(level)?);
            let (main_in, main_out) = (config.main_width(level / 2)?, config.main_width(level)?);
            conv(latent(2 * i + 2), 0, &[code_out, code_in, 3, 3], Some(2))?;
            conv(latent(2 * i + 3), 0, &[code_out, code_out, 3, 3], Some(1))?;
            conv(format!("g_ema.decoder.convs.{i}.skip"), 0, &[main_out, main_in, 1, 1], None)?;
        }
        let encoder = |level| config.encoder_width(level);
        conv("e_ema.from_rgb".to_owned(), 0, &[encoder(config.size)?, 3, 1, 1], Some(1))?;
        for (i, level) in config.levels().rev().enumerate() {
            let (wide, narrow) = (encoder(level)?, encoder(level / 2)?);
            let block = format!("e_ema.convs.{i}");
            conv(format!("{block}.conv1"), 0, &[wide, wide, 3, 3], Some(1))?;
            conv(format!("{block}.conv2"), 1, &[narrow, wide, 3, 3], Some(2))?;
            conv(format!("{block}.skip"), 1, &[narrow, wide, 1, 1], None)?;
        }
        conv("e_ema.final_conv".to_owned(), 0, &[config.style_dim, encoder(base)?, 3, 3], Some(1))?;
        if config.fine_encoder.is_some() {
            for (key, [channels_out, channels_in]) in fine_encoder::shapes(&config)? {
                // Small enough that two passes do not run away.
                let deviation = 0.5 / ((9 * channels_in) as f64).sqrt();
                add(format!("{key}.weight"), &[channels_out, channels_in, 3, 3], deviation, 0.0)?;
                add(format!("{key}.bias"), &[channels_out], 0.05, 0.0)?;
            }
        }
        let metadata = [("format", "stylemap"), ("name", "random weights"), ("mapping", "trained")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        Ok(Self { config, tensors, metadata, directions: None, hash: fnv1a(&seed.to_le_bytes()) })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::FineEncoderConfig;
    use crate::model::{DeviceChoice, DtypeChoice, Model};

    #[test]
    fn the_networks_load_every_tensor() {
        let config = Config {
            size: 16,
            style_dim: 3,
            base: 4,
            channels: BTreeMap::from([(4, 6), (8, 5), (16, 4)]),
            codes: BTreeMap::from([(4, 4), (8, 3), (16, 2)]),
            encoder_channels: BTreeMap::from([(4, 5), (8, 4), (16, 3)]),
            mapping_layers: 2,
            lr_mul: 0.01,
            norm: "LayerNorm".to_owned(),
            fine_encoder: Some(FineEncoderConfig { top_width: 2, mid_width: 3, passes: 1 }),
        };
        let mut checkpoint = Checkpoint::random(config, 1).unwrap();
        let load = |checkpoint: &Checkpoint| Model::new(checkpoint, DeviceChoice::Cpu, DtypeChoice::F32);
        assert!(load(&checkpoint).is_ok());
        let keys: Vec<String> = checkpoint.tensors.keys().cloned().collect();
        for key in keys {
            let tensor = checkpoint.tensors.remove(&key).unwrap();
            assert!(load(&checkpoint).is_err(), "nothing loads `{key}`");
            checkpoint.tensors.insert(key, tensor);
        }
    }
}
