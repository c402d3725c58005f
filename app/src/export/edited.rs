//! An edited face or its photo as a file, as the user chose it: the same for the window, its batches and the command line.

use std::path::Path;

use image::DynamicImage;

use super::size::resized;
use super::{Format, change_layer, write};
use crate::edited_face::EditedPhoto;
use crate::settings::ExportSettings;

/// Writes an edited face by itself, or its photo with everything that is edited in it.
///
/// # Errors
/// When the file's name says no kind of picture or one that cannot hold what is wanted, or it cannot be written.
pub fn write_edit(edit: &EditedPhoto, in_photo: bool, path: &Path, settings: &ExportSettings) -> anyhow::Result<()> {
    // Known before the work begins.
    let format = Format::of(path)?;
    anyhow::ensure!(
        !settings.writes_change_only() || format.has_transparency(),
        "cannot write {}: a JPEG has no transparency, which a layer of the change needs; choose .png, .webp or .tif",
        path.display()
    );
    let photo = if in_photo { Some(&edit.face.placement()?.original.file) } else { None };
    write(path, &picture_of(edit, in_photo, settings)?, format, &settings.file_options(photo))
}

/// The picture that is written.
///
/// # Errors
/// When the face has no photo around it and should, or there is no memory for it.
pub fn picture_of(edit: &EditedPhoto, in_photo: bool, settings: &ExportSettings) -> anyhow::Result<DynamicImage> {
    let (size, change_only) = (settings.size, settings.writes_change_only());
    if !in_photo {
        let size_px = size.face_px(&edit.face.photo, edit.face.frame.size_px);
        return if change_only {
            edit.face.change_by_itself(size_px)
        } else {
            Ok(edit.face.by_itself(size_px)?.into())
        };
    }
    let original = &edit.face.placement()?.original;
    let size_px = size.photo_px(original.pixels.dimensions());
    let edited = resized(edit.in_own_file()?, size_px);
    if !change_only {
        return Ok(edited);
    }
    // As small as the edited one, before the two are compared: laid over each other they fit.
    let before = resized(original.edited(|_| Ok(()))?, size_px);
    change_layer(&before, &edited)
}
