//! The edit in its photo, on screen: pasted back on a thread of its own, where only the newest edit counts.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use egui::{Rect, pos2, vec2};
use stylemap::face::Surroundings;

use crate::document::{Photo, PhotoId};
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

#[derive(Default)]
struct Mailbox {
    newest: Option<InPhoto>,
    stop: bool,
}

#[derive(Default)]
struct Shared {
    mailbox: Mutex<Mailbox>,
    arrived: Condvar,
}

impl Shared {
    fn mailbox(&self) -> MutexGuard<'_, Mailbox> {
        // A panic elsewhere cannot leave the mailbox half changed.
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, change: impl FnOnce(&mut Mailbox)) {
        change(&mut self.mailbox());
        self.arrived.notify_one();
    }

    /// The newest edit; none at the end.
    fn next(&self) -> Option<InPhoto> {
        let mut mailbox = self.mailbox();
        loop {
            if mailbox.stop {
                return None;
            }
            if let Some(newest) = mailbox.newest.take() {
                return Some(newest);
            }
            mailbox = self.arrived.wait(mailbox).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// The thread, and what last came from it.
pub struct PhotoView {
    shared: Arc<Shared>,
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
        let shared = Arc::new(Shared::default());
        let (done, results) = channel();
        let of_thread = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("photo view".to_owned())
            .spawn(move || {
                let mut paster = Paster::default();
                while let Some(edit) = of_thread.next() {
                    if done.send(paster.paste(&edit)).is_err() {
                        return; // The window is gone.
                    }
                    wake();
                }
            })
            .context("the thread that puts faces back into photos could not be started")?;
        Ok(Self { shared, results, sent: None, shown: None })
    }

    /// Asks for an edit in its photo, in place of any that was asked for and has not begun.
    pub fn update(&mut self, edit: InPhoto) {
        let key = (edit.photo.id, edit.frame.number);
        if self.sent != Some(key) {
            self.sent = Some(key);
            self.shared.send(|mailbox| mailbox.newest = Some(edit));
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
        self.shared.send(|mailbox| mailbox.stop = true);
    }
}

/// Pastes, and keeps the surroundings of the face that it worked on last.
#[derive(Default)]
struct Paster {
    around: Option<(PhotoId, Surroundings)>,
}

impl Paster {
    fn paste(&mut self, edit: &InPhoto) -> anyhow::Result<Patch> {
        let photo: &Photo = &edit.photo;
        let placement = edit.placement()?;
        let pixels = &placement.original.pixels;
        let around = match self.around.take() {
            Some((of, around)) if of == photo.id => around,
            _ => Surroundings::new(pixels, &placement.quad, MAX_SIDE_PX)?.context("the face lies outside its photo")?,
        };
        let picture = edit.paste_into(&around.pixels, &around.quad)?;
        let photo_size = vec2(pixels.width() as f32, pixels.height() as f32);
        let [left, top] = around.origin_in_photo.map(|at| at as f32);
        let [width, height] = around.size_in_photo.map(|len| len as f32);
        let rect_in_photo =
            Rect::from_min_size(pos2(left / photo_size.x, top / photo_size.y), vec2(width, height) / photo_size);
        self.around = Some((photo.id, around));
        let rgba = picture.pixels().flat_map(|pixel| [pixel.0[0], pixel.0[1], pixel.0[2], 255]).collect();
        let size_px = [picture.width(), picture.height()];
        Ok(Patch { photo: photo.id, number: edit.frame.number, size_px, rgba, rect_in_photo })
    }
}
