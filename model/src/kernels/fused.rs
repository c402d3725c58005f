//! What a convolution reads and writes beside its sums: the layer norm and modulation before it, and bias, activation, the
//! skip path and the next layer norm's statistics behind it, each in the pass over memory that is made anyway. On a gradient's way
//! back likewise: see [`Reading`] and [`Wanted`].

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::backward::Normalized;
use super::simd::{Shared, vectorised};

const SQRT_2: f32 = std::f32::consts::SQRT_2;
const SQRT_HALF: f32 = std::f32::consts::FRAC_1_SQRT_2;
/// What layer norm adds to the variance.
pub(super) const EPSILON: f64 = 1e-5;

/// lrelu(x) = leaky_relu(x, 0.2) * sqrt(2).
#[inline(always)]
pub(super) fn lrelu(x: f32) -> f32 {
    x * if x < 0.0 { 0.2 * SQRT_2 } else { SQRT_2 }
}

/// lrelu's derivative where it gave `activated`.
#[inline(always)]
pub(super) fn lrelu_slope(activated: f32) -> f32 {
    if activated < 0.0 { 0.2 * SQRT_2 } else { SQRT_2 }
}

/// What follows a convolution, in the same pass.
#[derive(Clone, Copy)]
pub enum After<'a> {
    /// Nothing more.
    Nothing,
    /// A bias per output channel.
    Bias(&'a Tensor),
    /// A bias per output channel, then lrelu.
    BiasActivation(&'a Tensor),
}

/// What follows a convolution, with the bias read.
#[derive(Clone, Copy, Default)]
pub(crate) enum Finish<'a> {
    /// Nothing more.
    #[default]
    Nothing,
    /// A bias per output channel.
    Bias(&'a [f32]),
    /// A bias per output channel, then lrelu.
    BiasActivation(&'a [f32]),
}

impl Finish<'_> {
    /// Whether there is a bias for each of so many channels, or none.
    pub(super) fn fits(&self, channels: usize) -> bool {
        match self {
            Self::Nothing => true,
            Self::Bias(bias) | Self::BiasActivation(bias) => bias.len() == channels,
        }
    }

    fn bias(&self, channel: usize) -> f32 {
        match self {
            Self::Nothing => 0.0,
            Self::Bias(bias) | Self::BiasActivation(bias) => bias[channel],
        }
    }

    /// Finishes one channel's values in place.
    #[inline(always)]
    pub(super) fn finish(&self, channel: usize, values: &mut [f32]) {
        let bias = self.bias(channel);
        match self {
            Self::Nothing => {}
            Self::Bias(_) => values.iter_mut().for_each(|value| *value += bias),
            Self::BiasActivation(_) => values.iter_mut().for_each(|value| *value = lrelu(*value + bias)),
        }
    }
}

/// A bias as [`Finish`] takes it.
pub(super) struct ReadBias {
    values: Option<(Vec<f32>, bool)>,
}

impl ReadBias {
    pub(super) fn new(after: After<'_>, channels: usize) -> Result<Self> {
        let (bias, activation) = match after {
            After::Nothing => return Ok(Self { values: None }),
            After::Bias(bias) => (bias, false),
            After::BiasActivation(bias) => (bias, true),
        };
        let bias: Vec<f32> = bias.flatten_all()?.to_dtype(candle_core::DType::F32)?.to_vec1()?;
        if bias.len() != channels {
            bail!("a bias of {} values for {channels} channels", bias.len());
        }
        Ok(Self { values: Some((bias, activation)) })
    }

    pub(super) fn finish(&self) -> Finish<'_> {
        match &self.values {
            None => Finish::Nothing,
            Some((bias, false)) => Finish::Bias(bias),
            Some((bias, true)) => Finish::BiasActivation(bias),
        }
    }
}

/// Sum and sum of squares of values, for layer norm; or of a gradient and of its products with what was normalised, for the way back.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sums {
    pub(super) sum: f64,
    pub(super) squares: f64,
    pub(super) count: usize,
}

impl Sums {
    /// Sums of values that are still in the cache: 16 lanes of f32 over at most 128 values each, then f64. Squares are taken about
    /// the values' own mean: `E[x^2] - E[x]^2` in f32 loses up to 4e-3.
    #[inline(always)]
    pub(crate) fn of(values: &[f32]) -> Self {
        let mut sums = Self::default();
        for chunk in values.chunks(2048) {
            let sum = lanes_sum(chunk, |value| value);
            let count = chunk.len() as f64;
            let centre = (sum / count) as f32;
            let about_centre = lanes_sum(chunk, |value| (value - centre) * (value - centre));
            let centre = f64::from(centre);
            sums.sum += sum;
            sums.squares += about_centre + 2.0 * centre * sum - count * centre * centre;
            sums.count += chunk.len();
        }
        sums
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self { sum: self.sum + other.sum, squares: self.squares + other.squares, count: self.count + other.count }
    }

