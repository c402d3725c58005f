//! Masks from and to files, read and written as jobs.

use std::path::{Path, PathBuf};

use image::{GrayImage, ImageReader, Luma, LumaA};

use super::{JobKind, NoticeKind, Workbench};
use crate::document::{LayerId, MaskImage, Placement, Refusal, TakenMask};
use crate::export;
use crate::language::tr;

impl Workbench {
    /// Reads the active layer's mask from a file: over the face, or over the whole photo.
    pub(super) fn import_mask(&mut self, path: PathBuf) {
        let Some(layer) = self.timeline.document().active_layer().map(|layer| layer.id) else { return };
        let placement = self.source_in_photo().map(|(_, placement)| placement);
        let shows_photo = self.shown_photo().is_some();
        let started = self.jobs.start(JobKind::ReadMask, move |_| {
            let mask = read_mask(&path, placement.as_ref(), shows_photo);
            Box::new(move |bench| bench.take_mask(layer, mask))
        });
        if let Err(err) = started {
            self.tell_error(&err.context("the mask could not be imported"));
        }
    }

    /// Writes the active layer's mask as it was painted, before the layer's move: read again it is the same mask. While the
    /// photo shows it is as large as the photo.
    pub(super) fn export_mask(&mut self, path: PathBuf) {
        let Some(layer) = self.timeline.document().active_layer() else { return };
        let mask = layer.mask.clone();
        let placement = self.shown_photo().map(|(_, placement)| placement);
        self.start_export(export::with_png_extension(path), move |path| match placement {
            Some(placement) => export::write_photo_mask(path, &mask.over_photo(&placement)),
            None => export::write_mask(path, &mask),
        });
    }

    fn take_mask(&mut self, layer: LayerId, mask: anyhow::Result<TakenMask>) {
        match mask {
            Ok(_) if self.timeline.document().layer(layer).is_none() => {
                self.tell(NoticeKind::Info, Refusal::NoSuchLayer.to_string());
            }
            Ok(TakenMask { mask, leaves_out }) => {
                if leaves_out {
                    let text = "What the mask paints beside the square around the face is left out";
                    self.tell(NoticeKind::Info, tr(text));
                }
                self.toolbox.finish_gesture(&mut self.timeline);
                self.timeline.edit("Import mask", |document| {
                    document.update_layer(layer, |layer| layer.mask = mask);
                });
            }
            Err(err) => self.tell_error(&err),
        }
    }
}

/// A picture as large as the photo is a mask over the photo, a square one a mask over the face; one that is both is what shows.
fn read_mask(path: &Path, placement: Option<&Placement>, shows_photo: bool) -> anyhow::Result<TakenMask> {
    let size_px = picture_size_px(path);
    let of_photo = placement.filter(|placement| size_px == Some(placement.original.pixels.dimensions()));
    let is_square = size_px.is_none_or(|(width, height)| width == height);
    match (of_photo, placement) {
        (Some(placement), _) if shows_photo || !is_square => {
            Ok(MaskImage::of_photo_mask(&weights_of(path)?, placement))
        }
        (None, Some(placement)) if !is_square => {
            let (width, height) = size_px.unwrap_or_default();
            let (photo_width, photo_height) = placement.original.pixels.dimensions();
            anyhow::bail!(
                "the mask {} is {width} x {height} pixels; it must be square, or {photo_width} x {photo_height} as the photo is",
                path.display()
            )
        }
        _ => Ok(TakenMask { mask: MaskImage::load(path)?, leaves_out: false }),
    }
}

/// None for what is no picture: whoever reads it says so.
fn picture_size_px(path: &Path) -> Option<(u32, u32)> {
    ImageReader::open(path).ok()?.with_guessed_format().ok()?.into_dimensions().ok()
}

/// White is painted, black is not, alpha hides.
fn weights_of(path: &Path) -> anyhow::Result<GrayImage> {
    let picture = ImageReader::open(path)?.with_guessed_format()?.decode()?.into_luma_alpha8();
    let weight = |LumaA([value, alpha]): LumaA<u8>| (u32::from(value) * u32::from(alpha) / 255) as u8;
    Ok(GrayImage::from_fn(picture.width(), picture.height(), |x, y| Luma([weight(*picture.get_pixel(x, y))])))
}
