//! Numbers of the command line, each refused with a sentence before any work begins.

use stylebrush_app::document::{CoarseLevels, SCALE_RANGE};
use stylemap::directions::MAX_AMOUNT;
use stylemap::edit::COARSE_LEVELS;
use stylemap::engine::LayerStyle;

use super::destination::WantedSize;
use super::portrait::WhichFace;

/// Moves further than this leave the largest picture that a model may have.
const MAX_OFFSET_PX: u32 = 2048;
const MAX_FEATHER_PX: f32 = 2048.0;
const MAX_THREADS: usize = 1024;
const MAX_COUNT: usize = 100_000;
/// Less shows no face; more is beyond the largest picture that a model may have.
const PICTURE_SIZES_PX: (usize, usize) = (16, 4096);

fn within(text: &str, low: f32, high: f32) -> Result<f32, String> {
    // A NaN is in no range.
    let number = text.parse().ok().filter(|number| (low..=high).contains(number));
    number.ok_or_else(|| format!("it must be a number from {low} to {high}"))
}

fn whole(text: &str, low: usize, high: usize) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (low..=high).contains(number));
    number.ok_or_else(|| format!("it must be a whole number from {low} to {high}"))
}

/// A place between two faces, or a strength.
pub fn unit(text: &str) -> Result<f32, String> {
    within(text, 0.0, 1.0)
}

/// A place between two faces, or `X,Y` between four.
pub fn place(text: &str) -> Result<Place, String> {
    match text.split_once(',') {
        None => Ok(Place::Between(unit(text)?)),
        Some((x, y)) => Ok(Place::Corners([unit(x.trim())?, unit(y.trim())?])),
    }
}

/// A place between four faces, `X,Y`.
pub fn corner_place(text: &str) -> Result<[f32; 2], String> {
    match place(text)? {
        Place::Corners(at) => Ok(at),
        Place::Between(_) => Err("it must be two numbers from 0 to 1, such as 0.5,0.25".to_owned()),
    }
}

/// Where between faces.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// Between two of them.
    Between(f32),
    /// Between four, to the right and down.
    Corners([f32; 2]),
}

/// A switch, or how much.
pub fn switch(text: &str) -> Result<f32, String> {
    match text {
        "on" => Ok(1.0),
        "off" => Ok(0.0),
        _ => unit(text).map_err(|_| "it must be on, off or a number from 0 to 1".to_owned()),
    }
}

/// How many of a model's levels, see [`CoarseLevels`]; with 0 it is none of them.
pub fn levels(text: &str) -> Result<usize, String> {
    whole(text, 0, (*CoarseLevels::RANGE.end()).into())
}

/// What of a reference is painted: `all`, `colours` or `shape`, the last two with `:N` for how many levels are coarse.
pub fn layer_style(text: &str) -> Result<LayerStyle, String> {
    let (part, coarse_levels) = match text.split_once(':') {
        None => (text, COARSE_LEVELS),
        Some((part, count)) => (part, levels(count)?),
    };
    match part {
        "all" if part == text => Ok(LayerStyle::Whole),
        "colours" => Ok(LayerStyle::Coarse(coarse_levels)),
        "shape" => Ok(LayerStyle::Fine(coarse_levels)),
        _ => Err("it must be all, colours or shape, the last two perhaps with a number of levels: shape:2".to_owned()),
    }
}

/// How long something takes.
pub fn seconds(text: &str) -> Result<f32, String> {
    within(text, 0.1, 600.0)
}

/// How far a mask is softened.
pub fn feather_px(text: &str) -> Result<f32, String> {
    within(text, 0.0, MAX_FEATHER_PX)
}

/// How much larger a reference is made.
pub fn scale(text: &str) -> Result<f32, String> {
    within(text, *SCALE_RANGE.start(), *SCALE_RANGE.end())
}

/// How far a reference is turned.
pub fn angle_degrees(text: &str) -> Result<f32, String> {
    within(text, -360.0, 360.0)
}

/// How far samples may lie from the average face.
pub fn truncation(text: &str) -> Result<f64, String> {
    within(text, 0.0, 2.0)?;
    text.parse().map_err(|_| "it must be a number".to_owned())
}

/// What a difference may be.
pub fn tolerance(text: &str) -> Result<f32, String> {
    let number = text.parse::<f32>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| "it must be a number that is not negative".to_owned())
}

/// The quality of a JPEG.
pub fn quality(text: &str) -> Result<u8, String> {
    let number = text.parse().ok().filter(|number| (1..=100).contains(number));
    number.ok_or_else(|| "it must be a whole number from 1 to 100".to_owned())
}

/// Steps of optimisation.
pub fn steps(text: &str) -> Result<usize, String> {
    whole(text, 1, stylemap::refine::RefineOptions::MAX_STEPS)
}

/// Threads of the CPU.
pub fn threads(text: &str) -> Result<usize, String> {
    whole(text, 1, MAX_THREADS)
}

/// Which face of a photo.
pub fn face_number(text: &str) -> Result<usize, String> {
    whole(text, 1, MAX_COUNT).map_err(|_| "it must be the number of a face, the largest and surest being 1".to_owned())
}

