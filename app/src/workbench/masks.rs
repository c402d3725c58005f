//! Masks from and to files, read and written as jobs.

use std::path::PathBuf;

use super::{JobKind, NoticeKind, Workbench};
use crate::document::{LayerId, MaskImage, Refusal};
use crate::export;

impl Workbench {
    /// Reads the active layer's mask from a file.
    pub(super) fn import_mask(&mut self, path: PathBuf) {
        let Some(layer) = self.timeline.document().active_layer().map(|layer| layer.id) else { return };
        let started = self.jobs.start(JobKind::ReadMask, move |_| {
            let mask = MaskImage::load(&path);
            Box::new(move |bench| bench.take_mask(layer, mask))
        });
        if let Err(err) = started {
            self.tell_error(&err.context("the mask could not be imported"));
        }
    }

    /// Writes the active layer's mask as it was painted, before the layer's move: read again it is the same mask.
    pub(super) fn export_mask(&mut self, path: PathBuf) {
        let Some(layer) = self.timeline.document().active_layer() else { return };
        let mask = layer.mask.clone();
        self.start_export(export::with_png_extension(path), move |path| export::write_mask(path, &mask));
    }

    fn take_mask(&mut self, layer: LayerId, mask: stylemap::Result<MaskImage>) {
        match mask {
            Ok(_) if self.timeline.document().layer(layer).is_none() => {
                self.tell(NoticeKind::Info, Refusal::NoSuchLayer.to_string());
            }
            Ok(mask) => {
                self.toolbox.finish_gesture(&mut self.timeline);
                self.timeline.edit("Import mask", |document| {
                    document.update_layer(layer, |layer| layer.mask = mask);
                });
            }
            Err(err) => self.tell_error(&err.into()),
        }
    }
}
