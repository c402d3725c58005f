//! A direction learned from examples: faces that lack something, faces that have it, and a linear classifier between their stylemaps
//! (as the semantic boundaries of InterFaceGAN, Shen et al. 2020, section 3.1, on stylemaps).
//!
//! The classifier lives in the space of the model's principal components, each scaled to the training faces' deviation: there a step of
//! one in any direction is as likely as in any other, so that few examples do not make noise look like what they share. In the fit the finer
//! components weigh a little less: what people see differ lies mostly in the coarser ones.

use candle_core::{Device, Tensor};

use crate::directions::{Direction, DirectionInfo};
use crate::error::{Error, Result};

/// Fewer faces on a side say nothing.
pub const MIN_FACES: usize = 3;
/// More than these are not read.
pub const MAX_FACES: usize = 10_000;
/// Strengths of the ridge that are tried, as shares of the number of faces times a face's usual square length.
const RIDGES: [f64; 6] = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0];
/// A slider goes at least and at most so far to each side, in standard deviations.
const RANGE: [f32; 2] = [2.0, 4.0];

/// A direction from examples.
#[derive(Clone, Debug)]
pub struct Learned {
    /// One standard deviation of the training faces, from those without to those with it.
    pub direction: Direction,
    /// How many faces of each side the classifier tells right that had not seen them: the mean of both sides' shares, in [0, 1]. A coin has
    /// 0.5. Faces are left out one at a time, each with the face of the other side that is most like it: that may be the same person, of whom
    /// the classifier would know only the opposite.
    pub accuracy: f32,
}

/// The space in which a direction is learned: principal components (K, style_dim, base, base) with their deviations, around the average.
pub(crate) struct FaceSpace<'a> {
    pub(crate) components: &'a Tensor,
    pub(crate) deviations: &'a [f32],
    pub(crate) mean: Tensor,
}

impl FaceSpace<'_> {
    /// Coordinates of stylemaps or, without the mean, of steps: rows of K, in standard deviations.
    fn coordinates(&self, stylemap: &Tensor, is_step: bool) -> Result<Vec<f64>> {
        let stylemap = stylemap.to_device(&Device::Cpu)?.flatten_all()?;
        let from_mean =
            if is_step { stylemap } else { (stylemap - self.mean.to_device(&Device::Cpu)?.flatten_all()?)? };
        let components = self.components.to_device(&Device::Cpu)?.flatten_from(1)?;
        let along = components.matmul(&from_mean.unsqueeze(1)?)?.flatten_all()?.to_vec1::<f32>()?;
        Ok(along
            .iter()
            .zip(self.deviations)
            .map(|(along, deviation)| f64::from(*along) / f64::from(deviation.max(1e-6)))
            .collect())
    }

    /// The step with these coordinates, (1, style_dim, base, base).
    fn step(&self, coordinates: &[f64]) -> Result<Tensor> {
        let scaled: Vec<f32> =
            coordinates.iter().zip(self.deviations).map(|(at, deviation)| *at as f32 * deviation).collect();
        let scaled = Tensor::from_vec(scaled, (1, self.deviations.len()), &Device::Cpu)?;
        let components = self.components.to_device(&Device::Cpu)?;
        let step = scaled.matmul(&components.flatten_from(1)?)?;
        Ok(step.reshape(components.narrow(0, 0, 1)?.shape())?)
    }

    /// Learns a direction called `name` from stylemaps (1, style_dim, base, base) without something and with it. `unchanged`: steps of
    /// directions that it shall not move along.
    ///
    /// # Errors
    /// [`Error::Argument`] when a side has fewer than [`MIN_FACES`] faces or more than [`MAX_FACES`], when there is no name, or when nothing is
    /// left beside what shall not change; when shapes do not fit.
    pub(crate) fn learn(
        &self,
        name: &str,
        without: &[Tensor],
        with: &[Tensor],
        unchanged: &[&Tensor],
    ) -> Result<Learned> {
        if name.trim().is_empty() {
            return Err(Error::argument("a direction needs a name"));
        }
        for side in [without, with] {
            if !(MIN_FACES..=MAX_FACES).contains(&side.len()) {
                return Err(Error::argument(format!(
                    "a direction is learned from at least {MIN_FACES} faces on each side, and here are {} and {}",
                    without.len(),
                    with.len()
                )));
            }
        }
        let mut faces = Vec::with_capacity(without.len() + with.len());
        for stylemap in without.iter().chain(with) {
            faces.push(self.coordinates(stylemap, false)?);
        }
        let labels: Vec<f64> = (0..faces.len()).map(|index| if index < without.len() { -1.0 } else { 1.0 }).collect();
        let largest = self.deviations.iter().copied().fold(1e-6, f32::max);
        let weights: Vec<f64> =
            self.deviations.iter().map(|deviation| f64::from(deviation.max(1e-6) / largest).sqrt()).collect();
        let weighted = |face: &Vec<f64>| face.iter().zip(&weights).map(|(value, weight)| value * weight).collect();
        let weighted_faces: Vec<Vec<f64>> = faces.iter().map(weighted).collect();
        let likes = likes_on_other_side(&weighted_faces, &labels);
        let fits = RIDGES.iter().filter_map(|ridge| Fit::new(&weighted_faces, &labels, &likes, *ridge));
        let best = fits.max_by(|a, b| a.quality().total_cmp(&b.quality()));
        let Fit { mut normal, accuracy, .. } = best.ok_or_else(|| Error::argument("these faces are all the same"))?;
        normal.iter_mut().zip(&weights).for_each(|(value, weight)| *value *= weight);

        let kept = unchanged.iter().map(|step| self.coordinates(step, true)).collect::<Result<Vec<_>>>()?;
        let length = dot(&normal, &normal).sqrt();
        for other in orthonormal(kept) {
            let share = dot(&normal, &other);
            normal.iter_mut().zip(&other).for_each(|(value, other)| *value -= share * other);
        }
        let left = dot(&normal, &normal).sqrt();
        if left < 0.05 * length || !left.is_finite() || left == 0.0 {
            return Err(Error::argument("nothing is left of this direction beside what shall not change"));
        }
        normal.iter_mut().for_each(|value| *value /= left);

        let along = |faces: &[Vec<f64>]| faces.iter().map(|face| dot(face, &normal)).sum::<f64>() / faces.len() as f64;
        let (without_faces, with_faces) = faces.split_at(without.len());
        // From one side to the other and half as far again.
        let reach = (1.5 * (along(with_faces) - along(without_faces)).abs()) as f32;
        let reach = (reach * 2.0).round() / 2.0;
        let reach = reach.clamp(RANGE[0], RANGE[1]);
        let info = DirectionInfo {
            name: name.trim().to_owned(),
            source: format!("learned from {} and {} faces", without.len(), with.len()),
            range: [-reach, reach],
            group: "Learned".to_owned(),
            shows: String::new(),
        };
        Ok(Learned { direction: Direction { info, step: self.step(&normal)? }, accuracy: accuracy as f32 })
    }
}

