//! The one axis on which all colours of a gray or toned photo lie: a picture that is edited stays on it.

use image::RgbImage;

use crate::agreement::gray;

/// About so many pixels are looked at.
const SAMPLES: usize = 100_000;
/// How far colours may lie beside the axis, in levels: what JPEG does to a gray photo, and toning unevenly.
const MAX_DEVIATION: f32 = 3.0;
/// A pixel so far beside it is a colour of its own, and hardly any may be.
const COLOURED: f32 = 12.0;
const MAX_COLOURED_SHARE: f32 = 0.002;
/// Below this share of the levels there is too little to know an axis by: an even surface is no toned photo.
const MIN_RANGE: usize = 48;

/// Gray, sepia, blue: the colour of each brightness of a photo of one hue.
#[derive(Clone, Debug, PartialEq)]
pub struct ColourAxis {
    /// By brightness in levels.
    colours: Vec<[f32; 3]>,
    is_gray: bool,
}

impl ColourAxis {
    /// The axis of gray photos.
    pub fn gray() -> Self {
        Self { colours: (0..256).map(|level| [level as f32; 3]).collect(), is_gray: true }
    }

    /// The axis of a photo in sRGB; none of a photo in colours.
    pub fn of(photo: &RgbImage) -> Option<Self> {
        let step = (photo.as_raw().len() / 3 / SAMPLES).max(1);
        let mut sums = vec![[0f64; 4]; 256];
        let colours = || photo.as_raw().as_chunks::<3>().0.iter().step_by(step).map(|colour| colour.map(f32::from));
        let mut count = 0usize;
        for colour in colours() {
            let [red, green, blue, of_level] = &mut sums[level(gray(colour))];
            *red += f64::from(colour[0]);
            *green += f64::from(colour[1]);
            *blue += f64::from(colour[2]);
            *of_level += 1.0;
            count += 1;
        }
        let known = |sum: &[f64; 4]| {
            let [red, green, blue, count] = *sum;
            (count > 0.0).then(|| [red / count, green / count, blue / count].map(|value| value as f32))
        };
        let means: Vec<Option<[f32; 3]>> = sums.iter().map(known).collect();
        let (mut of_gray, mut of_means, mut coloured) = (0f64, 0f64, [0usize; 2]);
        for colour in colours() {
            let brightness = gray(colour);
            let mean = means[level(brightness)].unwrap_or([brightness; 3]);
            for (axis, (sum, other)) in [(&mut of_gray, [brightness; 3]), (&mut of_means, mean)].into_iter().enumerate()
            {
                let squares: f32 = (0..3).map(|c| (colour[c] - other[c]).powi(2)).sum();
                *sum += f64::from(squares / 3.0);
                coloured[axis] += usize::from(squares.sqrt() > COLOURED);
            }
        }
        let fits = |squares: f64, coloured: usize| {
            let count = count.max(1) as f32;
            (squares as f32 / count).sqrt() <= MAX_DEVIATION && coloured as f32 <= MAX_COLOURED_SHARE * count
        };
        if fits(of_gray, coloured[0]) {
            return Some(Self::gray());
        }
        let seen: Vec<usize> = (0..256).filter(|&level| means[level].is_some()).collect();
        let range = seen.last().zip(seen.first()).map_or(0, |(last, first)| last - first);
        if range < MIN_RANGE || !fits(of_means, coloured[1]) {
            return None;
        }
        Some(Self { colours: smooth(&sums), is_gray: false })
    }

    /// Whether it is the axis of grays.
    pub fn is_gray(&self) -> bool {
        self.is_gray
    }

    /// What is to be added to a colour so that it takes the brightness of a change, and stays beside the axis as it was.
    /// In levels.
    #[inline]
    pub fn along(&self, colour: [f32; 3], change: [f32; 3]) -> [f32; 3] {
        let by = gray(change);
        if self.is_gray || by == 0.0 {
            return [by; 3];
        }
        let from = gray(colour);
        let (from, to) = (self.at(from), self.at(from + by));
        std::array::from_fn(|c| to[c] - from[c])
    }

    /// The colour of the axis that is as bright as this one.
    pub fn nearest(&self, colour: [u8; 3]) -> [u8; 3] {
        let brightness = gray(colour.map(f32::from));
        self.at(brightness).map(|value| value.round() as u8)
    }

    #[inline]
    fn at(&self, brightness: f32) -> [f32; 3] {
        let brightness = brightness.clamp(0.0, 255.0);
        let below = level(brightness.floor()).min(254);
        let share = brightness - below as f32;
        let (below, above) = (self.colours[below], self.colours[below + 1]);
        std::array::from_fn(|c| below[c] + share * (above[c] - below[c]))
    }
}

