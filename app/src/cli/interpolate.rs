//! `interpolate`: between two faces, or four.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use stylebrush_app::document::{PAST_CORNERS, place_on_path};
use stylebrush_app::export::animation::{self, AnimationFormat, there_and_back};
use stylebrush_app::export::folder::numbered_names;
use stylemap::engine::{Base, FaceId, Scene};
use stylemap::files::write_whole;

use super::destination::{Destination, FaceSize};
use super::likeness::Likeness;
use super::numbers::Place;
use super::output::{Frames, OutputOptions, PictureFile, check_inputs, check_place};
use super::portrait::{FaceOfEach, PortraitOpener};
use super::progress::Progress;
use super::refine::Refine;
use super::session::Session;
use super::{CommonOptions, numbers};

const EXAMPLES: &str = "\
Examples:
  stylebrush interpolate a.jpg b.jpg --at 0.5 -o between.png
  stylebrush interpolate a.jpg b.jpg --frames 60 -o frames      frames/0001.png … frames/0060.png
  stylebrush interpolate a.jpg b.jpg --frames 24 --and-back -o way.webp
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
    refine: Refine,
    #[command(flatten)]
    size: FaceSize,
    #[command(flatten)]
    file: OutputOptions,
    /// How long the way takes in a moving picture, in seconds [default: 2]
    #[arg(long, value_name = "S", value_parser = numbers::seconds)]
    seconds: Option<f32>,
    /// Let a moving picture come back
    #[arg(long)]
    and_back: bool,
    /// The picture to write (.png, .jpg, .webp or .tif; - writes a PNG to the standard output), or with --frames the folder, or a
    /// moving picture: .gif, .webp or .apng
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
/// A way takes this long where nobody says otherwise.
const SECONDS: f32 = 2.0;

/// What is written.
enum Output {
    Picture(PictureFile, Place),
    /// So many pictures.
    Folder(Frames, usize),
    Moving(PathBuf, AnimationFormat, usize),
}

/// The kind of moving picture that a name asks for; one that ends in .png is a folder or a still picture here.
fn moving_format(path: &Path) -> Option<AnimationFormat> {
    let is_still = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png"));
    AnimationFormat::of(path).ok().filter(|_| !is_still)
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
    let InterpolateArgs { from, to, below, steps, path, in_photo, face, likeness, size, file, .. } = args;
    let InterpolateArgs { output, refine, seconds, and_back, .. } = args;
    let files: Vec<&PathBuf> = [from, to].into_iter().chain(below).collect();
    let faces: Vec<FaceId> = (0..).map(FaceId).take(files.len()).collect();
    anyhow::ensure!(path.is_empty() || faces.len() == 4, "--path leads between four faces, A B C D");
    let moving = steps.frames.and_then(|_| moving_format(output));
    anyhow::ensure!(
        moving.is_some() || seconds.is_none() && !and_back,
        "--seconds and --and-back are for moving pictures: they need --frames, and a name that ends in .gif, .webp or .apng"
    );
    let inputs = files.iter().map(|path| path.as_path());
    let output = match (steps.frames, moving) {
        (Some(count), Some(format)) => {
            check_place(output)?;
            check_inputs(output, inputs, common)?;
            Output::Moving(output.clone(), format, count)
        }
        (Some(count), None) => Output::Folder(Frames::new(output, common)?, count),
        (None, _) => {
            let at = steps.at.unwrap_or(Place::Between(0.0));
            // Before anything is read.
            base_at(&faces, at)?;
            Output::Picture(PictureFile::new(output, inputs, common)?, at)
        }
    };
    let photos = PortraitOpener::new(common);
    let which = if below.is_empty() { face.which::<2>()?.to_vec() } else { face.which::<4>()?.to_vec() };
    let opened = files.iter().zip(which).map(|(file, which)| photos.open_face(file, which));
    let portraits = opened.collect::<anyhow::Result<Vec<_>>>()?;
    let source = portraits.first().context("there is no photo")?;
    let mut session = Session::open(common)?.refining(*refine);
    let mut destination = Destination::new(SOURCE, source, *in_photo, *size, &session)?;
    for (face, portrait) in faces.iter().zip(&portraits) {
        session.add_face(*face, &portrait.crop)?;
    }
    let likeness = likeness.of_faces(&session, faces.iter().copied());
    let options = file.of_photo(destination.file());
    let mut picture = |place: Place| {
        let base = base_at(&faces, place)?;
        let scene = Scene { base, directions: Vec::new(), layers: Vec::new(), likeness: likeness.clone() };
        let picture = session.draw(&scene)?;
        destination.finish(&picture, &scene, &session)
    };
    let place_of = |frame: usize, count: usize| {
        let share = frame as f32 / (count - 1) as f32;
        match (faces.len(), path.is_empty()) {
            (4, true) => Place::Corners(place_on_path(&PAST_CORNERS, share)),
            (4, false) => Place::Corners(place_on_path(path, share)),
            _ => Place::Between(share),
        }
    };
    match output {
        Output::Picture(file, place) => file.write(&picture(place)?, &options),
        Output::Folder(mut folder, count) => {
            let mut progress = Progress::new(count, "frames");
            for (frame, name) in numbered_names(count).enumerate() {
                folder.add(name, &picture(place_of(frame, count))?, &options)?;
                progress.step();
            }
            folder.finish()
        }
        Output::Moving(path, format, count) => {
            let order: Vec<usize> = (0..count).collect();
            let order = if *and_back { there_and_back(&order) } else { order };
            let mut progress = Progress::new(order.len(), "frames");
            let pictures = order.into_iter().map(|frame| {
                let picture = picture(place_of(frame, count))?;
                progress.step();
                Ok(picture.into_rgb8())
            });
            let frame_ms = (seconds.unwrap_or(SECONDS) * 1e3 / (count - 1) as f32).round().clamp(10.0, 60_000.0);
            let bytes = animation::encode(pictures, frame_ms as u16, format, true)
                .with_context(|| format!("cannot write {}", path.display()))?;
            Ok(write_whole(&path, &bytes)?)
        }
    }
}
