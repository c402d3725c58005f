//! The edit in its photo, on screen: pasted back on a thread of its own, where only the newest edit counts.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use anyhow::Context as _;
use egui::{Rect, pos2, vec2};
use stylemap::face::{PasteTarget, Surroundings};
use stylemap::mailbox::Mailbox;

use crate::document::{Photo, PhotoId, Placement};
use crate::in_photo::InPhoto;

/// The part of a photo around the face is drawn with sides of at most this: more than most windows show, and fast enough to
/// follow the brush.
const MAX_SIDE_PX: u32 = 1280;

/// The surroundings of a face with the edit in them.
pub struct Patch {
    /// The source.
    pub photo: PhotoId,
    /// The frame.
    pub number: u64,
    /// Width and height of the pixels.
    pub size_px: [u32; 2],
    /// Row by row from the top left, alpha 255.
    pub rgba: Vec<u8>,
    /// Where it lies in the photo, whose own sides have length one.
    pub rect_in_photo: Rect,
}

/// The thread, and what last came from it.
pub struct PhotoView {
    /// The newest edit that has not begun.
    mailbox: Arc<Mailbox<Option<InPhoto>>>,
    results: Receiver<anyhow::Result<Patch>>,
    /// The photo and the frame that were last sent.
    sent: Option<(PhotoId, u64)>,
    shown: Option<Arc<Patch>>,
}

impl PhotoView {
    /// Starts the thread; `wake` is called on it whenever there is something to show.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn spawn(wake: impl Fn() + Send + 'static) -> anyhow::Result<Self> {
        let mailbox = Arc::<Mailbox<Option<InPhoto>>>::default();
        let (done, results) = channel();
        let of_thread = Arc::clone(&mailbox);
        std::thread::Builder::new()
            .name("photo view".to_owned())
            .spawn(move || {
                let mut paster = Paster::default();
                while let Some(edit) = of_thread.next(Option::take) {
                    if done.send(paster.paste(&edit)).is_err() {
                        return; // The window is gone.
                    }
                    wake();
                }
            })
            .context("the thread that puts faces back into photos could not be started")?;
        Ok(Self { mailbox, results, sent: None, shown: None })
    }

    /// Asks for an edit in its photo, in place of any that was asked for and has not begun.
    pub fn update(&mut self, edit: InPhoto) {
        let key = (edit.photo.id, edit.frame.number);
        if self.sent != Some(key) {
            self.sent = Some(key);
            self.mailbox.send(|newest| *newest = Some(edit));
        }
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

    /// The newest edit of this photo.
    pub fn shown(&self, photo: PhotoId) -> Option<&Arc<Patch>> {
        self.shown.as_ref().filter(|patch| patch.photo == photo)
    }
}

impl Drop for PhotoView {
    fn drop(&mut self) {
        self.mailbox.close();
    }
}

/// Pastes, and keeps what belongs to the face that it worked on last.
#[derive(Default)]
struct Paster {
    around: Option<Around>,
}

/// The surroundings of a face, ready for one edit after the other.
struct Around {
    photo: PhotoId,
    target: PasteTarget<'static>,
    rect_in_photo: Rect,
}

impl Around {
    fn new(photo: &Photo, placement: &Placement) -> anyhow::Result<Self> {
        let pixels = &placement.original.pixels;
        let Surroundings { pixels: part, quad, origin_in_photo, size_in_photo } =
            Surroundings::new(pixels, &placement.quad, MAX_SIDE_PX)?.context("the face lies outside its photo")?;
        let photo_size = vec2(pixels.width() as f32, pixels.height() as f32);
        let [left, top] = origin_in_photo.map(|at| at as f32);
        let [width, height] = size_in_photo.map(|len| len as f32);
        let rect_in_photo =
            Rect::from_min_size(pos2(left / photo_size.x, top / photo_size.y), vec2(width, height) / photo_size);
        Ok(Self { photo: photo.id, target: PasteTarget::new(Cow::Owned(part), quad), rect_in_photo })
    }
}

impl Paster {
    fn paste(&mut self, edit: &InPhoto) -> anyhow::Result<Patch> {
        let around = match self.around.take() {
            Some(around) if around.photo == edit.photo.id => around,
            _ => Around::new(&edit.photo, edit.placement()?)?,
        };
        let around = self.around.insert(around);
        let picture = edit.paste_into(&mut around.target)?;
        let rgba = picture.pixels().flat_map(|pixel| [pixel.0[0], pixel.0[1], pixel.0[2], 255]).collect();
        let size_px = [picture.width(), picture.height()];
        let rect_in_photo = around.rect_in_photo;
        Ok(Patch { photo: edit.photo.id, number: edit.frame.number, size_px, rgba, rect_in_photo })
    }
}
