//! From a document to a file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder as _, ImageFormat, RgbImage};
use stylemap::photo;

use super::archive::{self, Entry};
use super::format::{
    BelowRecord, BlendRecord, FaceEditRecord, LayerRecord, OriginalRecord, PhotoRecord, PixelsRecord, ProjectRecord,
};
use super::latents;
use super::{DOCUMENT_ENTRY, Project, THUMBNAIL_ENTRY, THUMBNAIL_SIDE_PX};
use crate::document::{Below, CANVAS_SIZE_PX, Document, FaceEdit, Layer, Photo, Placement};
use crate::original::Original;

/// Saves a project whole or not at all: a full disk, a crash or a power cut leaves the one that was there.
///
/// # Errors
/// When the file cannot be written, or the project has more photos than one may have.
pub fn save(path: &Path, project: &Project) -> anyhow::Result<()> {
    write(path, project, None)
}

/// Writes a project with a note of which project it is a later state of.
pub(super) fn write(path: &Path, project: &Project, autosave_of: Option<&Path>) -> anyhow::Result<()> {
    let parts = Parts::of(project);
    let entries = parts.entries(autosave_of).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(archive::write(path, &entries)?)
}

/// What a document is made of, each thing once.
struct Parts<'a> {
    project: &'a Project,
    document: &'a Document,
    originals: Vec<&'a Original>,
    /// Photos with nothing around them.
    portraits: Vec<&'a Photo>,
    /// The faces that a model knows, as entries, by the places of their photos.
    latents: BTreeMap<usize, Vec<u8>>,
}

impl<'a> Parts<'a> {
    fn of(project: &'a Project) -> Self {
        let document = &project.document;
        let mut originals: Vec<&Arc<Original>> = Vec::new();
        let mut portraits = Vec::new();
        for photo in document.photos() {
            match &photo.placement {
                None => portraits.push(&**photo),
                Some(Placement { original, .. }) if !originals.iter().any(|known| Arc::ptr_eq(known, original)) => {
                    originals.push(original);
                }
                Some(_) => {}
            }
        }
        let latents = document.photos().iter().enumerate().filter_map(|(index, photo)| {
            let (latent, model_hash) = project.known_face(photo)?;
            let bytes = latents::to_bytes(latent, model_hash);
            // The photo is there, and whoever opens the project makes its face again.
            let bytes = bytes.inspect_err(|err| log::warn!("the face of {} is not saved: {err:#}", photo.name));
            Some((index, bytes.ok()?))
        });
        let latents = latents.collect();
        let originals = originals.into_iter().map(|original| &**original).collect();
        Self { project, document, originals, portraits, latents }
    }

    /// The archive; what one wants to see first comes first. Made by this thread alone: the others draw what is under the brush.
    fn entries(&self, autosave_of: Option<&Path>) -> anyhow::Result<Vec<Entry<'_>>> {
        let json = self.record(autosave_of).to_json()?;
        let mut entries =
            vec![Entry { name: DOCUMENT_ENTRY.to_owned(), bytes: Cow::Owned(json), is_compressed: false }];
        let mut add = |name, bytes| entries.push(Entry { name, bytes, is_compressed: true });
        if let Some(thumbnail) = &self.project.thumbnail {
            add(THUMBNAIL_ENTRY.to_owned(), Cow::Owned(thumbnail_png(thumbnail)?));
        }
        let layers = self.edits().flat_map(FaceEdit::layers).enumerate();
        for (index, layer) in layers.filter(|(_, layer)| !layer.mask.is_empty()) {
            add(mask_entry(index), Cow::Owned(mask_png(layer)?));
        }
        for (index, original) in self.originals.iter().enumerate() {
            add(original_entry(index, original), Cow::Borrowed(original.encoded.as_slice()));
        }
        for (index, photo) in self.portraits.iter().enumerate() {
            add(self.portrait_entry(index), Cow::Owned(rgb_png(&photo.crop)?));
        }
        // What takes longer to make smaller than to make again is stored as it is.
        for (index, bytes) in &self.latents {
            add(latent_entry(*index), Cow::Borrowed(bytes.as_slice()));
        }
        Ok(entries)
    }

    fn record(&self, autosave_of: Option<&Path>) -> ProjectRecord {
        let Self { project, document, .. } = *self;
        let originals = self.originals.iter().enumerate().map(|(index, original)| OriginalRecord {
            file: original_entry(index, original),
            faces: original.faces.iter().map(Into::into).collect(),
        });
        let pixels = |photo: &Photo| match &photo.placement {
            Some(Placement { original, quad, landmarks }) => {
                let index = self.originals.iter().position(|known| std::ptr::eq(*known, &**original));
                PixelsRecord::crop(index.unwrap_or_default(), quad, landmarks.as_ref())
            }
            None => {
                let index = self.portraits.iter().position(|portrait| portrait.id == photo.id);
                PixelsRecord::File(self.portrait_entry(index.unwrap_or_default()))
            }
        };
        let photos = document.photos().iter().enumerate().map(|(index, photo)| {
            let sample = photo.latent.as_ref().filter(|_| photo.is_sample);
            PhotoRecord {
                name: photo.name.clone(),
                pixels: pixels(photo),
                stylemap: sample.map_or_else(Vec::new, |latent| latent.stylemap.clone()),
                latent: self.latents.contains_key(&index).then(|| latent_entry(index)),
                likeness: document.likeness(photo.id),
            }
        });
        // Counted on from edit to edit, as their masks are.
        let mut layer_count = 0;
        let mut edits = self.edits().map(|edit| {
            let first = layer_count;
            layer_count += edit.layers().len();
            edit_record(document, edit, first)
        });
        ProjectRecord {
            model: project.model.clone(),
            originals: originals.collect(),
            photos: photos.collect(),
            edit: edits.next().unwrap_or_default(),
            other_edits: edits.collect(),
            view: project.view.iter().filter(|(_, v)| v.is_finite()).map(|(name, v)| (name.clone(), *v)).collect(),
            export: project.export.clone(),
            autosave_of: autosave_of.and_then(Path::to_str).map(str::to_owned),
            ..ProjectRecord::new()
        }
        .versioned()
    }

    /// The edits, the one that is worked on first.
    fn edits(&self) -> impl Iterator<Item = &'a FaceEdit> + use<'a> {
        std::iter::once(self.document.edit()).chain(self.document.other_edits())
    }

    /// Portraits are counted on behind the photos.
    fn portrait_entry(&self, index: usize) -> String {
        format!("photos/{}.png", self.originals.len() + index + 1)
    }
}

