//! Motion between two faces: played live, and written as a moving picture or as single ones.

use std::borrow::Cow;
use std::time::Instant;

use anyhow::Context as _;
use image::RgbImage;
use stylemap::face::{Extent, PasteTarget};
use stylemap::photo;

use super::motion_settings::{MotionSettings, MotionTarget};
use super::{EngineState, NoticeKind, Workbench};
use crate::document::history::EditKey;
use crate::document::{Below, Blend, Timeline};
use crate::edited_face::{EditedPhoto, crop_target};
use crate::export::FileOptions;
use crate::export::animation::{self, AnimationFormat};
use crate::export::folder::{PictureFolder, numbered_names};
use crate::export::size::within;
use crate::original::PREVIEW_SIDE_PX;

/// From one face to the other takes this long live.
const SECONDS_PER_WAY: f32 = 2.0;
/// Pictures on their way to a file, drawn one after the other.
struct Recording {
    target: MotionTarget,
    settings: MotionSettings,
    /// Whether the files say that the pictures were made by editing.
    says_edited: bool,
    frames: Vec<EditedPhoto>,
    /// The request for the picture that comes next.
    request: Option<u64>,
}

/// What moves by itself between two faces.
#[derive(Default)]
pub struct Motion {
    /// When it began, and how far along the way it was.
    playing: Option<(Instant, f32)>,
    recording: Option<Recording>,
    /// What is written.
    pub settings: MotionSettings,
}

impl Motion {
    /// Whether it plays live.
    pub fn is_playing(&self) -> bool {
        self.playing.is_some()
    }

    /// Which picture of how many is drawn for a file.
    pub fn progress(&self) -> Option<(usize, usize)> {
        self.recording.as_ref().map(|recording| (recording.frames.len() + 1, recording.settings.count))
    }

    /// Draws no more pictures for a file.
    pub(super) fn cancel_recording(&mut self) {
        self.recording = None;
    }

    /// Whether the next picture for a file is still to be asked for.
    pub(super) fn wants_to_ask(&self) -> bool {
        self.recording.as_ref().is_some_and(|recording| recording.request.is_none())
    }

    /// How much of the way shows now, in [0, 1].
    fn share(&self) -> Option<f32> {
        if let Some(Recording { frames, settings, .. }) = &self.recording {
            return Some(frames.len() as f32 / settings.count.saturating_sub(1).max(1) as f32);
        }
        let (started, from) = self.playing?;
        // There and back, slower at the ends, beginning where the slider stands.
        let phase = (1.0 - 2.0 * from).clamp(-1.0, 1.0).acos() / std::f32::consts::PI;
        let ways = started.elapsed().as_secs_f32() / SECONDS_PER_WAY + phase;
        Some(0.5 - 0.5 * (ways * std::f32::consts::PI).cos())
    }
}

impl Workbench {
    /// The place between the faces that shows now, in place of the document's.
    pub fn moving_at(&self) -> Option<[f32; 2]> {
        self.motion.share().map(|share| self.timeline.document().edit().place_along(share))
    }

    /// Moves to a place between the faces, from the left to the right and from above to below; whoever does stops what moves by itself.
    pub(super) fn set_blend_place(&mut self, at: [f32; 2]) {
        self.stop_motion();
        move_to(&mut self.timeline, at);
    }

    /// Mixes two more faces, or no longer: those that are at hand and not yet mixed.
    pub(super) fn blend_four(&mut self, has_four: bool) {
        self.stop_motion();
        let document = self.timeline.document();
        let (Some(source), Some(blend)) = (document.source(), document.blend()) else { return };
        let mut others = document.photos().iter().map(|photo| photo.id).filter(|id| *id != source && *id != blend.with);
        // Of fewer than four photos some are in two corners.
        let faces = [others.next().unwrap_or(blend.with), others.next().unwrap_or(source)];
        let below = has_four.then_some(Below { faces, y: 0.0 });
        self.edit(if has_four { "Mix four faces" } else { "Mix two faces" }, |document| {
            document.set_style_mix(None);
            document.set_blend(Some(Blend { below, ..blend }))
        });
    }

    /// The motion goes on from where it ended to the place that shows.
    pub(super) fn add_to_blend_path(&mut self) {
        self.stop_motion();
        self.timeline.edit("Add place to path", |document| {
            let Some(blend) = document.blend() else { return };
            let path = document.edit().blend_path().iter().copied().chain([blend.at()]).collect();
            document.set_blend_path(path);
        });
    }

    /// Plays, or stops where it is.
    pub(super) fn toggle_motion(&mut self) {
        if self.motion.is_playing() {
            return self.stop_motion();
        }
        if let Some(blend) = self.timeline.document().blend() {
            // A path is gone along from its beginning.
            let from = if blend.below.is_some() { 0.0 } else { blend.t };
            self.motion.playing = Some((Instant::now(), from));
        }
    }

    /// The slider, or the place between the corners, stays where the motion ends.
    pub(super) fn stop_motion(&mut self) {
        let at = self.moving_at();
        let was_playing = self.motion.playing.take().is_some();
        if let (true, Some(at)) = (was_playing, at) {
            move_to(&mut self.timeline, at);
            self.timeline.seal();
        }
    }

