//! What names on the command line mean: files, folders of pictures, the standard streams, and URLs of files.

use std::path::{Path, PathBuf};

use stylebrush_app::photo_loading::files_ending_in;

/// How names of pictures end that are looked for in a folder.
const PICTURE_EXTENSIONS: [&str; 12] =
    ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "heic", "heif", "avif", "jxl"];
const URL_OF_FILE: &str = "file://";

/// Whether `-` is meant: the standard input, or the standard output.
pub fn is_standard_stream(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The file that is meant: a `file://` URL is that of its path, as file managers copy it and as [`for_json`] gives what JSON cannot
/// hold.
pub fn of_argument(path: &Path) -> PathBuf {
    let url = path.to_str().and_then(|text| text.strip_prefix(URL_OF_FILE)).filter(|rest| rest.starts_with('/'));
    match url {
        Some(encoded) if !path.exists() => path_of_bytes(decoded(encoded)).unwrap_or_else(|| path.to_owned()),
        _ => path.to_owned(),
    }
}

/// A path as text that leads to it again: itself, or as a URL where it is not Unicode.
pub fn for_json(path: &Path) -> String {
    if let Some(text) = path.to_str() {
        return text.to_owned();
    }
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut url = URL_OF_FILE.to_owned();
    for &byte in whole.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    url
}

fn decoded(encoded: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let digits = behind.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.filter(|_| first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = behind;
            }
        }
    }
    bytes
}

#[cfg(unix)]
fn path_of_bytes(bytes: Vec<u8>) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt as _;
    Some(std::ffi::OsString::from_vec(bytes).into())
}

/// Elsewhere paths are Unicode, and a URL has a slash before the drive.
#[cfg(not(unix))]
fn path_of_bytes(bytes: Vec<u8>) -> Option<PathBuf> {
    String::from_utf8(bytes).ok().map(|text| text.trim_start_matches('/').into())
}

/// The pictures in a folder, by their names' endings, sorted; not those in folders inside it.
///
/// # Errors
/// When it cannot be read or has none.
pub fn pictures_in(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let pictures = files_ending_in(folder, &PICTURE_EXTENSIONS)?;
    anyhow::ensure!(!pictures.is_empty(), "there are no pictures in the folder {}", folder.display());
    Ok(pictures)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn urls_of_files_are_their_paths() {
        assert_eq!(for_json(Path::new("a b/ü.jpg")), "a b/ü.jpg");
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt as _;
            assert_eq!(of_argument(Path::new("file:///a%20b/%C3%BC.jpg")), Path::new("/a b/ü.jpg"));
            let odd = Path::new(std::ffi::OsStr::from_bytes(b"/folder/caf\xe9 100%.jpg"));
            assert_eq!(for_json(odd), "file:///folder/caf%E9%20100%25.jpg");
            assert_eq!(of_argument(Path::new(&for_json(odd))), odd);
        }
        for name in ["file.jpg", "file:/a.jpg", "file://host/a.jpg", "-", "100%.jpg"] {
            assert_eq!(of_argument(Path::new(name)), Path::new(name));
        }
    }

    #[test]
    fn a_folder_stands_for_its_pictures() {
        let folder = tempfile::tempdir().unwrap();
        assert!(pictures_in(folder.path()).unwrap_err().to_string().contains("no pictures"));
        for name in ["b.JPG", "a.png", "notes.txt", "c"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        std::fs::create_dir(folder.path().join("d.png")).unwrap();
        let names: Vec<_> = pictures_in(folder.path()).unwrap();
        assert_eq!(names, ["a.png", "b.JPG"].map(|name| folder.path().join(name)));
        assert!(pictures_in(&folder.path().join("none")).is_err());
    }
}
