//! `interpolate`: between two faces.

use std::path::PathBuf;

use clap::Args;
use image::RgbImage;
use stylebrush_app::document::Placement;
use stylebrush_app::export::FileOptions;
use stylebrush_app::export::folder::{PictureFolder, numbered_names};
use stylemap::engine::{Base, FaceId, Scene};
use stylemap::face::head_mask;

use super::output::PictureFile;
use super::portrait::{Portrait, PortraitOpener};
use super::progress::Progress;
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
    #[arg(long)]
    in_photo: bool,
    /// The picture to write (.png, .jpg or .webp), or with --frames the folder
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

/// Runs `interpolate`.
pub fn run(common: &CommonOptions, args: &InterpolateArgs) -> anyhow::Result<()> {
    let InterpolateArgs { steps: Steps { at, frames }, output, .. } = args;
    if let Some(count) = *frames {
        let mut folder = PictureFolder::new(output)?;
        let mut way = Way::open(common, args)?;
        let mut progress = Progress::new(count, "frames");
        for (frame, name) in numbered_names(count).enumerate() {
            folder.add(
                name,
                &way.picture(frame as f32 / (count - 1) as f32)?,
                &FileOptions::with_profile(way.icc_profile()),
            )?;
            progress.step();
        }
        return folder.finish();
    }
    let output = PictureFile::new(output)?;
    let mut way = Way::open(common, args)?;
    output.write(&way.picture(at.unwrap_or_default())?, way.icc_profile())
}

/// The way from one face to the other.
struct Way {
    session: Session,
    /// The photo that the pictures go into, and its face as the model draws it.
    photo: Option<(Placement, RgbImage)>,
}

impl Way {
    fn open(common: &CommonOptions, args: &InterpolateArgs) -> anyhow::Result<Self> {
        let InterpolateArgs { from, to, in_photo, .. } = args;
        let photos = PortraitOpener::new(common)?;
        let Portrait { crop: from, placement } = photos.open(from)?;
        let placement = in_photo.then_some(placement);
        let to = photos.open(to)?.crop;
        let mut session = Session::open(common)?;
        session.engine.add_face(FROM, &from)?;
        session.engine.add_face(TO, &to)?;
        let photo = match placement {
            Some(placement) => Some((placement, session.draw_face(FROM)?)),
            None => None,
        };
        Ok(Self { session, photo })
    }

    /// The picture at `t` from 0 to 1.
    fn picture(&mut self, t: f32) -> anyhow::Result<RgbImage> {
        let base = Base::Interpolation { from: FROM, to: TO, t };
        let scene = Scene { base, directions: Vec::new(), layers: Vec::new() };
        let face = self.session.draw(&scene)?;
        match &self.photo {
            Some((placement, reconstruction)) => {
                let painted = scene.painted_over(FROM, &head_mask(self.session.size_px()));
                Ok(placement.paste(reconstruction, &face, painted)?)
            }
            None => Ok(face),
        }
    }

    fn icc_profile(&self) -> Option<&[u8]> {
        self.photo.as_ref().and_then(|(placement, _)| placement.original.icc_profile.as_deref())
    }
}