/// An edit; `first_layer` counts the layers of those before it.
fn edit_record(document: &Document, edit: &FaceEdit, first_layer: usize) -> FaceEditRecord {
    let index_of = |id| document.photos().iter().position(|photo| photo.id == id);
    let layers = edit.layers().iter().enumerate().map(|(index, layer)| {
        let Layer { id: _, name, photo, color, mask, offset_px, strength, feather_px, .. } = layer;
        let Layer { match_colours, takes, coarse_levels, visible, directions, pose, .. } = layer;
        LayerRecord {
            name: name.clone(),
            photo: index_of(*photo).unwrap_or_default(),
            color: *color,
            mask: (!mask.is_empty()).then(|| mask_entry(first_layer + index)),
            offset_px: *offset_px,
            pose: *pose,
            strength: *strength,
            feather_px: *feather_px,
            match_colours: *match_colours,
            takes: *takes,
            coarse_levels: *coarse_levels,
            visible: *visible,
            directions: directions.clone(),
        }
    });
    let active = edit.active_layer().map(|layer| layer.id);
    FaceEditRecord {
        source: edit.source().and_then(index_of),
        blend: edit.blend().and_then(|blend| {
            let below = blend.below.and_then(|Below { faces: [left, right], y }| {
                Some(BelowRecord { faces: [index_of(left)?, index_of(right)?], y })
            });
            Some(BlendRecord { with: index_of(blend.with)?, t: blend.t, below, path: edit.blend_path().to_vec() })
        }),
        style_mix: edit.style_mix(),
        coarse_levels: edit.coarse_levels(),
        directions: edit.directions(None).clone(),
        layers: layers.collect(),
        active_layer: active.and_then(|id| edit.layers().iter().position(|layer| layer.id == id)),
    }
}

fn mask_entry(index: usize) -> String {
    format!("masks/{}.png", index + 1)
}

fn latent_entry(index: usize) -> String {
    format!("latents/{}.safetensors", index + 1)
}

/// Under the extension of its kind, so that an unpacked project has photos that open.
fn original_entry(index: usize, original: &Original) -> String {
    let format = image::guess_format(&original.encoded).ok();
    let extension = format.and_then(|format: ImageFormat| format.extensions_str().first().copied());
    format!("photos/{}.{}", index + 1, extension.unwrap_or("photo"))
}

fn mask_png(layer: &Layer) -> anyhow::Result<Vec<u8>> {
    let side = CANVAS_SIZE_PX as u32;
    png(&layer.mask.to_values(), side, side, ExtendedColorType::L8)
}

fn rgb_png(picture: &RgbImage) -> anyhow::Result<Vec<u8>> {
    png(picture.as_raw(), picture.width(), picture.height(), ExtendedColorType::Rgb8)
}

fn thumbnail_png(picture: &RgbImage) -> anyhow::Result<Vec<u8>> {
    let (width, height) = picture.dimensions();
    let longest = width.max(height);
    if longest <= THUMBNAIL_SIDE_PX {
        return rgb_png(picture);
    }
    let reduced = |len: u32| (u64::from(len) * u64::from(THUMBNAIL_SIDE_PX) / u64::from(longest)).max(1) as u32;
    rgb_png(&photo::shrunk(picture, reduced(width), reduced(height)))
}

fn png(samples: &[u8], width: u32, height: u32, color: ExtendedColorType) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes).write_image(samples, width, height, color)?;
    Ok(bytes)
}
