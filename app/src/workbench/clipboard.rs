//! What other programs put on the clipboard: pictures, copied files and paths. It is read as a job, since whoever copied may be
//! slow to hand it over.

use std::path::PathBuf;

use anyhow::Context as _;
use image::{RgbImage, RgbaImage};
use percent_encoding::percent_decode_str;

use super::{JobKind, NoticeKind, Workbench};
use crate::language::tr;
use crate::photo_loading::Purpose;

/// Something on the clipboard.
#[derive(Clone, Debug, PartialEq)]
pub enum Clip {
    /// A picture that is in no file.
    Picture(RgbaImage),
    /// Files that were copied.
    Files(Vec<PathBuf>),
    /// Text, which may hold the paths of files, one in each line.
    Text(String),
}

impl Clip {
    /// Reads the system's clipboard: copied files before a picture, as many programs put the icons of files beside them, and
    /// text last, as a picture may come with its address. `None` where there is none of these.
    ///
    /// # Errors
    /// When the system has no clipboard, or does not hand it over.
    pub fn read() -> anyhow::Result<Option<Self>> {
        let mut clipboard = arboard::Clipboard::new().context("the clipboard cannot be read")?;
        if let Ok(files) = clipboard.get().file_list()
            && !files.is_empty()
        {
            return Ok(Some(Self::Files(files)));
        }
        if let Ok(picture) = clipboard.get().image()
            && let (Ok(width), Ok(height)) = (u32::try_from(picture.width), u32::try_from(picture.height))
            && let Some(picture) = RgbaImage::from_raw(width, height, picture.bytes.into_owned())
        {
            return Ok(Some(Self::Picture(picture)));
        }
        Ok(clipboard.get().text().ok().map(Self::Text))
    }
}

/// What people and programs write for a file: `~/photo.jpg`, `file:///home/me/my%20photo.jpg`, or the path itself.
pub fn path_of(text: &str) -> PathBuf {
    let decoded = text.strip_prefix("file://").map(|address| percent_decode_str(address).decode_utf8_lossy());
    let text = decoded.as_deref().unwrap_or(text);
    match (text.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(text),
    }
}

/// What of a clip can be opened.
enum Pasted {
    Picture(RgbaImage),
    Files(Vec<PathBuf>),
    Nothing,
}

impl From<Option<Clip>> for Pasted {
    fn from(clip: Option<Clip>) -> Self {
        let paths = match clip {
            Some(Clip::Picture(picture)) if !picture.is_empty() => return Self::Picture(picture),
            Some(Clip::Files(paths)) => paths,
            Some(Clip::Text(text)) => {
                let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
                lines.map(path_of).filter(|path| path.is_file()).collect()
            }
            Some(Clip::Picture(_)) | None => Vec::new(),
        };
        if paths.is_empty() { Self::Nothing } else { Self::Files(paths) }
    }
}

impl Workbench {
    /// Opens what is on the clipboard.
    pub(super) fn paste_from_clipboard(&mut self, purpose: Purpose) {
        self.paste(purpose, Clip::read);
    }

    /// Opens what `read` gives, which runs on another thread; says so where that is nothing that can be opened. Returns at
    /// once.
    pub fn paste(&mut self, purpose: Purpose, read: impl FnOnce() -> anyhow::Result<Option<Clip>> + Send + 'static) {
        let started = self.jobs.start(JobKind::ReadClipboard, move |_| {
            let pasted = read().map(Pasted::from);
            Box::new(move |bench: &mut Self| match pasted {
                Ok(Pasted::Picture(picture)) => bench.take_pasted(purpose, picture),
                Ok(Pasted::Files(paths)) => bench.open_paths(purpose, paths),
                Ok(Pasted::Nothing) => {
                    bench.tell(NoticeKind::Info, tr("There is no picture and no path of a photo on the clipboard"));
                }
                Err(err) => bench.tell_error(&err),
            })
        });
        if let Err(err) = started {
            self.tell_error(&err.context("the clipboard could not be read"));
        }
    }

    fn take_pasted(&mut self, purpose: Purpose, picture: RgbaImage) {
        self.loader.take_picture(purpose, tr("Pasted picture").to_owned(), move || {
            let (width, height) = picture.dimensions();
            let rgb = picture.pixels().flat_map(|pixel| [pixel.0[0], pixel.0[1], pixel.0[2]]);
            RgbImage::from_raw(width, height, rgb.collect())
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_files_are_paths() {
        for (text, path) in [
            ("/photos/a b.jpg", "/photos/a b.jpg"),
            ("file:///photos/a%20b.jpg", "/photos/a b.jpg"),
            ("file:///photos/%ED%95%9C.jpg", "/photos/한.jpg"),
            // Not an address: a percent sign is one.
            ("/photos/50%20off.jpg", "/photos/50%20off.jpg"),
        ] {
            assert_eq!(path_of(text), PathBuf::from(path), "{text}");
        }
    }
}
