//! Steps downhill: Adam (Kingma and Ba, arXiv:1412.6980) over style codes, and the best codes that it came by.

use candle_core::{DType, Device, Tensor, Var};
use rayon::prelude::*;

use super::loss::{Loss, loss};
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::generator::{FinePath, Generator, PlainPath};
use crate::kernels::{self, vectorised};

/// Adam's decay of the mean of gradients, and of that of their squares.
const BETAS: [f64; 2] = [0.9, 0.99];
const EPSILON: f64 = 1e-8;
/// The learning rate rises over so many steps …
const WARM_UP_STEPS: f64 = 5.0;
/// … and falls over the second half, to this share.
const LAST_RATE: f64 = 0.1;

/// How the codes move.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    pub(super) steps: usize,
    pub(super) learning_rate: f64,
    pub(super) prior: f64,
}

impl Schedule {
    /// The learning rate of a step.
    fn rate(&self, step: usize) -> f64 {
        let (step, steps) = (step as f64, self.steps.max(1) as f64);
        let left = 2.0 * (1.0 - step / steps);
        self.learning_rate * ((step + 1.0) / WARM_UP_STEPS).min(1.0) * left.clamp(LAST_RATE, 1.0)
    }
}

/// The picture as a function of the codes that move.
enum Path {
    Own(FinePath),
    Candle(PlainPath),
}

/// A style code that moves.
struct Code {
    shape: Vec<usize>,
    /// What the encoder alone gives, which the prior pulls to.
    encoded: Vec<f32>,
    gradient_mean: Vec<f32>,
    gradient_squares: Vec<f32>,
}

/// Style codes on their way to those of a photo.
pub(super) struct Descent {
    schedule: Schedule,
    path: Path,
    /// (3, side, side).
    target: Vec<f32>,
    side: usize,
    codes: Vec<Code>,
    now: Vec<Vec<f32>>,
    /// The best so far and their loss; the codes may be those of now.
    best: Option<(Loss, Vec<Vec<f32>>)>,
    gradients: Vec<Vec<f32>>,
    image_gradient: Vec<f32>,
    steps_done: usize,
}

fn values(tensor: &Tensor) -> Result<Vec<f32>> {
    Ok(tensor.flatten_all()?.to_dtype(DType::F32)?.to_vec1()?)
}

impl Descent {
    /// Begins at `start`, the codes from `first_code` on, towards the photo `target` (1, 3, size, size). `encoded`: all codes as the
    /// encoder alone gives them. By candle's operations on the devices where our kernels are not used, and where `by_candle` says so.
    pub(super) fn new(
        generator: &Generator,
        target: &Tensor,
        encoded: &[Tensor],
        start: &[Tensor],
        schedule: Schedule,
        by_candle: bool,
        cancel: &Cancel,
    ) -> Result<Self> {
        let (_, 3, side, _) = target.dims4()? else {
            return Err(Error::argument("a face is refined towards a picture of three channels"));
        };
        let first_code = encoded.len().checked_sub(start.len());
        let first_code = first_code.ok_or_else(|| Error::argument("there are fewer style codes than are to move"))?;
        let path = if by_candle || !kernels::are_used_on(target.device()) {
            Path::Candle(PlainPath::new(generator, encoded, first_code, cancel)?)
        } else {
            Path::Own(FinePath::new(generator, encoded, first_code, cancel)?)
        };
        let codes = encoded.iter().skip(first_code).map(|code| {
            let encoded = values(code)?;
            let zeros = vec![0.0; encoded.len()];
            Ok(Code { shape: code.dims().to_vec(), encoded, gradient_mean: zeros.clone(), gradient_squares: zeros })
        });
        let codes = codes.collect::<Result<Vec<_>>>()?;
        let now = start.iter().map(values).collect::<Result<Vec<_>>>()?;
        if codes.iter().zip(&now).any(|(code, now)| code.encoded.len() != now.len()) {
            return Err(Error::argument("the residuals to begin with are not those of this model's style codes"));
        }
        let target = values(target)?;
        let gradients = now.iter().map(|code| vec![0.0; code.len()]).collect();
        let image_gradient = vec![0.0; target.len()];
        Ok(Self { schedule, path, target, side, codes, now, best: None, gradients, image_gradient, steps_done: 0 })
    }

