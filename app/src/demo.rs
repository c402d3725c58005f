//! The portraits that come with the program, so that a first look needs no photo.

use anyhow::Context as _;

use crate::photo_loading::LoadedPhoto;

/// File name, name, bytes: the first is the source of a new document, the second its reference.
const PORTRAITS: [(&str, &[u8]); 8] = [
    ("Portrait 1", include_bytes!("../../assets/demo/female_053.png")),
    ("Portrait 2", include_bytes!("../../assets/demo/male_077.png")),
    ("Portrait 3", include_bytes!("../../assets/demo/female_029.png")),
    ("Portrait 4", include_bytes!("../../assets/demo/male_053.png")),
    ("Portrait 5", include_bytes!("../../assets/demo/female_077.png")),
    ("Portrait 6", include_bytes!("../../assets/demo/male_005.png")),
    ("Portrait 7", include_bytes!("../../assets/demo/female_005.png")),
    ("Portrait 8", include_bytes!("../../assets/demo/male_029.png")),
];

/// The portraits, decoded.
///
/// # Errors
/// Only when the program itself is damaged.
pub fn photos() -> anyhow::Result<Vec<LoadedPhoto>> {
    PORTRAITS
        .iter()
        .map(|(name, bytes)| {
            let picture = image::load_from_memory(bytes).with_context(|| format!("{name} is damaged"))?;
            Ok(LoadedPhoto {
                name: (*name).to_owned(),
                crop: picture.to_rgb8(),
                path: None,
                placement: None,
                stylemap: None,
            })
        })
        .collect()
}
