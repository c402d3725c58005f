//! Opens photos on a thread of its own: decoding a large photo takes longer than a frame of the window.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use anyhow::Context as _;
use image::RgbImage;
use image::imageops::FilterType;

/// Crops are kept no larger than this: well above the resolution of any model, and bounded however large the photo was.
pub const MAX_CROP_SIZE_PX: u32 = 1024;

/// What file dialogs offer, and what dropped files may be.
pub const PHOTO_EXTENSIONS: [&str; 8] = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff"];

/// A photo ready for the document.
#[derive(Clone, Debug)]
pub struct LoadedPhoto {
    /// From the file's name.
    pub name: String,
    /// Square, upright.
    pub crop: RgbImage,
    /// The file.
    pub path: Option<PathBuf>,
}

/// Why photos are opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// They were named on the command line: they begin the document.
    Start,
    /// They join the document.
    Add,
}

/// A finished batch.
#[derive(Debug)]
pub struct Batch {
    /// Why it was opened.
    pub purpose: Purpose,
    /// What could be opened, in the order asked for.
    pub photos: Vec<LoadedPhoto>,
    /// What could not, each with its reason.
    pub failures: Vec<anyhow::Error>,
}

struct Job {
    purpose: Purpose,
    paths: Vec<PathBuf>,
}

/// The thread, as the window sees it.
pub struct PhotoLoader {
    jobs: Sender<Job>,
    batches: Receiver<Batch>,
    remaining: Arc<AtomicUsize>,
}

impl PhotoLoader {
    /// Starts the thread; `wake` is called on it whenever a batch is done.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn spawn(wake: impl Fn() + Send + 'static) -> anyhow::Result<Self> {
        let (jobs, jobs_to_do) = channel::<Job>();
        let (done, batches) = channel();
        let remaining = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&remaining);
        std::thread::Builder::new()
            .name("photo loader".to_owned())
            .spawn(move || {
                for Job { purpose, paths } in jobs_to_do {
                    let mut batch = Batch { purpose, photos: Vec::new(), failures: Vec::new() };
                    for path in paths {
                        match load(&path) {
                            Ok(photo) => batch.photos.push(photo),
                            Err(err) => batch.failures.push(err),
                        }
                        left.fetch_sub(1, Ordering::Relaxed);
                        wake();
                    }
                    if done.send(batch).is_err() {
                        return; // The window is gone.
                    }
                    wake();
                }
            })
            .context("the thread that opens photos could not be started")?;
        Ok(Self { jobs, batches, remaining })
    }

    /// Opens these files; returns at once.
    pub fn open(&self, purpose: Purpose, paths: Vec<PathBuf>) {
        self.remaining.fetch_add(paths.len(), Ordering::Relaxed);
        let count = paths.len();
        if self.jobs.send(Job { purpose, paths }).is_err() {
            // The thread ends only with the program; were it gone, nothing would be waited for.
            self.remaining.fetch_sub(count, Ordering::Relaxed);
        }
    }

    /// A batch that is done, if there is one.
    pub fn poll(&self) -> Option<Batch> {
        self.batches.try_recv().ok()
    }

    /// How many files are still to be opened.
    pub fn remaining(&self) -> usize {
        self.remaining.load(Ordering::Relaxed)
    }
}

/// Opens one photo: upright, cropped to the square in the middle, no larger than [`MAX_CROP_SIZE_PX`].
///
/// # Errors
/// When the file cannot be read or is no picture.
pub fn load(path: &Path) -> anyhow::Result<LoadedPhoto> {
    let photo = stylemap::photo::load(path)?;
    let mut crop = stylemap::photo::centered_square(&photo);
    if crop.width() > MAX_CROP_SIZE_PX {
        crop = image::imageops::resize(&crop, MAX_CROP_SIZE_PX, MAX_CROP_SIZE_PX, FilterType::CatmullRom);
    }
    let name = path.file_stem().map_or_else(|| "Photo".to_owned(), |stem| stem.to_string_lossy().into_owned());
    Ok(LoadedPhoto { name, crop, path: Some(path.to_owned()) })
}