/// A ridge regression of labels of -1 and 1, and how it does on faces that it has not seen.
struct Fit {
    normal: Vec<f64>,
    /// The mean of both sides' shares of faces told right.
    accuracy: f64,
    /// The mean square that predictions of faces not seen are off.
    error: f64,
}

impl Fit {
    /// `likes`: with which face each is left out, see [`likes_on_other_side`]. None where the faces do not differ.
    fn new(faces: &[Vec<f64>], labels: &[f64], likes: &[Option<usize>], ridge: f64) -> Option<Self> {
        let count = faces.len();
        // Both sides count as much, however many faces they have.
        let positive = labels.iter().filter(|label| **label > 0.0).count();
        let weights: Vec<f64> = labels
            .iter()
            .map(|label| count as f64 / (2.0 * if *label > 0.0 { positive } else { count - positive } as f64))
            .collect();
        let width = faces.first()?.len();
        let weighted_mean = |values: &dyn Fn(usize) -> f64| {
            (0..count).map(|face| weights[face] * values(face)).sum::<f64>() / count as f64
        };
        let mean: Vec<f64> = (0..width).map(|axis| weighted_mean(&|face| faces[face][axis])).collect();
        let middle = weighted_mean(&|face| labels[face]);
        let rows: Vec<Vec<f64>> = faces
            .iter()
            .zip(&weights)
            .map(|(face, weight)| face.iter().zip(&mean).map(|(value, mean)| (value - mean) * weight.sqrt()).collect())
            .collect();
        let targets: Vec<f64> =
            labels.iter().zip(&weights).map(|(label, weight)| (label - middle) * weight.sqrt()).collect();
        let mut gram = vec![0.0; count * count];
        for (i, a) in rows.iter().enumerate() {
            for (j, b) in rows.iter().enumerate().skip(i) {
                let value = dot(a, b);
                (gram[i * count + j], gram[j * count + i]) = (value, value);
            }
        }
        let trace: f64 = (0..count).map(|i| gram[i * count + i]).sum();
        if !(trace > 0.0 && trace.is_finite()) {
            return None;
        }
        let penalty = ridge * trace / count as f64 * (count as f64).sqrt();
        let inverse = inverse_of(&gram, count, penalty)?;
        let alpha: Vec<f64> = (0..count).map(|i| dot(&inverse[i * count..(i + 1) * count], &targets)).collect();
        let normal: Vec<f64> =
            (0..width).map(|axis| rows.iter().zip(&alpha).map(|(row, a)| a * row[axis]).sum()).collect();
        // What the labels of a face and of its like gave is taken out: the dual's residuals of those left out are alpha through the inverse of
        // their block of the inverse.
        let left_out: Vec<f64> = (0..count)
            .map(|i| {
                let block = |a: usize, b: usize| inverse[a * count + b];
                let off = match likes[i] {
                    Some(j) => {
                        let determinant = block(i, i) * block(j, j) - block(i, j) * block(j, i);
                        (block(j, j) * alpha[i] - block(i, j) * alpha[j]) / determinant
                    }
                    None => alpha[i] / block(i, i),
                };
                middle + (targets[i] - off) / weights[i].sqrt()
            })
            .collect();
        let side = |sign: f64| {
            let of_side = || labels.iter().zip(&left_out).filter(move |(label, _)| **label == sign);
            of_side().filter(|(label, told)| **label * **told > 0.0).count() as f64 / of_side().count().max(1) as f64
        };
        let error =
            labels.iter().zip(&left_out).map(|(label, told)| (label - told).powi(2)).sum::<f64>() / count as f64;
        Some(Self { normal, accuracy: f64::midpoint(side(-1.0), side(1.0)), error })
    }

