//! Small pictures of the photos, as textures.

use std::collections::HashMap;
use std::sync::Arc;

use egui::{ColorImage, TextureHandle, TextureOptions};
use stylemap::engine::Frame;

use crate::document::{Document, Photo, PhotoId};
use crate::original::Original;

const THUMBNAIL_SIZE_PX: u32 = 160;

/// Thumbnails, made when first shown and dropped with their photos.
#[derive(Default)]
pub struct Thumbnails {
    small: HashMap<PhotoId, TextureHandle>,
    /// Pictures of the engine's, by their places.
    frames: Vec<Option<(Arc<Frame>, TextureHandle)>>,
    /// The one photo that is shown whole.
    preview: Option<(PhotoId, TextureHandle)>,
}

impl Thumbnails {
    /// A photo's thumbnail.
    pub fn small(&mut self, ctx: &egui::Context, photo: &Photo) -> TextureHandle {
        let Photo { id, name, crop, .. } = photo;
        let texture = self.small.entry(*id).or_insert_with(|| {
            let small = image::imageops::thumbnail(crop.as_ref(), THUMBNAIL_SIZE_PX, THUMBNAIL_SIZE_PX);
            let side = THUMBNAIL_SIZE_PX as usize;
            let picture = ColorImage::from_rgb([side, side], small.as_raw());
            ctx.load_texture(format!("thumbnail of {name}"), picture, TextureOptions::LINEAR)
        });
        texture.clone()
    }

    /// A picture of the engine's at a place of a row; another one takes its place.
    pub fn frame(&mut self, ctx: &egui::Context, place: usize, frame: &Arc<Frame>) -> TextureHandle {
        if self.frames.len() <= place {
            self.frames.resize_with(place + 1, || None);
        }
        let make = || {
            let side = frame.size_px;
            let rgba = if frame.rgba.len() == side * side * 4 { frame.rgba.as_slice() } else { &[] };
            let side = if rgba.is_empty() { 0 } else { side };
            ctx.load_texture("frame", ColorImage::from_rgba_unmultiplied([side; 2], rgba), TextureOptions::LINEAR)
        };
        match self.frames.get_mut(place) {
            Some(Some((known, texture))) if Arc::ptr_eq(known, frame) => texture.clone(),
            Some(shown) => {
                let texture = make();
                *shown = Some((Arc::clone(frame), texture.clone()));
                texture
            }
            None => make(),
        }
    }

    /// The whole photo that a face comes from, reduced where it is large.
    pub fn preview(&mut self, ctx: &egui::Context, photo: &Photo, original: &Original) -> TextureHandle {
        let Photo { id, name, .. } = photo;
        if let Some((shown, texture)) = &self.preview
            && shown == id
        {
            return texture.clone();
        }
        let pixels = original.preview();
        let size = [pixels.width() as usize, pixels.height() as usize];
        let texture = ctx.load_texture(name, ColorImage::from_rgb(size, pixels.as_raw()), TextureOptions::LINEAR);
        self.preview = Some((*id, texture.clone()));
        texture
    }

    /// Drops what the document no longer has.
    pub fn retain(&mut self, document: &Document) {
        self.small.retain(|id, _| document.photo(*id).is_some());
    }
}