    pub(super) fn steps_done(&self) -> usize {
        self.steps_done
    }

    /// The loss of the best codes that were drawn.
    pub(super) fn best_loss(&self) -> Option<Loss> {
        self.best.as_ref().map(|(loss, _)| *loss)
    }

    /// Draws the codes as they are now, and moves them. Gives their loss before the move. After [`Error::Cancelled`] nothing
    /// has moved, and the same step can be tried again.
    pub(super) fn step(&mut self, generator: &Generator, cancel: &Cancel) -> Result<Loss> {
        let loss = self.measure(generator, true, cancel)?;
        self.advance(loss)?;
        self.steps_done += 1;
        Ok(loss)
    }

    /// Draws the codes as they are now, so that the last step's can be the best ones too.
    pub(super) fn look(&mut self, generator: &Generator, cancel: &Cancel) -> Result<Loss> {
        let loss = self.measure(generator, false, cancel)?;
        if self.is_best(loss) {
            self.best = Some((loss, self.now.clone()));
        }
        Ok(loss)
    }

    /// What the best codes, those of now where none was drawn, are beyond the encoder's: (1, K, r, r) each, on the host.
    pub(super) fn residuals(&self) -> Result<Vec<Tensor>> {
        let best = self.best.as_ref().map_or(&self.now, |(_, best)| best);
        let residuals = best.iter().zip(&self.codes).map(|(best, code)| {
            let residual: Vec<f32> = best.iter().zip(&code.encoded).map(|(best, encoded)| best - encoded).collect();
            Ok(Tensor::from_vec(residual, code.shape.as_slice(), &Device::Cpu)?)
        });
        residuals.collect()
    }

    #[cfg(test)]
    pub(super) fn gradients(&self) -> &[Vec<f32>] {
        &self.gradients
    }

    fn is_best(&self, loss: Loss) -> bool {
        self.best_loss().is_none_or(|best| loss.value < best.value)
    }

    /// The loss of the codes, and its gradients where they are wanted.
    fn measure(&mut self, generator: &Generator, wants_gradients: bool, cancel: &Cancel) -> Result<Loss> {
        let Self { path, target, side, now, gradients, image_gradient, codes, .. } = self;
        match path {
            Path::Own(path) => {
                let tape = path.forward(generator, now, cancel)?;
                let loss = loss(tape.image(), target, *side, image_gradient);
                if wants_gradients {
                    path.backward(generator, &tape, image_gradient, gradients, cancel)?;
                }
                Ok(loss)
            }
            Path::Candle(path) => {
                let device = generator.device();
                let vars = now
                    .iter()
                    .zip(codes.iter())
                    .map(|(now, code)| Var::from_tensor(&Tensor::from_slice(now, code.shape.as_slice(), device)?));
                let vars = vars.collect::<candle_core::Result<Vec<_>>>()?;
                let tensors: Vec<_> = vars.iter().map(|var| var.as_tensor().clone()).collect();
                let image = path.forward(generator, &tensors, cancel)?;
                let loss = loss(&values(&image)?, target, *side, image_gradient);
                if wants_gradients {
                    cancel.check()?;
                    // The loss's own gradient is known: what is left is that of the picture in its direction.
                    let direction = Tensor::from_slice(image_gradient, image.shape(), device)?;
                    let found = (image * direction)?.sum_all()?.backward()?;
                    for (gradient, var) in gradients.iter_mut().zip(&vars) {
                        let found =
                            found.get(var).ok_or_else(|| Error::Internal("a code without a gradient".to_owned()))?;
                        *gradient = values(found)?;
                    }
                }
                Ok(loss)
            }
        }
    }

