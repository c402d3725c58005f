//! The widths of the networks. Published models follow a table; ours choose every level, so nothing here is assumed: widths
//! come from the checkpoint's own metadata or from the shapes of its tensors.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The largest picture that a configuration may ask for: a damaged file must not make us allocate terabytes.
pub(crate) const MAX_SIZE: usize = 2048;
const MAX_WIDTH: usize = 4096;
const MAX_PASSES: usize = 8;

/// How many style codes have residuals: two at each of the finest two levels.
pub const FINE_CODES: usize = 4;

/// Widths of encoder, mapping network and decoder; maps go from a level's resolution to its channels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Width and height of pictures, in pixels.
    pub size: usize,
    /// Channels of the stylemap.
    pub style_dim: usize,
    /// Width and height of the stylemap.
    pub base: usize,
    /// Channels of the main path, C.
    pub channels: BTreeMap<usize, usize>,
    /// Channels of the style codes, K.
    pub codes: BTreeMap<usize, usize>,
    /// Channels of the encoder, E.
    pub encoder_channels: BTreeMap<usize, usize>,
    /// Linear layers of the mapping network.
    #[serde(default = "default_mapping_layers")]
    pub mapping_layers: usize,
    /// The mapping network's learning-rate multiplier, part of its arithmetic.
    #[serde(default = "default_lr_mul")]
    pub lr_mul: f64,
    /// The normalisation of the main path; only `LayerNorm` exists in published models.
    #[serde(default = "default_norm")]
    pub norm: String,
    /// The fine encoder; published models have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fine_encoder: Option<FineEncoderConfig>,
}

/// Widths of the fine encoder, which finds what the encoder leaves out of a photo's finest style codes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FineEncoderConfig {
    /// Channels at the picture's own size.
    pub top_width: usize,
    /// Channels at half and at a quarter of it.
    pub mid_width: usize,
    /// How often it is applied to a photo, each time to what the time before left over.
    pub passes: usize,
}

fn default_mapping_layers() -> usize {
    8
}

fn default_lr_mul() -> f64 {
    0.01
}

fn default_norm() -> String {
    "LayerNorm".to_owned()
}

impl Config {
    /// Reads the JSON of the metadata key `stylemap.config`.
    ///
    /// # Errors
    /// When it is not such JSON or [`Config::validate`] refuses it.
    pub fn from_json(json: &str) -> Result<Self> {
        let config: Self = serde_json::from_str(json)
            .map_err(|err| Error::ModelShape(format!("its metadata `stylemap.config` cannot be read ({err})")))?;
        config.validate()?;
        Ok(config)
    }

    /// Takes the widths from the shapes of a published checkpoint's tensors (keys with `g_ema.` and `e_ema.` in front).
    ///
    /// # Errors
    /// When a tensor that every such checkpoint has is missing or has an impossible shape.
    pub fn from_shapes(shapes: &BTreeMap<String, Vec<usize>>, lr_mul: f64, norm: &str) -> Result<Self> {
        let shape = |key: &str| {
            shapes.get(key).map(Vec::as_slice).ok_or_else(|| Error::ModelShape(format!("it has no tensor `{key}`")))
        };
        let dim = |key: &str, axis: usize| {
            shape(key)?.get(axis).copied().ok_or_else(|| Error::ModelShape(format!("`{key}` has too few axes")))
        };
        let base = dim("g_ema.decoder.input.input", 2)?;
        let style_dim = dim("g_ema.decoder.convs_latent.0.0.weight", 1)?;
        let level_count = (0..).take_while(|i| shapes.contains_key(&block_key(*i))).count();
        let mapping_layers = (1..).take_while(|i| shapes.contains_key(&format!("g_ema.mapping_z.{i}.weight"))).count();
        if level_count > 8 || base > MAX_SIZE {
            return Err(Error::ModelShape(format!(
                "a {base} x {base} stylemap with {level_count} levels is too large"
            )));
        }
        let mut channels = BTreeMap::from([(base, dim("g_ema.decoder.input.input", 1)?)]);
        let mut codes = BTreeMap::from([(base, dim("g_ema.decoder.convs_latent.0.0.weight", 0)?)]);
        let mut encoder_channels = BTreeMap::from([(base, dim("e_ema.final_conv.0.weight", 1)?)]);
        for i in 0..level_count {
            let level = base << (i + 1);
            channels.insert(level, dim(&block_key(i), 1)?);
            codes.insert(level, dim(&format!("g_ema.decoder.convs_latent.{}.0.weight", 2 * i + 2), 0)?);
            // The encoder's blocks go down from the picture: block j ends at size / 2^(j + 1).
            let block = level_count - 1 - i;
            encoder_channels.insert(level, dim(&format!("e_ema.convs.{block}.conv1.0.weight"), 0)?);
        }
        let config = Self {
            size: base << level_count,
            style_dim,
            base,
            channels,
            codes,
            encoder_channels,
            mapping_layers,
            lr_mul,
            norm: norm.to_owned(),
            fine_encoder: None,
        };
        config.validate()?;
        Ok(config)
    }

