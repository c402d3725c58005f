//! The edit on screen: finished with the photos' fine structure on a thread of its own, by itself or in its photo, where only the newest
//! edit counts.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use anyhow::Context as _;
use image::RgbImage;
use stylemap::engine::FrameKind;
use stylemap::face::{Extent, PasteTarget, Surroundings};
use stylemap::mailbox::Mailbox;

use crate::document::{Photo, PhotoId, Point};
use crate::edited_face::{EditedPhoto, crop_target};

/// The part of a photo around the face is drawn with sides of at most this: more than most windows show, and fast enough to
/// follow the brush.
const MAX_SIDE_PX: u32 = 1280;
/// A face by itself is drawn at this size under a moving brush; the picture that stays has all that its photo has.
const MOVING_SIZE_PX: u32 = 512;
/// Pictures that are kept ready for the next edit: the photo, and the face at two sizes.
const TARGETS_KEPT: usize = 3;

/// Where an edit is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// By itself.
    Face,
    /// In its photo.
    Photo,
}

/// By what a finished picture is known: of which source, where, and of which frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PatchKey {
    /// The source.
    pub photo: PhotoId,
    /// Where it is looked at.
    pub place: Place,
    /// The frame.
    pub frame: (u64, FrameKind),
    /// Of the faces beside it in the photo; the same for the same pictures of the same faces.
    pub beside: u64,
}

/// A face, or the surroundings of one, with the edit in them.
pub struct Patch {
    /// By what it is known.
    pub key: PatchKey,
    /// Width and height of the pixels.
    pub size_px: [u32; 2],
    /// Row by row from the top left, alpha 255.
    pub rgba: Vec<u8>,
    /// Its upper left and lower right corner in the photo, or in the face's own square, whose sides have length one.
    pub corners: [Point; 2],
    /// What lies around it, where that is not the photo as it was opened.
    pub backdrop: Option<Arc<Backdrop>>,
}

/// A photo for the screen, with the faces that are edited beside the one in hand.
pub struct Backdrop {
    /// By what it is known, see [`PatchKey::beside`].
    pub key: u64,
    /// Of the size of [`Original::preview`](crate::original::Original::preview).
    pub pixels: RgbImage,
}

/// The thread, and what last came from it.
pub struct LivePhoto {
    /// The newest edit that has not begun.
    mailbox: Arc<Mailbox<Option<(PatchKey, EditedPhoto)>>>,
    results: Receiver<anyhow::Result<Patch>>,
    /// What was last sent.
    sent: Option<PatchKey>,
    shown: Option<Arc<Patch>>,
}

impl LivePhoto {
    /// Starts the thread; `wake` is called on it whenever there is something to show.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn spawn(wake: impl Fn() + Send + 'static) -> anyhow::Result<Self> {
        let mailbox = Arc::<Mailbox<Option<(PatchKey, EditedPhoto)>>>::default();
        let (done, results) = channel();
        let of_thread = Arc::clone(&mailbox);
        std::thread::Builder::new()
            .name("live photo".to_owned())
            .spawn(move || {
                let mut paster = Paster::default();
                while let Some((key, edit)) = of_thread.next(Option::take) {
                    if done.send(paster.paste(key, &edit)).is_err() {
                        return; // The workbench is gone.
                    }
                    wake();
                }
            })
            .context("the thread that finishes pictures could not be started")?;
        Ok(Self { mailbox, results, sent: None, shown: None })
    }

    /// Whether an edit was asked for already.
    pub fn is_asked_for(&self, key: PatchKey) -> bool {
        self.sent == Some(key)
    }

    /// Asks for an edit, in place of any that was asked for and has not begun.
    pub fn ask_for(&mut self, key: PatchKey, edit: EditedPhoto) {
        self.sent = Some(key);
        self.mailbox.send(|newest| *newest = Some((key, edit)));
    }

    /// Takes what came, and reports what failed.
    pub fn poll(&mut self) -> Vec<anyhow::Error> {
        let mut failures = Vec::new();
        while let Ok(result) = self.results.try_recv() {
            match result {
                Ok(patch) => self.shown = Some(Arc::new(patch)),
                Err(err) => failures.push(err),
            }
        }
        failures
    }

    /// The newest edit, wherever it is looked at.
    pub fn newest(&self) -> Option<&Arc<Patch>> {
        self.shown.as_ref()
    }

    /// The newest edit of this photo there.
    pub fn shown(&self, photo: PhotoId, place: Place) -> Option<&Arc<Patch>> {
        self.shown.as_ref().filter(|patch| patch.key.photo == photo && patch.key.place == place)
    }
}

