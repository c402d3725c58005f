//! `--reference` of `edit`, with the options that belong to each.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use stylemap::engine::LayerStyle;

use super::numbers;
use super::portrait::{LARGEST, WhichFace};
use super::posed::Posing;

/// So many references one edit has at most.
pub const MAX_REFERENCES: usize = 8;
const MATCH_COLOURS: &str = "match-colours";

/// One reference and the options that follow it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    pub photo: PathBuf,
    pub mask: PathBuf,
    pub offset_px: (i32, i32),
    pub posing: Posing,
    pub strength: f32,
    pub feather_px: f32,
    pub match_colours: f32,
    pub style: LayerStyle,
    pub face: WhichFace,
    pub directions: Vec<NamedStep>,
}

/// A direction's name and how far to go.
pub type NamedStep = (String, f32);

/// The references in order, and the steps of the whole face.
#[derive(Clone, Debug)]
pub struct References {
    pub references: Vec<Reference>,
    /// Of the source.
    pub face: WhichFace,
    pub directions: Vec<NamedStep>,
}

/// The options as clap sees them, each by itself; [`References`] puts them together.
#[derive(Args)]
struct ReferenceOptions {
    /// The photo of a face to take something from; repeat it with its own options for more (at most 8)
    #[arg(long, value_name = "PHOTO", required_unless_present_any = ["direction", "recipe"], help_heading = "For each reference")]
    reference: Vec<PathBuf>,
    /// Where to take it: white takes the reference, black keeps the source
    #[arg(long, value_name = "MASK", required_unless_present_any = ["direction", "recipe"], help_heading = "For each reference")]
    mask: Vec<PathBuf>,
    /// Moves mask and reference together, pixels to the right and down [default: 0,0]
    #[arg(
        long,
        value_name = "DX,DY",
        value_parser = numbers::offset_px,
        allow_hyphen_values = true,
        help_heading = "For each reference"
    )]
    offset: Vec<(i32, i32)>,
    /// Makes mask and reference together larger or smaller about the middle of the mask, from 0.2 to 5 times [default: 1]
    #[arg(
        long,
        value_name = "TIMES",
        value_parser = numbers::scale,
        allow_negative_numbers = true,
        help_heading = "For each reference"
    )]
    scale: Vec<f32>,
    /// Turns them clockwise about that middle, in degrees [default: 0]
    #[arg(
        long,
        value_name = "DEGREES",
        value_parser = numbers::angle_degrees,
        allow_negative_numbers = true,
        help_heading = "For each reference"
    )]
    turn: Vec<f32>,
    /// Exchanges left and right of both about that middle, before they are turned
    #[arg(long, num_args = 0, default_missing_value = "true", help_heading = "For each reference")]
    mirror: Vec<bool>,
    /// How much to take where the mask is white, from 0 to 1 [default: 1]
    #[arg(
        long,
        value_name = "S",
        value_parser = numbers::unit,
        allow_negative_numbers = true,
        help_heading = "For each reference"
    )]
    strength: Vec<f32>,
    /// Softens the mask by about this many pixels [default: 0]
    #[arg(
        long,
        value_name = "PX",
        value_parser = numbers::feather_px,
        allow_negative_numbers = true,
        help_heading = "For each reference"
    )]
    feather: Vec<f32>,
    /// Brings it to the colours of the source: on, off or how far, from 0 to 1; before the first --reference that holds for
    /// all of them [default: on]
    #[arg(
        id = MATCH_COLOURS,
        long,
        value_name = "HOW",
        value_parser = numbers::switch,
        requires = "reference",
        allow_negative_numbers = true,
        help_heading = "For each reference"
    )]
    match_colours: Vec<f32>,
    /// What of its style it brings: all, its colours (and light) alone, or its shape alone; behind a colon how many of the model's levels, from
    /// the coarsest on, give colours [default: all; 1 level]
    #[arg(
        long,
        value_name = "all|colours|shape",
        value_parser = numbers::layer_style,
        help_heading = "For each reference"
    )]
    take: Vec<LayerStyle>,
    /// Which face of a photo with several, by the numbers of `align --json`: before the first --reference that of SOURCE, or all
    /// with --in-photo; after one, that of its photo [default: 1, the largest and surest]
    #[arg(
        long,
        value_name = "N",
        value_parser = numbers::face,
        allow_negative_numbers = true,
        help_heading = "For each reference"
    )]
    face: Vec<WhichFace>,
    /// Moves the face along one of the model's directions, in standard deviations: before the first --reference the whole
    /// face, after one only what that brings in; repeat it for more
    #[arg(
        long,
        value_name = "NAME=VALUE",
        value_parser = numbers::direction,
        help_heading = "For each reference"
    )]
    direction: Vec<NamedStep>,
}

impl Args for References {
    fn augment_args(command: Command) -> Command {
        ReferenceOptions::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        ReferenceOptions::augment_args_for_update(command)
    }
}

