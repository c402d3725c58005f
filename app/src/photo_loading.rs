//! Opens photos on a thread of its own: decoding a large photo and finding the faces in it takes longer than a frame of the
//! window.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use anyhow::Context as _;
use image::RgbImage;
use stylemap::face::{FaceDetector, Landmarks};

use crate::demo;
use crate::document::{NewPhoto, Photo, PhotoId, Placement};
use crate::original::Original;

/// What file dialogs offer, and what dropped files may be.
pub const PHOTO_EXTENSIONS: [&str; 11] =
    ["png", "jpg", "jpeg", "heic", "heif", "jxl", "webp", "gif", "bmp", "tif", "tiff"];

/// The files in a folder whose names end so, in whatever case, sorted; not those in folders inside it.
///
/// # Errors
/// When it cannot be read.
pub fn files_ending_in(folder: &Path, extensions: &[&str]) -> anyhow::Result<Vec<PathBuf>> {
    let cannot = || format!("cannot read the folder {}", folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        if extension.is_some_and(|extension| extensions.contains(&extension.as_str())) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Why photos are opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// They begin the document. Where they are fewer than two, the portraits that come with the program are behind them.
    Start,
    /// They join the document.
    Add,
    /// They join the document, and the first becomes the source.
    Source,
    /// Another face of a photo takes the place of this one.
    Replace(PhotoId),
    /// Another face of a photo is edited beside this one.
    EditBeside(PhotoId),
}

/// What became of one file, or of a picture that is in none. It comes as soon as it is there: of many photos the first can be
/// worked on while the others are opened.
#[derive(Debug)]
pub struct Batch {
    /// Why it was opened.
    pub purpose: Purpose,
    /// Counts what was asked for: what was asked for together has the same number.
    pub job: u64,
    /// The photo, and with it the portraits that come with the program where they belong behind it.
    pub photos: Vec<NewPhoto>,
    /// What could not be opened, each with its reason.
    pub failures: Vec<anyhow::Error>,
}

/// Gives the pixels of a picture that is in no file.
type MakePicture = Box<dyn FnOnce() -> Option<RgbImage> + Send>;

enum Item {
    File(PathBuf),
    Picture(String, MakePicture),
    Face(Arc<Photo>, Landmarks),
}

struct Job {
    purpose: Purpose,
    items: Vec<Item>,
    /// How often the user had cancelled when it was asked for.
    cancelled_before: u64,
}

#[derive(Default)]
struct Progress {
    remaining: AtomicUsize,
    cancelled: AtomicU64,
}

/// The thread, as the window sees it.
pub struct PhotoLoader {
    jobs: Sender<Job>,
    batches: Receiver<Batch>,
    progress: Arc<Progress>,
}

impl PhotoLoader {
    /// Starts the thread; `wake` is called on it whenever a file is done. With `are_aligned` the photos already are aligned
    /// crops, and nobody looks for faces.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn spawn(are_aligned: bool, wake: impl Fn() + Send + 'static) -> anyhow::Result<Self> {
        let (jobs, jobs_to_do) = channel::<Job>();
        let (done, batches) = channel();
        let progress = Arc::new(Progress::default());
        let of_thread = Arc::clone(&progress);
        std::thread::Builder::new()
            .name("photo loader".to_owned())
            .spawn(move || {
                let mut opener = PhotoOpener::new(are_aligned);
                for (job, Job { purpose, items, cancelled_before }) in (0..).zip(jobs_to_do) {
                    let mut opened = 0;
                    // A start needs no files.
                    let items: Vec<Option<Item>> =
                        if items.is_empty() { vec![None] } else { items.into_iter().map(Some).collect() };
                    let count = items.len();
                    for (index, item) in items.into_iter().enumerate() {
                        let mut batch = Batch { purpose, job, photos: Vec::new(), failures: Vec::new() };
                        let is_cancelled = of_thread.cancelled.load(Ordering::Relaxed) != cancelled_before;
                        if let Some(item) = item.filter(|_| !is_cancelled) {
                            match opener.open(item) {
                                Ok(photo) => batch.photos.push(photo),
                                Err(err) => batch.failures.push(err),
                            }
                        }
                        opened += batch.photos.len();
                        if purpose == Purpose::Start && index + 1 == count && opened < 2 {
                            match demo::photos() {
                                Ok(photos) => batch.photos.extend(photos),
                                Err(err) => batch.failures.push(err),
                            }
                        }
                        let placements = batch.photos.iter().filter_map(|photo| photo.placement.as_ref());
                        let originals: Vec<Arc<Original>> =
                            placements.map(|placement| Arc::clone(&placement.original)).collect();
                        if done.send(batch).is_err() {
                            return; // Nobody waits any more.
                        }
                        wake();
                        // Painting does not wait for this; looking at the whole photo comes later, and finds it.
                        for original in &originals {
                            original.preview();
                        }
                    }
                }
            })
            .context("the thread that opens photos could not be started")?;
        Ok(Self { jobs, batches, progress })
    }

    /// Opens these files; returns at once. A start needs none.
    pub fn open(&self, purpose: Purpose, paths: Vec<PathBuf>) {
        self.send(purpose, paths.into_iter().map(Item::File).collect());
    }

    /// Takes a picture that is in no file; its pixels are made on the loader's thread. Returns at once.
    pub fn take_picture(
        &self,
        purpose: Purpose,
        name: String,
        make: impl FnOnce() -> Option<RgbImage> + Send + 'static,
    ) {
        self.send(purpose, vec![Item::Picture(name, Box::new(make))]);
    }

    /// Cuts out another face of an open photo, or the same face better; returns at once.
    pub fn cut_out(&self, photo: Arc<Photo>, landmarks: Landmarks) {
        self.send(Purpose::Replace(photo.id), vec![Item::Face(photo, landmarks)]);
    }

    /// Cuts out another face of an open photo, to be edited beside it; returns at once.
    pub fn cut_out_beside(&self, photo: Arc<Photo>, landmarks: Landmarks) {
        self.send(Purpose::EditBeside(photo.id), vec![Item::Face(photo, landmarks)]);
    }

    /// Opens no more of the files that were asked for; the one in hand is finished.
    pub fn cancel(&self) {
        self.progress.cancelled.fetch_add(1, Ordering::Relaxed);
    }

    fn send(&self, purpose: Purpose, items: Vec<Item>) {
        if items.is_empty() && purpose != Purpose::Start {
            return;
        }
        let count = items.len().max(1);
        self.progress.remaining.fetch_add(count, Ordering::Relaxed);
        let cancelled_before = self.progress.cancelled.load(Ordering::Relaxed);
        if self.jobs.send(Job { purpose, items, cancelled_before }).is_err() {
            // The thread ends only with the program; were it gone, nothing would be waited for.
            self.progress.remaining.fetch_sub(count, Ordering::Relaxed);
        }
    }

    /// What is done and not yet taken, if there is anything.
    pub fn poll(&self) -> Option<Batch> {
        let batch = self.batches.try_recv().ok()?;
        self.progress.remaining.fetch_sub(1, Ordering::Relaxed);
        Some(batch)
    }

    /// How many files are still to be opened, or to be taken by [`Self::poll`].
    pub fn remaining(&self) -> usize {
        self.progress.remaining.load(Ordering::Relaxed)
    }
}

