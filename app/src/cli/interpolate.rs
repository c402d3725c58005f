//! `interpolate`: between two faces.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use stylebrush_app::export::animation::{self, AnimationFormat, there_and_back};
use stylebrush_app::export::folder::numbered_names;
use stylemap::engine::{Base, FaceId, Scene};
use stylemap::files::write_whole;

use super::destination::{Destination, FaceSize};
use super::likeness::Likeness;
use super::output::{Frames, OutputOptions, PictureFile, check_inputs, check_place};
use super::portrait::{FaceOfEach, PortraitOpener};
use super::progress::Progress;
use super::session::Session;
use super::{CommonOptions, numbers};

const EXAMPLES: &str = "\
Examples:
  stylebrush interpolate a.jpg b.jpg --at 0.5 -o between.png
  stylebrush interpolate a.jpg b.jpg --frames 60 -o frames      frames/0001.png … frames/0060.png
  stylebrush interpolate a.jpg b.jpg --frames 24 --and-back -o way.webp
  stylebrush interpolate a.jpg b.jpg --at 0.5 --in-photo -o a_and_b.jpg";

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
    #[command(flatten)]
    steps: Steps,
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
    /// One picture this far along the way: 0 is A, 1 is B
    #[arg(long, value_name = "T", value_parser = numbers::unit, allow_negative_numbers = true)]
    at: Option<f32>,
    /// This many numbered PNG files from A to B, both included
    #[arg(long, value_name = "N", value_parser = numbers::frames, allow_negative_numbers = true)]
    frames: Option<usize>,
}

/// A way takes this long where nobody says otherwise.
const SECONDS: f32 = 2.0;
const FROM: FaceId = FaceId(0);
const TO: FaceId = FaceId(1);

/// What is written.
enum Output {
    Picture(PictureFile),
    /// So many pictures.
    Folder(Frames, usize),
    Moving(PathBuf, AnimationFormat, usize),
}

/// The kind of moving picture that a name asks for; one that ends in .png is a folder or a still picture here.
fn moving_format(path: &Path) -> Option<AnimationFormat> {
    let is_still = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png"));
    AnimationFormat::of(path).ok().filter(|_| !is_still)
}

/// Runs `interpolate`.
pub fn run(common: &CommonOptions, args: &InterpolateArgs) -> anyhow::Result<()> {
    let InterpolateArgs { from, to, steps: Steps { at, frames }, in_photo, face, likeness, size, file, .. } = args;
    let InterpolateArgs { output, seconds, and_back, .. } = args;
    let moving = frames.and_then(|_| moving_format(output));
    anyhow::ensure!(
        moving.is_some() || seconds.is_none() && !and_back,
        "--seconds and --and-back are for moving pictures: they need --frames, and a name that ends in .gif, .webp or .apng"
    );
    let output = match (*frames, moving) {
        (Some(count), Some(format)) => {
            check_place(output)?;
            check_inputs(output, [from.as_path(), to.as_path()], common)?;
            Output::Moving(output.clone(), format, count)
        }
        (Some(count), None) => Output::Folder(Frames::new(output, common)?, count),
        (None, _) => Output::Picture(PictureFile::new(output, [from.as_path(), to.as_path()], common)?),
    };
    let photos = PortraitOpener::new(common);
    let [face_of_a, face_of_b] = face.which()?;
    let from = photos.open_face(from, face_of_a)?;
    let to = photos.open_face(to, face_of_b)?.crop;
    let mut session = Session::open(common)?;
    let mut destination = Destination::new(FROM, &from, *in_photo, *size, &session)?;
    session.add_face(FROM, &from.crop)?;
    session.add_face(TO, &to)?;
    let likeness = likeness.of_faces(&session.engine, [FROM, TO]);
    let options = file.of_photo(destination.file());
    let mut picture = |t: f32| {
        // At the beginning nothing is done to the face: its photo stays as it is.
        let base = if t == 0.0 { Base::Face(FROM) } else { Base::Interpolation { from: FROM, to: TO, t } };
        let scene = Scene { base, directions: Vec::new(), layers: Vec::new(), likeness: likeness.clone() };
        let picture = session.draw(&scene)?;
        destination.finish(&picture, &scene, &session)
    };
    match output {
        Output::Picture(file) => file.write(&picture(at.unwrap_or_default())?, &options),
        Output::Folder(mut folder, count) => {
            let mut progress = Progress::new(count, "frames");
            for (frame, name) in numbered_names(count).enumerate() {
                let t = frame as f32 / (count - 1) as f32;
                folder.add(name, &picture(t)?, &options)?;
                progress.step();
            }
            folder.finish()
        }
        Output::Moving(path, format, count) => {
            let order: Vec<usize> = (0..count).collect();
            let order = if *and_back { there_and_back(&order) } else { order };
            let mut progress = Progress::new(order.len(), "frames");
            let pictures = order.into_iter().map(|frame| {
                let picture = picture(frame as f32 / (count - 1) as f32)?;
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