impl FromArgMatches for References {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let places: Vec<usize> = matches.indices_of("reference").into_iter().flatten().collect();
        let ReferenceOptions {
            reference,
            mask,
            offset,
            scale,
            turn,
            mirror,
            strength,
            feather,
            match_colours,
            take,
            face,
            direction,
        } = ReferenceOptions::from_arg_matches(matches)?;
        let wrong = |message: String| clap::Error::raw(ErrorKind::ValueValidation, message);
        if reference.len() > MAX_REFERENCES {
            return Err(wrong(format!(
                "{} references are given, and at most {MAX_REFERENCES} can be",
                reference.len()
            )));
        }
        let groups = Groups { matches, places };
        let masks = groups.assign("mask", mask)?;
        let offsets = groups.assign("offset", offset)?;
        let posings = groups.assign("scale", scale)?.into_iter().zip(groups.assign("turn", turn)?);
        let posings =
            posings.zip(groups.assign("mirror", mirror)?).map(|((scale, turn_degrees), is_mirrored)| Posing {
                scale: scale.unwrap_or(1.0),
                turn_degrees: turn_degrees.unwrap_or_default(),
                is_mirrored: is_mirrored.unwrap_or_default(),
            });
        let strengths = groups.assign("strength", strength)?;
        let feathers = groups.assign("feather", feather)?;
        let matches_colours = groups.spread(MATCH_COLOURS, match_colours, 1.0)?;
        let styles = groups.assign("take", take)?;
        let (faces, faces_of_references) = groups.sort("face", face);
        let one_face = |faces: &[WhichFace], whom: &str| match faces {
            [] => Ok(LARGEST),
            [face] => Ok(*face),
            _ => Err(wrong(format!("--face is given twice for {whom}"))),
        };
        let face = one_face(&faces, "the source")?;
        let (directions, directions_of_references) = groups.sort("direction", direction);
        let options =
            masks.into_iter().zip(offsets.into_iter().zip(posings)).zip(strengths).zip(feathers).zip(matches_colours);
        let options = options.zip(styles).zip(faces_of_references);
        let mut references = Vec::with_capacity(reference.len());
        for ((photo, options), directions) in reference.into_iter().zip(options).zip(directions_of_references) {
            let ((((((mask, (offset, posing)), strength), feather), match_colours), style), faces) = options;
            let face = one_face(&faces, "one --reference")?;
            if face == WhichFace::All {
                return Err(wrong(
                    "a reference has one face: --face all is for the source, before the first --reference".to_owned(),
                ));
            }
            let Some(mask) = mask else {
                return Err(wrong(format!("the reference {} has no --mask after it", photo.display())));
            };
            references.push(Reference {
                photo,
                mask,
                offset_px: offset.unwrap_or_default(),
                posing,
                strength: strength.unwrap_or(1.0),
                feather_px: feather.unwrap_or_default(),
                match_colours,
                style: style.unwrap_or_default(),
                face,
                directions,
            });
        }
        Ok(Self { references, face, directions })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Where each `--reference` stands on the command line.
struct Groups<'a> {
    matches: &'a ArgMatches,
    places: Vec<usize>,
}

impl Groups<'_> {
    /// The values of an option by the reference that they follow.
    fn assign<T>(&self, option: &str, values: Vec<T>) -> Result<Vec<Option<T>>, clap::Error> {
        let wrong = |message: String| clap::Error::raw(ErrorKind::ValueValidation, message);
        let mut assigned: Vec<Option<T>> = self.places.iter().map(|_| None).collect();
        for (place, value) in self.matches.indices_of(option).into_iter().flatten().zip(values) {
            let group = self.places.iter().filter(|reference| **reference < place).count();
            let Some(slot) = group.checked_sub(1).and_then(|group| assigned.get_mut(group)) else {
                return Err(wrong(format!("--{option} must follow the --reference that it belongs to")));
            };
            if slot.replace(value).is_some() {
                return Err(wrong(format!("--{option} is given twice for one --reference")));
            }
        }
        Ok(assigned)
    }

    /// The value of an option for each reference: the one that follows it, else the one before all references, else `usual`.
    fn spread<T: Copy>(&self, option: &str, values: Vec<T>, usual: T) -> Result<Vec<T>, clap::Error> {
        let wrong = |message: String| clap::Error::raw(ErrorKind::ValueValidation, message);
        let (of_all, of_each) = self.sort(option, values);
        let one = |values: &[T], usual: T, whom: &str| match values {
            [] => Ok(usual),
            [value] => Ok(*value),
            _ => Err(wrong(format!("--{option} is given twice for {whom}"))),
        };
        let usual = one(&of_all, usual, "all references")?;
        of_each.iter().map(|values| one(values, usual, "one --reference")).collect()
    }

    /// The values of an option that may repeat: those before the first reference, and those that follow each.
    fn sort<T>(&self, option: &str, values: Vec<T>) -> (Vec<T>, Vec<Vec<T>>) {
        let mut before = Vec::new();
        let mut sorted: Vec<Vec<T>> = self.places.iter().map(|_| Vec::new()).collect();
        for (place, value) in self.matches.indices_of(option).into_iter().flatten().zip(values) {
            let group = self.places.iter().filter(|reference| **reference < place).count();
            let after = group.checked_sub(1).and_then(|group| sorted.get_mut(group));
            after.unwrap_or(&mut before).push(value);
        }
        (before, sorted)
    }
}
