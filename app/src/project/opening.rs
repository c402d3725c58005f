//! From a file to a document. The file may be damaged, or made to do harm: what is read, decoded and computed is bounded.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::Context as _;
use image::{DynamicImage, ImageFormat, ImageReader, Limits, Rgb, RgbImage};
use rayon::prelude::*;
use stylemap::face::CropQuad;
use stylemap::latent::Latent;
use stylemap::photo::MAX_FILE_BYTES;

use super::archive::Archive;
use super::format::{
    BelowRecord, BlendRecord, FaceEditRecord, OriginalRecord, PhotoRecord, PixelsRecord, ProjectRecord,
};
use super::latents::{self, KnownFace, MAX_LATENT_BYTES};
use super::{DOCUMENT_ENTRY, ModelIdentity, THUMBNAIL_ENTRY, THUMBNAIL_SIDE_PX, View};
use crate::document::{Below, Blend, CANVAS_SIZE_PX, Document, LayerId, MaskImage, NewPhoto, PhotoId, Placement};
use crate::original::{Original, damage_of};
use crate::sentence::sentence_of;
use crate::settings::ExportChoice;

/// The largest `document.json`: more than a thousand photos with a hundred faces each have.
const MAX_DOCUMENT_BYTES: u64 = 64 << 20;
/// The largest picture of those that this program makes itself: masks, portraits, thumbnails.
const MAX_PNG_BYTES: u64 = 64 << 20;
/// The longest side of a portrait.
const MAX_PORTRAIT_SIDE_PX: u32 = 4096;
/// All pictures together have at most this many pixels, 6 GB in memory,
const MAX_PIXELS: u64 = 2_000_000_000;
/// and at most as many for every byte of the file: photos have fewer than ten.
const MAX_PIXELS_PER_BYTE: u64 = 64;
/// What a single photo may have, it may have in a project too, however small its file is.
const HARMLESS_PIXELS: u64 = 300_000_000;
/// What stands in for a face that cannot be read.
const STAND_IN_SIZE_PX: u32 = 256;
const STAND_IN_COLOR: Rgb<u8> = Rgb([0x80; 3]);

/// A project as it was read. It becomes a document with [`Opened::into_document`].
#[derive(Debug)]
pub struct Opened {
    /// What could not be read, each as a sentence: a damaged photo is a gray square now, a damaged mask is empty, and
    /// everything else is there. Where there are any, saving over the file would make the loss final.
    pub problems: Vec<String>,
    /// The model that the project was made with. Another one shows other pictures, but loses nothing.
    pub model: Option<ModelIdentity>,
    /// Pan, zoom and the like.
    pub view: View,
    /// How its pictures are written, if that was chosen.
    pub export: Option<ExportChoice>,
    /// In an autosave: the file of the project, where it had one.
    pub autosave_of: Option<PathBuf>,
    record: ProjectRecord,
    photos: Vec<NewPhoto>,
    masks: Vec<MaskImage>,
}

/// How far an opening project is, and the way to stop it; shared with another thread.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicUsize,
    total: AtomicUsize,
    is_cancelled: AtomicBool,
}

impl Progress {
    /// How much is done, in [0, 1].
    pub fn share(&self) -> f32 {
        let [done, total] = [&self.done, &self.total].map(|count| count.load(Ordering::Relaxed));
        if total == 0 { 0.0 } else { (done as f32 / total as f32).min(1.0) }
    }

    /// Reads no more than what is in hand; the project ends with [`stylemap::Error::Cancelled`].
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }

    /// Does one of the things to do, unless cancelled.
    fn step<T>(&self, action: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        if self.is_cancelled.load(Ordering::Relaxed) {
            return Err(stylemap::Error::Cancelled.into());
        }
        let result = action();
        self.done.fetch_add(1, Ordering::Relaxed);
        result
    }
}

/// Opens a project, also an autosave.
///
/// # Errors
/// When the file cannot be read, is no project, is of a newer version, or was cancelled. What is damaged within it is reported
/// in [`Opened::problems`].
pub fn open(path: &Path, progress: &Progress) -> anyhow::Result<Opened> {
    let opened = Archive::open(path).and_then(|archive| read(archive, progress));
    opened.with_context(|| format!("cannot open the project {}", path.display()))
}