/// Which face of a photo, or all of them.
pub fn face(text: &str) -> Result<WhichFace, String> {
    match text {
        "all" => Ok(WhichFace::All),
        _ => face_number(text).map(WhichFace::Number).map_err(|err| format!("{err}, or all")),
    }
}

/// How many faces to draw, or how often to measure.
pub fn count(text: &str) -> Result<usize, String> {
    whole(text, 1, MAX_COUNT)
}

/// Width and height of a picture.
pub fn picture_size_px(text: &str) -> Result<u32, String> {
    let (low, high) = PICTURE_SIZES_PX;
    u32::try_from(whole(text, low, high)?).map_err(|err| err.to_string())
}

/// Width and height of a face.
pub fn face_size(text: &str) -> Result<WantedSize, String> {
    match text {
        "model" => Ok(WantedSize::Model),
        "photo" => Ok(WantedSize::Photo),
        _ => picture_size_px(text).map(WantedSize::Px).map_err(|err| format!("{err}, or model or photo")),
    }
}

/// How many pictures lead from one face to the other, both included.
pub fn frames(text: &str) -> Result<usize, String> {
    whole(text, 2, MAX_COUNT)
}

/// Which series of faces.
pub fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("it must be a whole number from 0 to {}", u64::MAX))
}

/// A move, `DX,DY`.
pub fn offset_px(text: &str) -> Result<(i32, i32), String> {
    let part = |part: &str| part.trim().parse().ok().filter(|number: &i32| number.unsigned_abs() <= MAX_OFFSET_PX);
    let offset = text.split_once(',').and_then(|(dx, dy)| Some((part(dx)?, part(dy)?)));
    offset.ok_or_else(|| {
        format!("it must be two whole numbers of pixels from -{MAX_OFFSET_PX} to {MAX_OFFSET_PX}, such as 12,-8")
    })
}

/// A step along a direction, `NAME=VALUE`.
pub fn direction(text: &str) -> Result<(String, f32), String> {
    let step = text.rsplit_once('=').filter(|(name, _)| !name.trim().is_empty());
    let (name, amount) = step.ok_or_else(|| "it must be a name and a number, such as Smile=1.5".to_owned())?;
    Ok((name.trim().to_owned(), within(amount.trim(), -MAX_AMOUNT, MAX_AMOUNT)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_outside_their_range_are_refused() {
        for bad in ["-0.1", "1.1", "NaN", "inf", "", "half", "0,5"] {
            assert!(unit(bad).is_err() && switch(bad).is_err(), "{bad}");
        }
        for bad in ["-1", "NaN", "inf", "1e9"] {
            assert!(feather_px(bad).is_err(), "{bad}");
        }
        for bad in ["-1e-9", "NaN", "inf"] {
            assert!(tolerance(bad).is_err(), "{bad}");
        }
        for bad in ["0", "-1", "1.5", "99999999999999999999", ""] {
            assert!(count(bad).is_err() && threads(bad).is_err() && frames(bad).is_err(), "{bad}");
            assert!(picture_size_px(bad).is_err() && face_size(bad).is_err(), "{bad}");
        }
        for bad in ["5", "5,", ",5", "5,5,5", "1.5,0", "2147483647,0", "-2147483648,0"] {
            assert!(offset_px(bad).is_err(), "{bad}");
        }
        assert!(face_size("15").is_err() && face_size("4097").is_err());
        for bad in ["Smile", "=1", "Smile=", "Smile=much", "Smile=NaN", "Smile=1e9"] {
            assert!(direction(bad).is_err(), "{bad}");
        }
        for bad in ["0.1", "5.1", "-1", "NaN", ""] {
            assert!(scale(bad).is_err(), "{bad}");
        }
        assert!(angle_degrees("361").is_err() && angle_degrees("inf").is_err());
        assert!(frames("1").is_err() && seed("-1").is_err() && truncation("NaN").is_err());
    }

    #[test]
    fn numbers_inside_are_taken() {
        assert_eq!((unit("0"), unit("1"), unit("0.25")), (Ok(0.0), Ok(1.0), Ok(0.25)));
        assert_eq!((switch("on"), switch("off"), switch("0.25")), (Ok(1.0), Ok(0.0), Ok(0.25)));
        assert_eq!((offset_px("-12,8"), offset_px("0, -3")), (Ok((-12, 8)), Ok((0, -3))));
        assert_eq!((scale("0.2"), scale("5"), angle_degrees("-90")), (Ok(0.2), Ok(5.0), Ok(-90.0)));
        assert_eq!((frames("2"), count("1"), seed("7"), truncation("0.7")), (Ok(2), Ok(1), Ok(7), Ok(0.7)));
        assert_eq!(direction("Component 1=-1.5"), Ok(("Component 1".to_owned(), -1.5)));
        assert_eq!((face_size("16"), face_size("4096")), (Ok(WantedSize::Px(16)), Ok(WantedSize::Px(4096))));
        assert_eq!((face_size("model"), face_size("photo")), (Ok(WantedSize::Model), Ok(WantedSize::Photo)));
    }
}
