//! `interpolate`: between two faces, or four.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use stylebrush_app::document::{PAST_CORNERS, place_on_path};
use stylebrush_app::export::folder::numbered_names;
use stylemap::engine::{Base, FaceId, Scene};

use super::destination::{Destination, FaceSize};
use super::likeness::Likeness;
use super::numbers::Place;
use super::output::{Frames, OutputOptions, PictureFile};
use super::portrait::{FaceOfEach, PortraitOpener};
use super::progress::Progress;
use super::session::Session;
use super::{CommonOptions, numbers};

const EXAMPLES: &str = "\
Examples:
  stylebrush interpolate a.jpg b.jpg --at 0.5 -o between.png
  stylebrush interpolate a.jpg b.jpg --frames 60 -o frames      frames/0001.png … frames/0060.png
  stylebrush interpolate a.jpg b.jpg --at 0.5 --in-photo -o a_and_b.jpg
  stylebrush interpolate a.jpg b.jpg c.jpg d.jpg --at 0.5,0.25 -o of_four.png
  stylebrush interpolate a.jpg b.jpg c.jpg d.jpg --frames 60 --path 0,0 1,1 0,1 -o frames";

/// What `interpolate` takes.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct InterpolateArgs {
    /// The photo of the face to begin with
    #[arg(value_name = "A")]
    from: PathBuf,
    /// The photo of the face to end with
    #[arg(value_name = "B")]
    to: PathBuf,
    /// Two more faces, which lie below A and below B: what is drawn then lies between four
    #[arg(value_names = ["C", "D"], num_args = 2)]
    below: Vec<PathBuf>,
    #[command(flatten)]
    steps: Steps,
    /// Where the frames between four faces lead, from place to place [default: from A past B, D and C back to A]
    #[arg(long, value_name = "X,Y", num_args = 2.., requires = "frames", value_parser = numbers::corner_place)]
    path: Vec<[f32; 2]>,
    /// Put the face back into the photo A, at the photo's own resolution
    #[arg(long, conflicts_with = "size")]
    in_photo: bool,
    #[command(flatten)]
    face: FaceOfEach,
    #[command(flatten)]
    likeness: Likeness,
    #[command(flatten)]
    size: FaceSize,
    #[command(flatten)]
    file: OutputOptions,
    /// The picture to write (.png, .jpg, .webp or .tif; - writes a PNG to the standard output), or with --frames the folder
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Steps {
    /// One picture this far along the way: 0 is A, 1 is B. Between four faces X,Y: so far from A to B, and so far down to C and D
    #[arg(long, value_name = "T", value_parser = numbers::place, allow_negative_numbers = true)]
    at: Option<Place>,
    /// This many numbered PNG files along the way, its beginning and its end included
    #[arg(long, value_name = "N", value_parser = numbers::frames, allow_negative_numbers = true)]
    frames: Option<usize>,
}

const SOURCE: FaceId = FaceId(0);

/// What is written.
enum Output {
    Picture(PictureFile, Place),
    /// So many pictures.
    Folder(Frames, usize),
}

/// The base at a place between the faces, two or four. At the beginning nothing is done to the face: its photo stays as it is.
fn base_at(faces: &[FaceId], place: Place) -> anyhow::Result<Base> {
    match (faces, place) {
        (_, Place::Between(0.0) | Place::Corners([0.0, 0.0])) => Ok(Base::Face(SOURCE)),
        (&[from, to], Place::Between(t)) => Ok(Base::Interpolation { from, to, t }),
        (&[a, b, c, d], Place::Corners(at)) => Ok(Base::Corners { faces: [a, b, c, d], at }),
        (_, Place::Between(_)) => anyhow::bail!("between four faces --at takes two numbers, such as 0.5,0.25"),
        (_, Place::Corners(_)) => {
            anyhow::bail!("between two faces --at takes one number; two numbers lie between four faces, A B C D")
        }
    }
}

/// Runs `interpolate`.
pub fn run(common: &CommonOptions, args: &InterpolateArgs) -> anyhow::Result<()> {
    let InterpolateArgs { from, to, below, steps, path, in_photo, face, likeness, size, file, output } = args;
    let files: Vec<&PathBuf> = [from, to].into_iter().chain(below).collect();
    let faces: Vec<FaceId> = (0..).map(FaceId).take(files.len()).collect();
    anyhow::ensure!(path.is_empty() || faces.len() == 4, "--path leads between four faces, A B C D");
    let output = match (steps.frames, steps.at) {
        (Some(count), _) => Output::Folder(Frames::new(output, common)?, count),
        (None, at) => {
            let at = at.unwrap_or(Place::Between(0.0));
            // Before anything is read.
            base_at(&faces, at)?;
            Output::Picture(PictureFile::new(output, files.iter().map(|path| path.as_path()), common)?, at)
        }
    };
    let photos = PortraitOpener::new(common);
    let which = if below.is_empty() { face.which::<2>()?.to_vec() } else { face.which::<4>()?.to_vec() };
    let opened = files.iter().zip(which).map(|(file, which)| photos.open_face(file, which));
    let portraits = opened.collect::<anyhow::Result<Vec<_>>>()?;
    let source = portraits.first().context("there is no photo")?;
    let mut session = Session::open(common)?;
    let mut destination = Destination::new(SOURCE, source, *in_photo, *size, &session)?;
    for (face, portrait) in faces.iter().zip(&portraits) {
        session.add_face(*face, &portrait.crop)?;
    }
    let likeness = likeness.of_faces(&session.engine, faces.iter().copied());
    let options = file.of_photo(destination.file());
    let mut picture = |place: Place| {
        let base = base_at(&faces, place)?;
        let scene = Scene { base, directions: Vec::new(), layers: Vec::new(), likeness: likeness.clone() };
        let picture = session.draw(&scene)?;
        destination.finish(&picture, &scene, &session)
    };
    match output {
        Output::Picture(file, place) => file.write(&picture(place)?, &options),
        Output::Folder(mut folder, count) => {
            let path = if path.is_empty() { &PAST_CORNERS } else { path.as_slice() };
            let mut progress = Progress::new(count, "frames");
            for (frame, name) in numbered_names(count).enumerate() {
                let share = frame as f32 / (count - 1) as f32;
                let is_of_four = faces.len() == 4;
                let place = if is_of_four { Place::Corners(place_on_path(path, share)) } else { Place::Between(share) };
                folder.add(name, &picture(place)?, &options)?;
                progress.step();
            }
            folder.finish()
        }
    }
}