    /// The published widths (paper's table): 512 up to 32 px, then halved per level from 256 m; `small` is the
    /// `small_generator` of the 1024 px model.
    pub fn published(size: usize, channel_multiplier: usize, small: bool) -> Self {
        let base = if size >= 1024 { 16 } else { 8 };
        let width = |level: usize| if level <= 32 { 512 } else { 256 * channel_multiplier * 64 / level };
        let table = |f: &dyn Fn(usize) -> usize| {
            std::iter::successors(Some(base), |r| Some(r * 2)).take_while(|r| *r <= size).map(|r| (r, f(r))).collect()
        };
        Self {
            size,
            style_dim: 64,
            base,
            channels: table(&width),
            codes: table(&|r| if small { 64 } else { width(r) }),
            encoder_channels: table(&width),
            mapping_layers: 8,
            lr_mul: 0.01,
            norm: default_norm(),
            fine_encoder: None,
        }
    }

    /// Checks that the widths describe a network.
    ///
    /// # Errors
    /// [`Error::ModelShape`], naming what is impossible.
    pub fn validate(&self) -> Result<()> {
        let bad = |reason: String| Err(Error::ModelShape(reason));
        if !self.base.is_power_of_two() || !self.size.is_power_of_two() || self.size <= self.base {
            return bad(format!("a {} px picture from a {} cell stylemap is impossible", self.size, self.base));
        }
        if self.size > MAX_SIZE {
            return bad(format!("{} px pictures are larger than the {MAX_SIZE} px that are supported", self.size));
        }
        if !(1..=MAX_WIDTH).contains(&self.style_dim) || !(1..=64).contains(&self.mapping_layers) {
            return bad(format!(
                "style_dim {} or mapping_layers {} is impossible",
                self.style_dim, self.mapping_layers
            ));
        }
        if !self.lr_mul.is_finite() {
            return bad("lr_mul is not a number".to_owned());
        }
        if self.norm != "LayerNorm" {
            return bad(format!("its normalisation is `{}`, and only `LayerNorm` is supported", self.norm));
        }
        if let Some(FineEncoderConfig { top_width, mid_width, passes }) = &self.fine_encoder
            && !([top_width, mid_width].iter().all(|width| (1..=MAX_WIDTH).contains(*width))
                && (1..=MAX_PASSES).contains(passes))
        {
            return bad(format!(
                "a fine encoder of widths {top_width} and {mid_width} in {passes} passes is impossible"
            ));
        }
        for (name, widths) in
            [("channels", &self.channels), ("codes", &self.codes), ("encoder_channels", &self.encoder_channels)]
        {
            for level in self.all_levels() {
                if !widths.get(&level).is_some_and(|width| (1..=MAX_WIDTH).contains(width)) {
                    return bad(format!("`{name}` gives no possible width for the level of {level} px"));
                }
            }
        }
        Ok(())
    }

    /// The levels above the stylemap's: 2 base, 4 base … size.
    pub fn levels(&self) -> impl DoubleEndedIterator<Item = usize> + Clone + use<> {
        let base = self.base;
        (1..=(self.size / base).ilog2()).map(move |i| base << i)
    }

    /// The stylemap's level, then those above it.
    pub fn all_levels(&self) -> impl Iterator<Item = usize> + Clone + use<> {
        std::iter::once(self.base).chain(self.levels())
    }

    /// How many style codes (and modulated convolutions) the decoder has: two per level.
    pub fn code_count(&self) -> usize {
        2 + 2 * self.levels().count()
    }

    /// The resolution of style code `index`.
    pub fn code_level(&self, index: usize) -> usize {
        self.base << (index / 2)
    }

    /// The style codes that residuals are added to: those of the finest two levels.
    pub fn fine_codes(&self) -> std::ops::Range<usize> {
        self.code_count() - FINE_CODES..self.code_count()
    }

    /// Channels of the main path at a level, C.
    ///
    /// # Errors
    /// When the level is none of this network's.
    pub fn main_width(&self, level: usize) -> Result<usize> {
        width(&self.channels, level)
    }

    /// Channels of the style codes at a level, K.
    ///
    /// # Errors
    /// When the level is none of this network's.
    pub fn code_width(&self, level: usize) -> Result<usize> {
        width(&self.codes, level)
    }

    /// Channels of the encoder at a level, E.
    ///
    /// # Errors
    /// When the level is none of this network's.
    pub fn encoder_width(&self, level: usize) -> Result<usize> {
        width(&self.encoder_channels, level)
    }

    /// The number of values of a stylemap.
    pub fn stylemap_len(&self) -> usize {
        self.style_dim * self.base * self.base
    }
}

fn width(widths: &BTreeMap<usize, usize>, level: usize) -> Result<usize> {
    widths.get(&level).copied().ok_or_else(|| Error::ModelShape(format!("there is no level of {level} px")))
}

fn block_key(block: usize) -> String {
    format!("g_ema.decoder.convs.{block}.conv1.conv.weight")
}