    /// One step of Adam. Where the codes are the best so far they stay as they are, and those that were the best before make room.
    fn advance(&mut self, loss: Loss) -> Result<()> {
        if !loss.value.is_finite() {
            return Err(Error::argument("this model's picture of the face is not made of finite numbers"));
        }
        let is_best = self.is_best(loss);
        let Self { schedule, codes, now, best, gradients, steps_done, .. } = self;
        let count = *steps_done as i32 + 1;
        let [mean_beta, squares_beta] = BETAS;
        let step = Step {
            rate: (schedule.rate(*steps_done) / (1.0 - mean_beta.powi(count))) as f32,
            squares_scale: (1.0 / (1.0 - squares_beta.powi(count))) as f32,
            prior: schedule.prior,
        };
        if is_best {
            let kept = std::mem::take(now);
            let room = best.take().map(|(_, codes)| codes);
            *now = room.unwrap_or_else(|| kept.clone());
            let sources = kept.iter().zip(now.iter_mut());
            for ((from, to), (code, gradient)) in sources.zip(codes.iter_mut().zip(gradients.iter())) {
                to.copy_from_slice(from);
                step.run(code, gradient, to);
            }
            *best = Some((loss, kept));
        } else {
            for (now, (code, gradient)) in now.iter_mut().zip(codes.iter_mut().zip(gradients.iter())) {
                step.run(code, gradient, now);
            }
        }
        Ok(())
    }
}

/// A step's numbers.
struct Step {
    /// With the bias of the mean taken out.
    rate: f32,
    squares_scale: f32,
    prior: f64,
}

impl Step {
    fn run(&self, code: &mut Code, gradient: &[f32], now: &mut [f32]) {
        const VALUES_AT_ONCE: usize = 16 * 1024;
        // The prior is the mean absolute distance from the encoder's code.
        let pull = (self.prior / now.len().max(1) as f64) as f32;
        let [mean_beta, squares_beta] = BETAS.map(|beta| beta as f32);
        let (rate, squares_scale) = (self.rate, self.squares_scale);
        let moments = code.gradient_mean.par_chunks_mut(VALUES_AT_ONCE);
        let moments = moments.zip(code.gradient_squares.par_chunks_mut(VALUES_AT_ONCE));
        let moments = moments.zip(code.encoded.par_chunks(VALUES_AT_ONCE));
        let parts = now.par_chunks_mut(VALUES_AT_ONCE).zip(gradient.par_chunks(VALUES_AT_ONCE)).zip(moments);
        parts.for_each(|((now, gradient), ((mean, squares), encoded))| {
            vectorised(
                #[inline(always)]
                || {
                    let values = now.iter_mut().zip(gradient).zip(mean.iter_mut().zip(squares.iter_mut())).zip(encoded);
                    for (((now, gradient), (mean, squares)), encoded) in values {
                        let away = *now - encoded;
                        let sign = f32::from(u8::from(away > 0.0)) - f32::from(u8::from(away < 0.0));
                        let gradient = gradient + pull * sign;
                        *mean = mean_beta * *mean + (1.0 - mean_beta) * gradient;
                        *squares = squares_beta * *squares + (1.0 - squares_beta) * gradient * gradient;
                        *now -= rate * *mean / ((*squares * squares_scale).sqrt() + EPSILON as f32);
                    }
                },
            );
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_over_five_steps_and_falls_over_the_second_half() {
        let schedule = Schedule { steps: 50, learning_rate: 0.03, prior: 0.0 };
        let near = |step: usize, rate: f64| (schedule.rate(step) - rate).abs() < 1e-12;
        assert!(near(0, 0.006) && near(1, 0.012) && near(4, 0.03) && near(25, 0.03));
        assert!(near(30, 0.03 * 0.8) && near(49, 0.003));
        let one = Schedule { steps: 1, ..schedule };
        assert!((one.rate(0) - 0.006).abs() < 1e-12);
    }
}