/// What a project shows, if it says; quick, for lists of projects.
///
/// # Errors
/// When the file cannot be read, is no project, or its thumbnail is damaged.
pub fn thumbnail(path: &Path) -> anyhow::Result<Option<RgbImage>> {
    let read = || -> anyhow::Result<Option<RgbImage>> {
        let mut archive = Archive::open(path)?;
        if !archive.has(THUMBNAIL_ENTRY) {
            return Ok(None);
        }
        let bytes = archive.read(THUMBNAIL_ENTRY, MAX_PNG_BYTES)?;
        let picture = decode_png(&bytes, THUMBNAIL_SIDE_PX).context("its thumbnail is damaged")?;
        Ok(Some(picture.into_rgb8()))
    };
    read().with_context(|| format!("cannot open the project {}", path.display()))
}

/// The words of a project without its pictures.
pub(super) fn record(archive: &mut Archive) -> anyhow::Result<ProjectRecord> {
    anyhow::ensure!(archive.has(DOCUMENT_ENTRY), "it is an archive, but no project of Stylebrush");
    ProjectRecord::from_json(&archive.read(DOCUMENT_ENTRY, MAX_DOCUMENT_BYTES)?)
}

fn read(mut archive: Archive, progress: &Progress) -> anyhow::Result<Opened> {
    let mut record = record(&mut archive)?;
    progress.total.store(record.originals.len() + record.photos.len(), Ordering::Relaxed);
    let mut problems = Vec::new();
    let masks = read_masks(&mut archive, &record, &mut problems);
    let mut reader = PictureReader::new(&mut archive);
    let originals: Vec<_> = (0..record.originals.len()).map(|index| reader.original(&record, index)).collect();
    let portraits: Vec<_> = record.photos.iter().map(|photo| reader.portrait(photo)).collect();
    // Last, so that a face is what there is no room for.
    let latents: Vec<_> = record.photos.iter().map(|photo| read_latent(&mut archive, photo)).collect();
    let originals = decode_originals(&record.originals, originals, progress);
    for (OriginalRecord { file, .. }, original) in record.originals.iter().zip(&originals) {
        if let Ok(original) = original {
            problems.extend(damage_of(original, Path::new(file)));
        }
    }
    let loaded: Vec<_> = record
        .photos
        .par_iter()
        .zip(portraits)
        .zip(latents)
        .map(|((photo, portrait), latent)| progress.step(|| load(photo, portrait, latent, &originals)))
        .collect();
    let mut photos = Vec::with_capacity(loaded.len());
    for (PhotoRecord { name, .. }, loaded) in record.photos.iter().zip(loaded) {
        photos.push(loaded.or_else(|err| {
            if err.downcast_ref::<stylemap::Error>().is_some_and(|err| matches!(err, stylemap::Error::Cancelled)) {
                return Err(err);
            }
            let what =
                format!("the photo {name} cannot be read from the project, and a gray square stands in its place");
            problems.push(sentence_of(&err.context(what)));
            let crop = RgbImage::from_pixel(STAND_IN_SIZE_PX, STAND_IN_SIZE_PX, STAND_IN_COLOR);
            Ok(NewPhoto {
                name: name.clone(),
                crop,
                path: None,
                placement: None,
                latent: None,
                latent_model: None,
                is_sample: false,
            })
        })?);
    }
    Ok(Opened {
        problems,
        model: record.model.take(),
        view: std::mem::take(&mut record.view),
        export: record.export.take(),
        autosave_of: record.autosave_of.take().map(Into::into),
        record,
        photos,
        masks,
    })
}

/// One mask per layer of every edit; a damaged one is empty.
fn read_masks(archive: &mut Archive, record: &ProjectRecord, problems: &mut Vec<String>) -> Vec<MaskImage> {
    let mut read = |file: &Option<String>| {
        let Some(file) = file else { return Ok(MaskImage::default()) };
        let picture = decode_png(&archive.read(file, MAX_PNG_BYTES)?, CANVAS_SIZE_PX as u32)
            .with_context(|| format!("{file} is damaged"))?;
        let mask = MaskImage::from_values(picture.into_luma8().as_raw());
        mask.with_context(|| format!("{file} is not {CANVAS_SIZE_PX} x {CANVAS_SIZE_PX} pixels"))
    };
    let masks = record.layers().map(|layer| {
        read(&layer.mask).unwrap_or_else(|err| {
            let what =
                format!("the mask of the layer {} cannot be read from the project, and is empty now", layer.name);
            problems.push(sentence_of(&err.context(what)));
            MaskImage::default()
        })
    });
    masks.collect()
}

