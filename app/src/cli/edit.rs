//! `edit`: local editing with up to eight references.

use std::path::PathBuf;
use std::sync::Arc;

use clap::error::ErrorKind;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use stylemap::engine::{Base, FaceId, Layer, Scene};
use stylemap::face::head_mask;
use stylemap::photo;

use super::output::PictureFile;
use super::portrait::{Portrait, PortraitOpener};
use super::session::Session;
use super::{CommonOptions, numbers};

const MAX_REFERENCES: usize = 8;

const EXAMPLES: &str = "\
A mask is a square picture over the aligned face, as `stylebrush align` cuts it out: white takes the reference, black keeps the \
source. It is brought to the size of the model's pictures, and --offset and --feather count pixels of that size. The options \
after a --reference belong to it; references are applied in order, each over the result so far.

Examples:
  stylebrush edit me.jpg --reference friend.jpg --mask mouth.png -o out.png
  stylebrush edit me.jpg --reference a.jpg --mask eyes.png --feather 4 \\
                         --reference b.jpg --mask nose.png --offset 0,-6 --strength 0.8 -o out.png
  stylebrush edit me.jpg --reference friend.jpg --mask mouth.png --in-photo -o me_edited.jpg";

/// What `edit` takes.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct EditArgs {
    /// The photo of the face to edit
    #[arg(value_name = "SOURCE")]
    source: PathBuf,
    #[command(flatten)]
    references: References,
    /// Put the edited face back into the photo SOURCE, at the photo's own resolution
    #[arg(long)]
    in_photo: bool,
    /// The picture to write: .png, .jpg or .webp
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
}

/// One reference and the options that follow it.
#[derive(Clone, Debug, PartialEq)]
struct Reference {
    photo: PathBuf,
    mask: PathBuf,
    offset_px: (i32, i32),
    strength: f32,
    feather_px: f32,
}

/// The references in order.
#[derive(Clone, Debug)]
struct References(Vec<Reference>);

/// The options as clap sees them, each by itself; [`References`] puts them together.
#[derive(Args)]
struct ReferenceOptions {
    /// The photo of a face to take something from; repeat it with its own options for more (at most 8)
    #[arg(long, value_name = "PHOTO", required = true, help_heading = "For each reference")]
    reference: Vec<PathBuf>,
    /// Where to take it: white takes the reference, black keeps the source
    #[arg(long, value_name = "MASK", required = true, help_heading = "For each reference")]
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
        let ReferenceOptions { reference, mask, offset, strength, feather } =
            ReferenceOptions::from_arg_matches(matches)?;
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
        let strengths = groups.assign("strength", strength)?;
        let feathers = groups.assign("feather", feather)?;
        let mut references = Vec::with_capacity(reference.len());
        for ((((photo, mask), offset), strength), feather) in
            reference.into_iter().zip(masks).zip(offsets).zip(strengths).zip(feathers)
        {
            let Some(mask) = mask else {
                return Err(wrong(format!("the reference {} has no --mask after it", photo.display())));
            };
            references.push(Reference {
                photo,
                mask,
                offset_px: offset.unwrap_or_default(),
                strength: strength.unwrap_or(1.0),
                feather_px: feather.unwrap_or_default(),
            });
        }
        Ok(Self(references))
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
}

/// Runs `edit`.
pub fn run(common: &CommonOptions, args: &EditArgs) -> anyhow::Result<()> {
    const SOURCE: FaceId = FaceId(0);
    let EditArgs { source, references: References(references), in_photo, output } = args;
    let output = PictureFile::new(output)?;
    let photos = PortraitOpener::new(common)?;
    let Portrait { crop: source, placement } = photos.open(source)?;
    let placement = in_photo.then_some(placement);
    let crops = references.iter().map(|reference| Ok(photos.open(&reference.photo)?.crop));
    let crops = crops.collect::<anyhow::Result<Vec<_>>>()?;
    let mut session = Session::open(common)?;
    let size_px = session.size_px();
    let mut layers = Vec::with_capacity(references.len());
    for (face, reference) in (1..).map(FaceId).zip(references) {
        let Reference { mask, offset_px, strength, feather_px, .. } = reference;
        let mask = Arc::new(photo::load_mask(mask, size_px)?);
        layers.push(Layer { face, mask, offset_px: *offset_px, strength: *strength, feather_px: *feather_px });
    }
    session.engine.add_face(SOURCE, &source)?;
    for (layer, crop) in layers.iter().zip(&crops) {
        session.engine.add_face(layer.face, crop)?;
    }
    let scene = Scene { base: Base::Face(SOURCE), directions: Vec::new(), layers };
    let edited = session.draw(&scene)?;
    let Some(placement) = placement else { return output.write(&edited, None) };
    let painted = scene.painted_over(SOURCE, &head_mask(size_px));
    let picture = placement.paste(&session.draw_face(SOURCE)?, &edited, painted)?;
    output.write(&picture, placement.original.icc_profile.as_deref())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        args: EditArgs,
    }

    fn parse(line: &str) -> Result<Vec<Reference>, String> {
        let parsed = Cli::try_parse_from(format!("edit {line}").split_whitespace());
        parsed.map(|cli| cli.args.references.0).map_err(|err| err.to_string())
    }

    #[test]
    fn options_belong_to_the_reference_before_them() {
        let references = parse(
            "--reference a --strength 0.5 --mask ma me.png --reference b --mask mb --offset -3,4 --feather 2 -o out \
             --reference c --offset=1,-1 --mask mc",
        );
        let expected = |photo: &str, mask: &str, offset_px, strength, feather_px| Reference {
            photo: photo.into(),
            mask: mask.into(),
            offset_px,
            strength,
            feather_px,
        };
        assert_eq!(
            references.unwrap(),
            [
                expected("a", "ma", (0, 0), 0.5, 0.0),
                expected("b", "mb", (-3, 4), 1.0, 2.0),
                expected("c", "mc", (1, -1), 1.0, 0.0),
            ]
        );
    }

    #[test]
    fn options_that_belong_to_no_reference_are_refused() {
        let cases = [
            ("me -o o --mask m --reference a", "must follow"),
            ("me -o o --reference a --mask m --mask n", "twice"),
            ("me -o o --reference a --reference b --mask m", "a has no --mask"),
            ("me -o o --reference a", "--mask"),
            ("me -o o", "--reference"),
            ("me -o o --reference a --mask m --strength 2", "from 0 to 1"),
            ("me -o o --reference a --mask m --strength -1", "from 0 to 1"),
            ("me -o o --reference a --mask m --feather -1", "from 0 to 2048"),
            ("me -o o --reference a --mask m --offset 3", "two whole numbers"),
        ];
        for (line, expected) in cases {
            let err = parse(line).unwrap_err();
            assert!(err.contains(expected), "{line}: {err}");
        }
        let nine = "--reference a --mask m ".repeat(9);
        assert!(parse(&format!("me -o o {nine}")).unwrap_err().contains("at most 8"));
    }
}