/// In 0..256; of a NaN 0.
#[inline]
fn level(brightness: f32) -> usize {
    usize::from((brightness + 0.5) as u8)
}

/// The mean colour of each level from those around it; beyond the levels that a photo has, towards black and white.
fn smooth(sums: &[[f64; 4]]) -> Vec<[f32; 3]> {
    const REACH: i64 = 6;
    let mean = |level: i64| -> Option<[f32; 3]> {
        let mut total = [0f64; 4];
        for near in level - REACH..=level + REACH {
            let Some(sum) = usize::try_from(near).ok().and_then(|near| sums.get(near)) else { continue };
            let weight = 1.0 - (near - level).abs() as f64 / (REACH + 1) as f64;
            total.iter_mut().zip(sum).for_each(|(total, value)| *total += weight * value);
        }
        let [red, green, blue, count] = total;
        // Only the hue: how bright the level is, is known.
        (count > 0.0).then(|| {
            let colour = [red / count, green / count, blue / count].map(|value| value as f32);
            let off = level as f32 - gray(colour);
            colour.map(|value| value + off)
        })
    };
    let known: Vec<(usize, [f32; 3])> =
        (0..256).filter_map(|level| Some((usize::try_from(level).ok()?, mean(level)?))).collect();
    let mut points = known;
    if points.first().is_none_or(|(level, _)| *level > 0) {
        points.insert(0, (0, [0.0; 3]));
    }
    if points.last().is_none_or(|(level, _)| *level < 255) {
        points.push((255, [255.0; 3]));
    }
    let mut colours = Vec::with_capacity(256);
    for pair in points.windows(2) {
        let [(start, from), (end, to)] = pair else { continue };
        for level in *start..*end {
            let share = (level - start) as f32 / (end - start) as f32;
            colours.push(std::array::from_fn(|c| from[c] + share * (to[c] - from[c])));
        }
    }
    colours.extend(points.last().map(|(_, colour)| *colour));
    colours
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use image::Rgb;

    use super::*;

    fn portrait(of: impl Fn(f32) -> [f32; 3]) -> RgbImage {
        RgbImage::from_fn(200, 200, |x, y| {
            let brightness = 20.0 + 200.0 * (0.5 + 0.5 * (x as f32 / 17.0).sin() * (y as f32 / 23.0).cos());
            Rgb(of(brightness).map(|value| value.clamp(0.0, 255.0).round() as u8))
        })
    }

    fn sepia(brightness: f32) -> [f32; 3] {
        [brightness * 1.1 + 10.0, brightness, brightness * 0.8 - 5.0]
    }

    #[test]
    fn gray_and_toned_photos_have_an_axis_and_coloured_ones_none() {
        assert!(ColourAxis::of(&portrait(|level| [level; 3])).unwrap().is_gray());
        assert!(!ColourAxis::of(&portrait(sepia)).unwrap().is_gray());
        let two_hues = |level: f32| if level > 120.0 { [level, 100.0, 60.0] } else { [60.0, level, 90.0] };
        assert!(ColourAxis::of(&portrait(two_hues)).is_some(), "each brightness has one colour");
        let coloured = RgbImage::from_fn(200, 200, |x, y| Rgb([x as u8, y as u8, 128]));
        assert!(ColourAxis::of(&coloured).is_none());
        assert!(ColourAxis::of(&RgbImage::from_pixel(50, 50, Rgb([200, 30, 30]))).is_none(), "an even surface");
    }

    #[test]
    fn a_change_stays_on_the_axis() {
        let axis = ColourAxis::of(&portrait(sepia)).unwrap();
        let colour = sepia(100.0);
        let change = axis.along(colour, [80.0, -20.0, 10.0]);
        let changed: [f32; 3] = std::array::from_fn(|c| colour[c] + change[c]);
        let wanted = gray(colour) + gray([80.0, -20.0, 10.0]);
        assert!((gray(changed) - wanted).abs() < 1.0, "{changed:?}");
        // The sepia of that brightness, whose own brightness is not what it was made of.
        let near = (0..2550).map(|tenth| sepia(tenth as f32 / 10.0)).min_by(|a, b| {
            let off = |colour: &[f32; 3]| (0..3).map(|c| (colour[c] - changed[c]).abs()).fold(0.0, f32::max);
            off(a).total_cmp(&off(b))
        });
        let off = near.unwrap().iter().zip(changed).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off < 2.0, "{changed:?}");
        assert_eq!(ColourAxis::gray().along([1.0, 2.0, 3.0], [5.0; 3]).map(f32::round), [5.0; 3]);
    }
}