    /// Collected before they are added, so that the order of the threads cannot change the result.
    pub(super) fn total(parts: Vec<Self>) -> Self {
        parts.into_iter().fold(Self::default(), Self::and)
    }

    /// Mean, and 1 / sqrt(variance + eps).
    pub(crate) fn statistics(&self) -> (f32, f32) {
        let count = self.count.max(1) as f64;
        let mean = self.sum / count;
        let variance = (self.squares / count - mean * mean).max(0.0);
        (mean as f32, (1.0 / (variance + EPSILON).sqrt()) as f32)
    }
}

#[inline(always)]
fn lanes_sum(values: &[f32], f: impl Fn(f32) -> f32) -> f64 {
    let mut lanes = [0f32; 16];
    let mut rows = values.chunks_exact(16);
    for row in &mut rows {
        for (lane, value) in lanes.iter_mut().zip(row) {
            *lane += f(*value);
        }
    }
    let rest: f32 = rows.remainder().iter().map(|value| f(*value)).sum();
    lanes.iter().map(|lane| f64::from(*lane)).sum::<f64>() + f64::from(rest)
}

/// Layer norm and modulation: (x - mean) * scale * gamma + beta, gamma and beta as large as x.
#[derive(Clone, Copy)]
pub(crate) struct Modulation<'a> {
    pub(crate) mean: f32,
    pub(crate) scale: f32,
    pub(crate) gamma: &'a [f32],
    pub(crate) beta: &'a [f32],
}

/// What becomes of a feature map's values while they are read.
#[derive(Clone, Copy)]
pub(crate) enum Reading<'a> {
    /// Nothing.
    Plain,
    /// They are normalised and modulated.
    Modulated(Modulation<'a>),
    /// A gradient with respect to what lrelu gave becomes that with respect to what it got, times a factor.
    BehindActivation { activated: &'a [f32], factor: f32 },
    /// A gradient with respect to a modulated map becomes that with respect to its modulation: twice the channels, gamma before beta.
    OfModulation { x: &'a [f32], mean: f32, scale: f32 },
}

/// A feature map (C, H, W) to be read.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) reading: Reading<'a>,
}

impl Input<'_> {
    /// How many values are read.
    pub(super) fn len(&self) -> usize {
        match self.reading {
            Reading::OfModulation { .. } => 2 * self.values.len(),
            _ => self.values.len(),
        }
    }

    /// Whether what is read is what lies there.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.reading, Reading::Plain)
    }

    /// Whether there is a partner for every value.
    pub(super) fn is_complete(&self) -> bool {
        let len = self.values.len();
        match &self.reading {
            Reading::Plain => true,
            Reading::Modulated(Modulation { gamma, beta, .. }) => gamma.len() == len && beta.len() == len,
            Reading::BehindActivation { activated, .. } => activated.len() == len,
            Reading::OfModulation { x, .. } => x.len() == len,
        }
    }

    /// A row of a channel, counted from `below` rows above the picture; zeros where there is none.
    #[inline(always)]
    pub(super) fn read_row(&self, channel: usize, row: usize, below: usize, to: &mut [f32]) {
        match row.checked_sub(below).filter(|row| *row < self.height) {
            Some(row) => self.read((channel * self.height + row) * self.width, to),
            None => to.fill(0.0),
        }
    }

    /// Values from `start` on.
    #[inline(always)]
    pub(super) fn read(&self, start: usize, to: &mut [f32]) {
        let len = to.len();
        match &self.reading {
            Reading::Plain => to.copy_from_slice(&self.values[start..][..len]),
            Reading::Modulated(Modulation { mean, scale, gamma, beta }) => {
                let (x, gamma, beta) = (&self.values[start..][..len], &gamma[start..][..len], &beta[start..][..len]);
                for (((to, x), gamma), beta) in to.iter_mut().zip(x).zip(gamma).zip(beta) {
                    *to = (x - mean) * scale * gamma + beta;
                }
            }
            Reading::BehindActivation { activated, factor } => {
                let (gradient, activated) = (&self.values[start..][..len], &activated[start..][..len]);
                for ((to, gradient), activated) in to.iter_mut().zip(gradient).zip(activated) {
                    *to = gradient * factor * lrelu_slope(*activated);
                }
            }
            Reading::OfModulation { x, mean, scale } => match start.checked_sub(self.values.len()) {
                Some(start) => to.copy_from_slice(&self.values[start..][..len]),
                None => {
                    let (gradient, x) = (&self.values[start..][..len], &x[start..][..len]);
                    for ((to, gradient), x) in to.iter_mut().zip(gradient).zip(x) {
                        *to = gradient * ((x - mean) * scale);
                    }
                }
            },
        }
    }

    /// The whole map.
    pub(super) fn read_all(&self, to: &mut [f32]) {
        let plane = self.height * self.width;
        to.par_chunks_mut(plane).enumerate().for_each(|(channel, to)| {
            vectorised(
                #[inline(always)]
                || self.read(channel * plane, to),
            );
        });
    }
}