    fn quality(&self) -> f64 {
        // Of few faces the share told right has few values: the distance decides among equals.
        self.accuracy - 0.01 * self.error.min(10.0)
    }
}

/// Of each face the one of the other side that is most like it.
fn likes_on_other_side(faces: &[Vec<f64>], labels: &[f64]) -> Vec<Option<usize>> {
    let like = |index: usize| {
        let square = |other: usize| faces[index].iter().zip(&faces[other]).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        let others = (0..faces.len()).filter(|other| labels[*other] != labels[index]);
        others.map(|other| (other, square(other))).min_by(|a, b| a.1.total_cmp(&b.1)).map(|(other, _)| other)
    };
    (0..faces.len()).map(like).collect()
}

/// Inverse of a symmetric positive semidefinite matrix with `penalty` on its diagonal, by Cholesky; row by row.
fn inverse_of(matrix: &[f64], count: usize, penalty: f64) -> Option<Vec<f64>> {
    let mut lower = vec![0.0; count * count];
    for i in 0..count {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| lower[i * count + k] * lower[j * count + k]).sum();
            let value = matrix[i * count + j] + if i == j { penalty } else { 0.0 } - known;
            if i == j {
                if value <= 0.0 {
                    return None;
                }
                lower[i * count + i] = value.sqrt();
            } else {
                lower[i * count + j] = value / lower[j * count + j];
            }
        }
    }
    let mut inverse = vec![0.0; count * count];
    for column in 0..count {
        let mut solved = vec![0.0; count];
        for i in 0..count {
            let known: f64 = (0..i).map(|k| lower[i * count + k] * solved[k]).sum();
            solved[i] = (f64::from(u8::from(i == column)) - known) / lower[i * count + i];
        }
        for i in (0..count).rev() {
            let known: f64 = (i + 1..count).map(|k| lower[k * count + i] * solved[k]).sum();
            solved[i] = (solved[i] - known) / lower[i * count + i];
        }
        for (row, value) in solved.into_iter().enumerate() {
            inverse[row * count + column] = value;
        }
    }
    Some(inverse)
}

