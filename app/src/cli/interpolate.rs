//! `interpolate`: between two faces.

use std::path::PathBuf;

use clap::Args;
use stylebrush_app::export::folder::numbered_names;
use stylemap::engine::{Base, FaceId, Scene};

use super::destination::{Destination, FaceSize};
use super::likeness::Likeness;
use super::output::{Frames, OutputOptions, PictureFile};
use super::portrait::{FaceOfEach, PortraitOpener};
use super::progress::Progress;
use super::refine::Refine;
use super::session::Session;
use super::{CommonOptions, numbers};

const EXAMPLES: &str = "\
Examples:
  stylebrush interpolate a.jpg b.jpg --at 0.5 -o between.png
  stylebrush interpolate a.jpg b.jpg --frames 60 -o frames      frames/0001.png … frames/0060.png
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
    refine: Refine,
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
    /// One picture this far along the way: 0 is A, 1 is B
    #[arg(long, value_name = "T", value_parser = numbers::unit, allow_negative_numbers = true)]
    at: Option<f32>,
    /// This many numbered PNG files from A to B, both included
    #[arg(long, value_name = "N", value_parser = numbers::frames, allow_negative_numbers = true)]
    frames: Option<usize>,
}

const FROM: FaceId = FaceId(0);
const TO: FaceId = FaceId(1);

/// What is written.
enum Output {
    Picture(PictureFile),
    /// So many pictures.
    Folder(Frames, usize),
}

/// Runs `interpolate`.
pub fn run(common: &CommonOptions, args: &InterpolateArgs) -> anyhow::Result<()> {
    let InterpolateArgs { from, to, steps: Steps { at, frames }, in_photo, face, likeness, refine, size, file, output } =
        args;
    let output = match *frames {
        Some(count) => Output::Folder(Frames::new(output, common)?, count),
        None => Output::Picture(PictureFile::new(output, [from.as_path(), to.as_path()], common)?),
    };
    let photos = PortraitOpener::new(common);
    let [face_of_a, face_of_b] = face.which()?;
    let from = photos.open_face(from, face_of_a)?;
    let to = photos.open_face(to, face_of_b)?.crop;
    let mut session = Session::open(common)?.refining(*refine);
    let mut destination = Destination::new(FROM, &from, *in_photo, *size, &session)?;
    session.add_face(FROM, &from.crop)?;
    session.add_face(TO, &to)?;
    let likeness = likeness.of_faces(&session, [FROM, TO]);
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
    }
}