/// Which sums of a convolution's output are wanted.
#[derive(Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// None.
    Nothing,
    /// Those that layer norm takes.
    OfValues,
    /// The output is a gradient with respect to this map, modulated: those that layer norm's way back takes.
    OfGradient(Normalized<'a>),
}

/// What is done to the rows that a convolution made, while they are in the cache.
#[derive(Clone, Copy)]
pub(super) struct Output<'a> {
    pub(super) finish: Finish<'a>,
    /// Where a copy goes before the skip path is added.
    pub(super) activated: Option<&'a Shared>,
    /// A map of half the size that is upsampled and added: (out + upsample(skip)) / sqrt(2), see `add_upsampled`.
    pub(super) skip: Option<&'a [f32]>,
    pub(super) sums: Wanted<'a>,
    pub(super) height: usize,
    pub(super) width: usize,
}

impl Output<'_> {
    /// Values of scratch that [`Self::finish_row`] takes.
    pub(super) fn scratch_len(&self) -> usize {
        3 * self.width
    }

    /// Finishes row `y` of a channel in place.
    #[inline(always)]
    pub(super) fn finish_row(&self, channel: usize, y: usize, row: &mut [f32], scratch: &mut [f32]) -> Sums {
        self.finish.finish(channel, row);
        let start = (channel * self.height + y) * self.width;
        if let Some(activated) = self.activated {
            // SAFETY: the copies of different rows lie apart, and whoever finishes this row is the only one.
            unsafe { activated.slice(start, self.width) }.copy_from_slice(row);
        }
        if let Some(skip) = self.skip {
            let (height, width) = (self.height / 2, self.width / 2);
            add_upsampled_row(row, &skip[channel * height * width..][..height * width], (height, width), y, scratch);
        }
        match &self.sums {
            Wanted::Nothing => Sums::default(),
            Wanted::OfValues => Sums::of(row),
            Wanted::OfGradient(normalized) => normalized.sums(start, row),
        }
    }

    /// Finishes a whole map in place.
    pub(super) fn finish_all(&self, out: &mut [f32]) -> Sums {
        let changes = !matches!(self.finish, Finish::Nothing) || self.skip.is_some() || self.activated.is_some();
        if !changes && matches!(self.sums, Wanted::Nothing) {
            return Sums::default();
        }
        let parts = out.par_chunks_mut(self.height * self.width).enumerate().map(|(channel, plane)| {
            super::simd::with_scratch(self.scratch_len(), |scratch| {
                vectorised(
                    #[inline(always)]
                    || {
                        let mut sums = Sums::default();
                        for (y, row) in plane.chunks_exact_mut(self.width).enumerate() {
                            sums = sums.and(self.finish_row(channel, y, row, scratch));
                        }
                        sums
                    },
                )
            })
        });
        Sums::total(parts.collect())
    }
}

/// One row of (x + upsample(skip)) / sqrt(2): between its zero-padded neighbours every output is one of 3:1 mixtures per axis.
/// `scratch`: three times as long as the row is wide.
#[inline(always)]
pub(super) fn add_upsampled_row(
    row: &mut [f32],
    skip: &[f32],
    (height, width): (usize, usize),
    y: usize,
    scratch: &mut [f32],
) {
    let near = &skip[y / 2 * width..][..width];
    let far = if y.is_multiple_of(2) { (y / 2).checked_sub(1) } else { Some(y / 2 + 1).filter(|row| *row < height) };
    // Between a zero before and one behind.
    let (mixed, rest) = scratch.split_at_mut(width + 2);
    (mixed[0], mixed[width + 1]) = (0.0, 0.0);
    let inside = &mut mixed[1..width + 1];
    match far {
        Some(far) => {
            for ((mixed, near), far) in inside.iter_mut().zip(near).zip(&skip[far * width..][..width]) {
                *mixed = (0.75 * near + 0.25 * far) * SQRT_HALF;
            }
        }
        None => {
            for (mixed, near) in inside.iter_mut().zip(near) {
                *mixed = 0.75 * near * SQRT_HALF;
            }
        }
    }
    let (even, rest) = rest.split_at_mut(width);
    let odd = &mut rest[..width];
    let (before, here, after) = (&mixed[..width], &mixed[1..width + 1], &mixed[2..width + 2]);
    for i in 0..width {
        even[i] = 0.75 * here[i] + 0.25 * before[i];
        odd[i] = 0.75 * here[i] + 0.25 * after[i];
    }
    for ((pair, even), odd) in row.chunks_exact_mut(2).zip(even.iter()).zip(odd.iter()) {
        pair[0] = pair[0] * SQRT_HALF + even;
        pair[1] = pair[1] * SQRT_HALF + odd;
    }
}