/// Reads the bytes of pictures, of so many pixels together.
struct PictureReader<'a> {
    archive: &'a mut Archive,
    pixels_left: u64,
}

impl<'a> PictureReader<'a> {
    fn new(archive: &'a mut Archive) -> Self {
        let by_len = archive.len().saturating_mul(MAX_PIXELS_PER_BYTE);
        Self { archive, pixels_left: by_len.clamp(HARMLESS_PIXELS, MAX_PIXELS) }
    }

    /// Of a photo's file, if there is a face from it.
    fn original(&mut self, record: &ProjectRecord, index: usize) -> anyhow::Result<Vec<u8>> {
        let uses =
            |photo: &PhotoRecord| matches!(photo.pixels, PixelsRecord::Crop { original, .. } if original == index);
        anyhow::ensure!(record.photos.iter().any(uses), "no face comes from it");
        let file = record.originals.get(index).context("it is missing")?.file.as_str();
        self.read(file, MAX_FILE_BYTES)
    }

    fn read(&mut self, file: &str, max_bytes: u64) -> anyhow::Result<Vec<u8>> {
        let bytes = self.archive.read(file, max_bytes)?;
        let (width, height) = stylemap::photo::size_px(&bytes, Path::new(file))?;
        let left = self.pixels_left.checked_sub(u64::from(width) * u64::from(height));
        self.pixels_left = left.context("all its photos together are too large")?;
        Ok(bytes)
    }

    /// Of a photo without anything around it; nothing of others.
    fn portrait(&mut self, photo: &PhotoRecord) -> anyhow::Result<Vec<u8>> {
        match &photo.pixels {
            PixelsRecord::File(file) => self.read(file, MAX_PNG_BYTES),
            PixelsRecord::Crop { .. } => Ok(Vec::new()),
        }
    }
}

/// A photo's file, or why there is none, in words: several faces may miss it.
type OriginalResult = Result<Arc<Original>, String>;

/// Side by side.
fn decode_originals(
    records: &[OriginalRecord],
    encoded: Vec<anyhow::Result<Vec<u8>>>,
    progress: &Progress,
) -> Vec<OriginalResult> {
    let decoded = records.par_iter().zip(encoded).map(|(OriginalRecord { file, faces }, encoded)| {
        progress.step(|| {
            let faces = faces.iter().filter_map(|face| face.detection()).collect();
            let original = Original::decode(encoded?, faces, Path::new(file))?;
            // Made here, so that the window does not have to.
            original.preview();
            Ok(Arc::new(original))
        })
    });
    decoded.map(|decoded| decoded.map_err(|err| sentence_of(&err))).collect()
}

/// A face: its own picture, or cut out again where it was.
fn load(
    PhotoRecord { name, pixels, stylemap, latent: _, likeness: _ }: &PhotoRecord,
    portrait: anyhow::Result<Vec<u8>>,
    latent: Option<Vec<u8>>,
    originals: &[OriginalResult],
) -> anyhow::Result<NewPhoto> {
    let (placement, crop) = match pixels {
        PixelsRecord::File(file) => {
            let picture = decode_png(&portrait?, MAX_PORTRAIT_SIDE_PX).with_context(|| format!("{file} is damaged"))?;
            anyhow::ensure!(picture.width() == picture.height(), "{file} is not square");
            (None, picture.into_rgb8())
        }
        PixelsRecord::Crop { original, center, half_side, landmarks } => {
            let original = originals.get(*original).context("its photo is missing")?;
            let original = Arc::clone(original.as_ref().map_err(|reason| anyhow::anyhow!("{reason}"))?);
            let (placement, crop) = match landmarks {
                Some(landmarks) => {
                    let landmarks = landmarks.landmarks().context("its points lie nowhere near the photo")?;
                    let quad = CropQuad::from_center_and_half_side(*center, *half_side)?;
                    let crop = original.crop(&quad)?;
                    (Placement { original, quad, landmarks: Some(landmarks) }, crop)
                }
                None => Placement::of_middle(original)?,
            };
            (Some(placement), crop)
        }
    };
    // Of another model's length it is refused by the engine, with a sentence.
    let is_sample = !stylemap.is_empty() && stylemap.iter().all(|value| value.is_finite());
    let (latent, latent_model) = if is_sample {
        (Some(Latent::of_stylemap(stylemap.clone())), None)
    } else {
        latent.and_then(|bytes| known_face(&bytes, name)).unzip()
    };
    let latent = latent.map(Arc::new);
    Ok(NewPhoto { name: name.clone(), crop, path: None, placement, latent, latent_model, is_sample })
}

