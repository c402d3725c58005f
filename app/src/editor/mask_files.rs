//! Masks from and to files: read and written on threads of their own, taken by the window when they are there.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::{Editor, Kind};
use crate::document::{LayerId, MaskImage, Refusal};
use crate::export;

/// A mask that was read for a layer.
type Imported = (LayerId, stylemap::Result<MaskImage>);

/// The masks that are being read.
pub struct MaskFiles {
    sender: Sender<Imported>,
    imported: Receiver<Imported>,
    pending: usize,
}

impl Default for MaskFiles {
    fn default() -> Self {
        let (sender, imported) = channel();
        Self { sender, imported, pending: 0 }
    }
}

impl MaskFiles {
    /// Whether a mask is still to come.
    pub fn is_busy(&self) -> bool {
        self.pending > 0
    }

    fn poll(&mut self) -> Option<Imported> {
        let imported = self.imported.try_recv().ok()?;
        self.pending = self.pending.saturating_sub(1);
        Some(imported)
    }
}

impl Editor {
    /// Reads the active layer's mask from a file.
    pub(super) fn import_mask(&mut self, path: PathBuf, ctx: &egui::Context) {
        let Some(layer) = self.timeline.document().active_layer().map(|layer| layer.id) else { return };
        let (sender, ctx) = (self.mask_files.sender.clone(), ctx.clone());
        let spawned = std::thread::Builder::new().name("mask import".to_owned()).spawn(move || {
            // The window may be gone already.
            let _ = sender.send((layer, MaskImage::load(&path)));
            ctx.request_repaint();
        });
        match spawned {
            Ok(_) => self.mask_files.pending += 1,
            Err(err) => {
                self.notifications.error(&anyhow::Error::from(err).context("the mask could not be imported"));
            }
        }
    }

    /// Writes the active layer's mask as it was painted, before the layer's move: read again it is the same mask.
    pub(super) fn export_mask(&mut self, path: PathBuf, ctx: &egui::Context) {
        let Some(layer) = self.timeline.document().active_layer() else { return };
        let mask = layer.mask.clone();
        self.spawn_export(export::with_png_extension(path), ctx, move |path| export::write_mask(path, &mask));
    }

    /// Takes the masks that were read.
    pub(super) fn take_masks(&mut self) {
        while let Some((layer, mask)) = self.mask_files.poll() {
            match mask {
                Ok(_) if self.timeline.document().layer(layer).is_none() => {
                    self.notifications.push(Kind::Info, Refusal::NoSuchLayer.to_string());
                }
                Ok(mask) => {
                    self.toolbox.finish_gesture(&mut self.timeline);
                    self.timeline.edit("Import mask", |document| {
                        document.update_layer(layer, |layer| layer.mask = mask);
                    });
                }
                Err(err) => self.notifications.error(&err.into()),
            }
        }
    }
}