/// Opens photos, and finds the faces in them.
pub struct PhotoOpener {
    are_aligned: bool,
    /// Made for the first photo.
    detector: Option<FaceDetector>,
}

impl PhotoOpener {
    /// Ready to open; `are_aligned` photos already are square crops, and nobody looks for faces in them.
    pub fn new(are_aligned: bool) -> Self {
        Self { are_aligned, detector: None }
    }

    fn open(&mut self, item: Item) -> anyhow::Result<NewPhoto> {
        match item {
            Item::File(path) => load(&path, self.detector()?),
            Item::Picture(name, make) => {
                let pixels = make().with_context(|| format!("{name} is no picture"))?;
                let original = Original::of_pixels(pixels, self.detector()?)?;
                cut_out_main_face(name, None, original)
            }
            Item::Face(photo, landmarks) => {
                let placement = photo.placement.as_ref().context("this portrait has no photo around it")?;
                let face = Placement::of_face(Arc::clone(&placement.original), landmarks)?;
                Ok(NewPhoto::of_face(photo.name.clone(), photo.path.clone(), face))
            }
        }
    }

    fn detector(&mut self) -> anyhow::Result<Option<&FaceDetector>> {
        if self.detector.is_none() && !self.are_aligned {
            self.detector = Some(FaceDetector::new()?);
        }
        Ok(self.detector.as_ref())
    }
}

/// Opens one photo, upright, cropped to its largest face; to the square in the middle where nobody looks for faces or none
/// is found.
///
/// # Errors
/// When the file cannot be read or is no picture.
pub fn load(path: &Path, detector: Option<&FaceDetector>) -> anyhow::Result<NewPhoto> {
    let original = Original::open(path, detector)?;
    let name = path.file_stem().map_or_else(|| "Photo".to_owned(), |stem| stem.to_string_lossy().into_owned());
    cut_out_main_face(name, Some(path.to_owned()), original)
}

fn cut_out_main_face(name: String, path: Option<PathBuf>, original: Original) -> anyhow::Result<NewPhoto> {
    let original = Arc::new(original);
    if original.faces.len() != 1 {
        // The user will be asked which face is meant, and sees the photo at once.
        original.preview();
    }
    let face = match original.main_face() {
        Some(landmarks) => Placement::of_face(original, landmarks)?,
        None => Placement::of_middle(original)?,
    };
    Ok(NewPhoto::of_face(name, path, face))
}