/// The bytes of what a model made of a photo. Where there are none, and wherever they turn out to be damaged, nothing is lost:
/// the photo itself is there.
fn read_latent(archive: &mut Archive, photo: &PhotoRecord) -> Option<Vec<u8>> {
    let bytes = archive.read(photo.latent.as_deref()?, MAX_LATENT_BYTES);
    bytes.inspect_err(|err| log::warn!("the face of {} is made anew: {err:#}", photo.name)).ok()
}

fn known_face(bytes: &[u8], name: &str) -> Option<KnownFace> {
    latents::from_bytes(bytes).inspect_err(|err| log::warn!("the face of {name} is made anew: {err:#}")).ok()
}

/// A PNG with sides of at most `max_side_px`.
fn decode_png(bytes: &[u8], max_side_px: u32) -> anyhow::Result<DynamicImage> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(max_side_px);
    limits.max_image_height = Some(max_side_px);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), ImageFormat::Png);
    reader.limits(limits);
    Ok(reader.decode()?)
}

impl Opened {
    /// The document. Photos get numbers from `next_photo_id` on, which counts them: numbers are never used twice while the
    /// program runs.
    pub fn into_document(self, next_photo_id: &mut u64) -> Document {
        let Self { record, photos, masks, .. } = self;
        let mut document = Document::default();
        let mut ids = Vec::with_capacity(photos.len());
        for (photo, saved) in photos.into_iter().zip(&record.photos) {
            let id = PhotoId(*next_photo_id);
            *next_photo_id += 1;
            document.add_photo(photo.numbered(id));
            document.set_likeness(id, saved.likeness);
            ids.push(id);
        }
        let mut masks = masks.into_iter();
        let ProjectRecord { edit, other_edits, .. } = record;
        let id = |index: Option<usize>| index.and_then(|index| ids.get(index)).copied();
        let in_hand = id(edit.source);
        in_hand.map(|source| document.set_source(source));
        fill_edit(&mut document, edit, &ids, &mut masks);
        for edit in other_edits {
            id(edit.source).map(|source| document.edit_face(source));
            fill_edit(&mut document, edit, &ids, &mut masks);
        }
        in_hand.map(|source| document.edit_face(source));
        document
    }

    /// How many photos it has.
    pub fn photo_count(&self) -> usize {
        self.photos.len()
    }
}

/// Makes the edit in hand what was saved. What points to nothing was refused when the project was read: nothing is passed over here.
fn fill_edit(
    document: &mut Document,
    record: FaceEditRecord,
    ids: &[PhotoId],
    masks: &mut impl Iterator<Item = MaskImage>,
) {
    let FaceEditRecord { source: _, blend, style_mix, coarse_levels, directions, layers, active_layer } = record;
    let id = |index: usize| ids.get(index).copied();
    if let Some(BlendRecord { with, t, below, path }) = blend {
        let below =
            below.and_then(|BelowRecord { faces: [left, right], y }| Some(Below { faces: [id(left)?, id(right)?], y }));
        let _ = document.set_blend(id(with).map(|with| Blend { with, t, below }));
        document.set_blend_path(path);
    }
    document.set_style_mix(style_mix);
    document.set_coarse_levels(None, coarse_levels);
    document.update_directions(None, |amounts| *amounts = directions);
    let mut known: Vec<LayerId> = Vec::with_capacity(layers.len());
    for (saved, mask) in layers.into_iter().zip(masks) {
        let Some(Ok(layer)) = id(saved.photo).map(|photo| document.add_layer(photo)) else { continue };
        document.update_layer(layer, |layer| {
            layer.name = saved.name;
            layer.color = saved.color;
            layer.mask = mask;
            layer.offset_px = saved.offset_px;
            layer.pose = saved.pose;
            layer.strength = saved.strength;
            layer.feather_px = saved.feather_px;
            layer.match_colours = saved.match_colours;
            (layer.takes, layer.coarse_levels) = (saved.takes, saved.coarse_levels);
            layer.visible = saved.visible;
            layer.directions = saved.directions;
        });
        known.push(layer);
    }
    if let Some(layer) = active_layer.and_then(|index| known.get(index)) {
        document.set_active_layer(*layer);
    }
}