impl Drop for LivePhoto {
    fn drop(&mut self) {
        self.mailbox.close();
    }
}

/// Finishes pictures, and keeps what belongs to the face that it worked on last.
#[derive(Default)]
struct Paster {
    photo: Option<PhotoId>,
    /// The newest first.
    targets: Vec<Target>,
    backdrop: Option<Arc<Backdrop>>,
}

/// A picture of the source, ready for one edit after the other.
struct Target {
    /// None: the surroundings in the photo.
    face_px: Option<u32>,
    target: PasteTarget<'static>,
    corners: [Point; 2],
}

impl Target {
    fn of_face(photo: &Photo, size_px: u32) -> anyhow::Result<Self> {
        let corners = [Point::new(0.0, 0.0), Point::new(1.0, 1.0)];
        Ok(Self { face_px: Some(size_px), target: crop_target(&photo.crop, size_px, photo.axis())?, corners })
    }

    fn of_surroundings(edit: &EditedPhoto) -> anyhow::Result<Self> {
        let placement = edit.face.placement()?;
        let pixels = &placement.original.pixels;
        let around =
            Surroundings::new(pixels, &placement.quad, MAX_SIDE_PX)?.context("the face lies outside its photo")?;
        let part = edit.paste_beside(around.pixels.clone(), |quad| around.quad_of(quad))?;
        let Surroundings { quad, origin_in_photo, size_in_photo, .. } = around;
        let in_photo = |[x, y]: [f64; 2]| {
            Point::new((x / f64::from(pixels.width())) as f32, (y / f64::from(pixels.height())) as f32)
        };
        let [left, top] = origin_in_photo.map(f64::from);
        let [width, height] = size_in_photo.map(f64::from);
        let corners = [in_photo([left, top]), in_photo([left + width, top + height])];
        let target = PasteTarget::new(Cow::Owned(part), quad).on_axis(placement.original.file.axis.as_ref());
        Ok(Self { face_px: None, target, corners })
    }
}

impl Backdrop {
    fn new(key: u64, edit: &EditedPhoto) -> anyhow::Result<Self> {
        let original = &edit.face.placement()?.original;
        let preview = original.preview();
        let factor = f64::from(preview.width()) / f64::from(original.pixels.width().max(1));
        let pixels = edit.paste_beside(preview.clone(), |quad| Ok(Some(quad.in_resized_photo(factor)?)))?;
        Ok(Self { key, pixels })
    }
}

impl Paster {
    fn paste(&mut self, key: PatchKey, edit: &EditedPhoto) -> anyhow::Result<Patch> {
        let face = &edit.face;
        if self.photo.replace(face.photo.id) != Some(face.photo.id) {
            self.targets.clear();
        }
        let (face_px, extent) = match key.place {
            Place::Photo => (None, Extent::Changes),
            Place::Face => {
                let full_px = face.full_size_px();
                let is_moving = face.frame.kind != FrameKind::Final;
                (Some(if is_moving { full_px.min(MOVING_SIZE_PX) } else { full_px }), Extent::Whole)
            }
        };
        if key.place == Place::Photo && self.backdrop.as_ref().map(|backdrop| backdrop.key) != shown_beside(key) {
            // The photo around the face is another one too.
            self.targets.retain(|target| target.face_px.is_some());
            self.backdrop = shown_beside(key).map(|of| Backdrop::new(of, edit).map(Arc::new)).transpose()?;
        }
        let known = self.targets.iter().position(|target| target.face_px == face_px);
        let target = match (known, face_px) {
            (Some(index), _) => self.targets.remove(index),
            (None, Some(size_px)) => Target::of_face(&face.photo, size_px)?,
            (None, None) => Target::of_surroundings(edit)?,
        };
        self.targets.insert(0, target);
        self.targets.truncate(TARGETS_KEPT);
        let Some(Target { target, corners, .. }) = self.targets.first_mut() else {
            anyhow::bail!("no picture is ready")
        };
        let picture = face.paste_into(target, extent)?;
        let rgba = picture.pixels().flat_map(|pixel| [pixel.0[0], pixel.0[1], pixel.0[2], 255]).collect();
        let size_px = [picture.width(), picture.height()];
        let backdrop = self.backdrop.as_ref().filter(|_| key.place == Place::Photo).map(Arc::clone);
        Ok(Patch { key, size_px, rgba, corners: *corners, backdrop })
    }
}

/// The faces beside the one in hand, if there are any.
fn shown_beside(key: PatchKey) -> Option<u64> {
    (key.beside != 0).then_some(key.beside)
}