    pub(super) fn record_motion(&mut self, target: MotionTarget) {
        if let MotionTarget::File(path) = &target
            && let Err(err) = AnimationFormat::of(path)
        {
            return self.tell_error(&err);
        }
        if let EngineState::Failed(_) = self.engine.state() {
            return self.tell(NoticeKind::Error, "There is nothing to export: the model could not be loaded.");
        }
        self.stop_motion();
        let has_photo = self.source_in_photo().is_some();
        let settings = self.motion.settings;
        let settings = MotionSettings { in_photo: settings.in_photo && has_photo, ..settings };
        let says_edited = self.export_settings().says_edited;
        self.motion.recording = Some(Recording { target, settings, says_edited, frames: Vec::new(), request: None });
    }

    /// Width and height of a motion's pictures with these settings.
    pub fn motion_size_px(&self, settings: &MotionSettings) -> (u32, u32) {
        match self.source_in_photo().filter(|_| settings.in_photo) {
            Some((_, placement)) => {
                let preview = within(PREVIEW_SIDE_PX, placement.original.pixels.dimensions());
                within(settings.side_px, preview)
            }
            None => {
                let side = self.exported_face_px().min(settings.side_px);
                (side, side)
            }
        }
    }

    /// Takes the picture that was asked for and asks for the next; writes them when all are there. `is_asked` says whether
    /// the engine's newest request is of the place where the motion is.
    pub(super) fn update_motion(&mut self, is_asked: bool) {
        if self.timeline.document().blend().is_none() {
            (self.motion.playing, self.motion.recording) = (None, None);
        }
        let Some(recording) = &mut self.motion.recording else { return };
        // The photo around the face has its other faces in it.
        let waits_beside = recording.settings.in_photo && self.engine.waits_beside();
        let Some(request) = recording.request else {
            recording.request = is_asked.then(|| self.engine.newest_request());
            return;
        };
        if waits_beside || self.engine.final_frame(request).is_none() {
            return;
        }
        let Some(edit) = self.edited_photo() else { return };
        let Some(recording) = &mut self.motion.recording else { return };
        recording.frames.push(edit);
        recording.request = None;
        if recording.frames.len() >= recording.settings.count
            && let Some(recording) = self.motion.recording.take()
        {
            let path = recording.target.path().to_owned();
            self.start_export(path, move |_| recording.write());
        }
    }
}

fn move_to(timeline: &mut Timeline, at: [f32; 2]) {
    let Some(blend) = timeline.document().blend() else { return };
    timeline.edit_continuously("Change blend", EditKey::BlendAmount, |document| {
        // The faces are in the document, as they are in the blend.
        let _ = document.set_blend(Some(blend.moved_to(at)));
    });
}

/// Makes the pictures of a motion, one after the other.
struct MotionPictures<'a> {
    frames: &'a [EditedPhoto],
    target: PasteTarget<'static>,
    extent: Extent,
}

impl<'a> MotionPictures<'a> {
    fn new(frames: &'a [EditedPhoto], settings: &MotionSettings) -> anyhow::Result<Self> {
        let first = frames.first().context("there are no pictures to write")?;
        let MotionSettings { in_photo, side_px, .. } = *settings;
        if !in_photo {
            let face = &first.face;
            let size_px = face.full_size_px().min(side_px);
            let target = crop_target(&face.photo.crop, size_px, face.photo.axis())?;
            return Ok(Self { frames, target, extent: Extent::Whole });
        }
        let placement = first.face.placement()?;
        let preview = placement.original.preview();
        let (width, height) = within(side_px, preview.dimensions());
        let factor = f64::from(width) / f64::from(placement.original.pixels.width().max(1));
        let small = photo::shrunk(preview, width, height);
        let around = first.paste_beside(small, |quad| Ok(Some(quad.in_resized_photo(factor)?)))?;
        let quad = placement.quad.in_resized_photo(factor)?;
        let target = PasteTarget::new(Cow::Owned(around), quad).on_axis(placement.original.file.axis.as_ref());
        Ok(Self { frames, target, extent: Extent::Changes })
    }

    fn picture(&mut self, index: usize) -> anyhow::Result<RgbImage> {
        let frame = self.frames.get(index).context("a picture is missing")?;
        Ok(frame.face.paste_into(&mut self.target, self.extent)?)
    }
}

impl Recording {
    fn write(&self) -> anyhow::Result<()> {
        let Self { target, settings, says_edited, frames, .. } = self;
        let MotionSettings { count, seconds, returns, .. } = settings;
        let mut pictures = MotionPictures::new(frames, settings)?;
        let order: Vec<usize> = (0..frames.len()).collect();
        match target {
            MotionTarget::File(path) => {
                let frame_ms = (seconds * 1e3 / count.saturating_sub(1).max(1) as f32).round().clamp(10.0, 60_000.0);
                let order = if *returns { animation::there_and_back(&order) } else { order };
                let pictures = order.into_iter().map(|index| pictures.picture(index));
                let bytes = animation::encode(pictures, frame_ms as u16, AnimationFormat::of(path)?, *says_edited)
                    .with_context(|| format!("cannot write {}", path.display()))?;
                Ok(stylemap::files::write_whole(path, &bytes)?)
            }
            MotionTarget::Folder(path) => {
                let mut folder = PictureFolder::new(path)?;
                for (name, index) in numbered_names(order.len()).zip(order) {
                    let options = FileOptions { says_edited: *says_edited, ..FileOptions::default() };
                    folder.add(name, &pictures.picture(index)?, &options)?;
                }
                folder.finish()
            }
        }
    }
}