/// The same span by vectors of length one at right angles; what adds nothing is left out.
fn orthonormal(vectors: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let mut found: Vec<Vec<f64>> = Vec::new();
    for mut vector in vectors {
        let before = dot(&vector, &vector).sqrt();
        for other in &found {
            let share = dot(&vector, other);
            vector.iter_mut().zip(other).for_each(|(value, other)| *value -= share * other);
        }
        let length = dot(&vector, &vector).sqrt();
        if length > 1e-6 * before && length > 0.0 {
            vector.iter_mut().for_each(|value| *value /= length);
            found.push(vector);
        }
    }
    found
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use candle_core::DType;

    use super::*;
    use crate::random::Random;

    const WIDTH: usize = 32;

    /// Components along the axes of a stylemap (2, 4, 4), each of another deviation.
    fn space() -> (Tensor, Vec<f32>, Tensor) {
        let components = Tensor::eye(WIDTH, DType::F32, &Device::Cpu).unwrap().reshape((WIDTH, 2, 4, 4)).unwrap();
        let deviations = (0..WIDTH).map(|index| 3.0 / (1.0 + index as f32)).collect();
        (components, deviations, Tensor::ones((1, 2, 4, 4), DType::F32, &Device::Cpu).unwrap())
    }

    /// Faces around the average, moved along the third and fifth axis by so many deviations.
    fn faces(random: &mut Random, count: usize, third: f64, fifth: f64) -> Vec<Tensor> {
        let (_, deviations, mean) = space();
        let face = |random: &mut Random| {
            let at = |index: usize| match index {
                2 => third,
                4 => fifth,
                _ => 0.0,
            };
            let values = (0..WIDTH).map(|index| ((random.normal() * 0.7 + at(index)) as f32) * deviations[index]);
            let step = Tensor::from_vec(values.collect::<Vec<_>>(), (1, 2, 4, 4), &Device::Cpu).unwrap();
            (step + &mean).unwrap()
        };
        (0..count).map(|_| face(random)).collect()
    }

    fn coordinates(learned: &Learned) -> Vec<f32> {
        let (_, deviations, _) = space();
        let step = learned.direction.step.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        step.iter().zip(deviations).map(|(value, deviation)| value / deviation).collect()
    }

    #[test]
    fn what_two_groups_differ_in_is_found_and_what_shall_stay_is_left_out() {
        let mut random = Random::new(3);
        let (components, deviations, mean) = space();
        let space = FaceSpace { components: &components, deviations: &deviations, mean };
        let without = faces(&mut random, 40, -1.0, -0.6);
        let with = faces(&mut random, 30, 1.0, 0.6);
        let learned = space.learn("Beard", &without, &with, &[]).unwrap();
        let at = coordinates(&learned);
        let length: f32 = at.iter().map(|value| value * value).sum::<f32>().sqrt();
        assert!((length - 1.0).abs() < 1e-4, "one standard deviation: {length}");
        assert!(at[2] > 0.7 && at[4] > 0.15, "{at:?}");
        assert!(learned.accuracy > 0.9, "{}", learned.accuracy);
        assert!(learned.direction.info.range[1] >= 2.0, "{:?}", learned.direction.info.range);

        let mut fifth = vec![0f32; WIDTH];
        fifth[4] = 0.2;
        let fifth = Tensor::from_vec(fifth, (1, 2, 4, 4), &Device::Cpu).unwrap();
        let learned = space.learn("Beard", &without, &with, &[&fifth, &fifth]).unwrap();
        let at = coordinates(&learned);
        assert!(at[4].abs() < 1e-5 && at[2] > 0.8, "{at:?}");
        let all: Vec<Tensor> = (0..WIDTH).map(|index| components.get(index).unwrap().unsqueeze(0).unwrap()).collect();
        let refused = space.learn("Beard", &without, &with, &all.iter().collect::<Vec<_>>());
        assert!(refused.unwrap_err().to_string().contains("nothing is left"));
    }

    #[test]
    fn groups_that_do_not_differ_are_told_apart_no_better_than_by_a_coin() {
        let mut random = Random::new(5);
        let (components, deviations, mean) = space();
        let space = FaceSpace { components: &components, deviations: &deviations, mean };
        let mut accuracies = Vec::new();
        for _ in 0..20 {
            let [without, with] = [0, 1].map(|_| faces(&mut random, 12, 0.0, 0.0));
            accuracies.push(space.learn("Nothing", &without, &with, &[]).unwrap().accuracy);
        }
        let mean = accuracies.iter().sum::<f32>() / 20.0;
        // The best of several ridges flatters a little.
        assert!((0.35..0.68).contains(&mean), "{accuracies:?}");
    }

    #[test]
    fn the_same_people_on_both_sides_are_no_riddle() {
        let mut random = Random::new(11);
        let (components, deviations, mean) = space();
        let space = FaceSpace { components: &components, deviations: &deviations, mean };
        let without = faces(&mut random, 24, -0.7, 0.0);
        let mut step = vec![0f32; WIDTH];
        step[2] = 1.4 * deviations[2];
        let step = Tensor::from_vec(step, (1, 2, 4, 4), &Device::Cpu).unwrap();
        let with: Vec<Tensor> = without.iter().map(|face| (face + &step).unwrap()).collect();
        let learned = space.learn("Beard", &without, &with, &[]).unwrap();
        let at = coordinates(&learned);
        assert!(at[2] > 0.85, "{at:?}");
        assert!(learned.accuracy > 0.6, "{}", learned.accuracy);
    }

    #[test]
    fn what_cannot_be_learned_from_is_refused_with_a_sentence() {
        let mut random = Random::new(7);
        let (components, deviations, mean) = space();
        let space = FaceSpace { components: &components, deviations: &deviations, mean: mean.clone() };
        let some = faces(&mut random, 3, 1.0, 0.0);
        let says = |without: &[Tensor], with: &[Tensor], name: &str| {
            space.learn(name, without, with, &[]).unwrap_err().to_string()
        };
        assert!(says(&some[..2], &some, "Beard").contains("at least 3 faces on each side, and here are 2 and 3"));
        assert!(says(&some, &some, " ").contains("name"));
        let same = vec![mean; 3];
        assert!(says(&same, &same, "Beard").contains("all the same"));
        assert!(space.learn("Beard", &some, &faces(&mut random, 3, -1.0, 0.0), &[]).is_ok());
    }
}
