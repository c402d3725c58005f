//! What kind of file bytes are, by what they begin with: names of files are often wrong.

/// Kinds of file that photos come as, and those that are taken for photos.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Portable Network Graphics.
    Png,
    /// JPEG.
    Jpeg,
    /// WebP.
    WebP,
    /// GIF; its first picture is taken.
    Gif,
    /// A Windows bitmap.
    Bmp,
    /// TIFF; its first picture is taken.
    Tiff,
    /// A photo of a phone: HEIF with HEVC inside.
    Heic,
    /// JPEG XL.
    JpegXl,
}

impl Kind {
    /// The kind of these bytes.
    ///
    /// # Errors
    /// What they are instead, as the reason why they cannot be opened.
    pub(crate) fn of(bytes: &[u8]) -> Result<Self, String> {
        if bytes.is_empty() {
            return Err("the file is empty".to_owned());
        }
        let kind = match bytes {
            [0x89, b'P', b'N', b'G', ..] => Self::Png,
            [0xff, 0xd8, 0xff, 0xf7, ..] => return Err(unsupported("a JPEG-LS picture", SAVE_AS)),
            [0xff, 0xd8, ..] => Self::Jpeg,
            [b'G', b'I', b'F', b'8', ..] => Self::Gif,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Self::WebP,
            [0xff, 0x0a, ..] | [0, 0, 0, 0x0c, b'J', b'X', b'L', b' ', ..] => Self::JpegXl,
            [b'B', b'M', _, _, _, _, _, _, _, _, _, _, _, _, header, 0, 0, 0, ..]
                if [12, 16, 40, 52, 56, 64, 108, 124].contains(header) =>
            {
                Self::Bmp
            }
            [b'I', b'I', 0x2a | 0x2b, 0, ..] | [b'M', b'M', 0, 0x2a | 0x2b, ..] => tiff(bytes)?,
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => heif(bytes)?,
            _ => return Err(other(bytes)),
        };
        Ok(kind)
    }

    /// How its files are called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
            Self::Heic => "HEIC",
            Self::JpegXl => "JPEG XL",
        }
    }
}

const SAVE_AS: &str = "save it as PNG or JPEG with the program that made it";
const DEVELOP: &str = "develop it to TIFF or JPEG with the camera maker’s program, darktable or the like";

fn unsupported(what: &str, way_out: &str) -> String {
    format!("it is {what}, which this program does not open: {way_out}")
}

/// Several cameras' raw files are TIFF files by their beginning.
fn tiff(bytes: &[u8]) -> Result<Kind, String> {
    let starts = |at: usize, text: &[u8]| bytes.get(at..).is_some_and(|rest| rest.starts_with(text));
    if starts(8, b"CR\x02") {
        return Err(unsupported("a raw photo of a Canon camera", DEVELOP));
    }
    Ok(Kind::Tiff)
}

fn heif(bytes: &[u8]) -> Result<Kind, String> {
    let brands = bytes.get(8..64.min(bytes.len())).unwrap_or_default();
    let major = brands.get(..4).unwrap_or_default();
    let has = |wanted: &[u8]| brands.chunks_exact(4).any(|brand| brand == wanted);
    match major {
        b"avif" | b"avis" => Err(unsupported("an AVIF picture", SAVE_AS)),
        b"crx " => Err(unsupported("a raw photo of a Canon camera", DEVELOP)),
        b"heic" | b"heix" | b"heim" | b"heis" => Ok(Kind::Heic),
        b"mif1" | b"msf1" if has(b"avif") => Err(unsupported("an AVIF picture", SAVE_AS)),
        b"mif1" if has(b"heic") || has(b"heix") => Ok(Kind::Heic),
        b"mif1" | b"mif2" | b"msf1" | b"hevc" | b"hevx" => {
            Err(unsupported("a HEIF picture of a kind that is rarely used", SAVE_AS))
        }
        _ => Err(unsupported("a film, not a photo", "take a single picture from it")),
    }
}

/// A beginning, what begins so, and what to do.
type Signature = (&'static [u8], &'static str, &'static str);

const SIGNATURES: [Signature; 30] = [
    (b"8BPS", "a Photoshop document", "save a copy as PNG, TIFF or JPEG in Photoshop or another editor"),
    (b"gimp xcf", "a GIMP document", "export it as PNG in GIMP"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture", SAVE_AS),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture", SAVE_AS),
    (b"II\xbc", "a JPEG XR picture", SAVE_AS),
    (b"FUJIFILMCCD-RAW", "a raw photo of a Fujifilm camera", DEVELOP),
    (b"IIRO", "a raw photo of an Olympus camera", DEVELOP),
    (b"IIRS", "a raw photo of an Olympus camera", DEVELOP),
    (b"IIU\0", "a raw photo of a Panasonic camera", DEVELOP),
    (b"FOVb", "a raw photo of a Sigma camera", DEVELOP),
    (b"v/1\x01", "an OpenEXR picture", "export it as 16 bit PNG or TIFF"),
    (b"#?RADIANCE", "a Radiance picture", "export it as 16 bit PNG or TIFF"),
    (b"DDS ", "a texture (DDS)", SAVE_AS),
    (b"qoif", "a QOI picture", SAVE_AS),
    (b"farbfeld", "a farbfeld picture", SAVE_AS),
    (b"\0\0\x01\0", "an icon", SAVE_AS),
    (b"%PDF", "a PDF document", "export the page as PNG, or take the picture out of it"),
    (b"%!PS", "a PostScript document", "export the page as PNG"),
    (b"\xc5\xd0\xd3\xc6", "a PostScript document", "export the page as PNG"),
    (b"PK\x03\x04", "an archive or a document (zip)", "take the photo out of it"),
    (b"\x1f\x8b", "a compressed file (gzip)", "unpack it"),
    (b"7z\xbc\xaf", "an archive (7z)", "take the photo out of it"),
    (b"Rar!", "an archive (RAR)", "take the photo out of it"),
    (b"\x1aE\xdf\xa3", "a film, not a photo", "take a single picture from it"),
    (b"OggS", "sound or a film, not a photo", "take a single picture from it"),
    (b"ID3", "sound, not a photo", "choose a photo"),
    (b"SIMPLE  =", "a FITS picture", SAVE_AS),
    (b"SQLite format 3", "a database", "choose a photo"),
    (b"\x7fELF", "a program", "choose a photo"),
    (b"MZ", "a program", "choose a photo"),
];

fn other(bytes: &[u8]) -> String {
    if let Some((_, what, way_out)) = SIGNATURES.iter().find(|(start, ..)| bytes.starts_with(start)) {
        return unsupported(what, way_out);
    }
    if bytes.starts_with(b"RIFF") {
        return unsupported("sound or a film, not a photo", "take a single picture from it");
    }
    if let [b'P', b'1'..=b'7', b' ' | b'\n' | b'\r' | b'\t' | b'#', ..] = bytes {
        return unsupported("a picture of the PNM family", SAVE_AS);
    }
    if bytes.iter().take(4096).all(|byte| *byte == 0) {
        return "it holds nothing but zeros: it was never written whole, so take the photo from the camera or a backup \
                once more"
            .to_owned();
    }
    let start = bytes.get(..bytes.len().min(512)).unwrap_or_default();
    let lower = start.to_ascii_lowercase();
    let contains = |text: &[u8]| lower.windows(text.len()).any(|window| window == text);
    let text = lower.trim_ascii_start();
    if contains(b"<svg") {
        return unsupported("a drawing (SVG)", "export it as PNG");
    }
    if text.starts_with(b"<!doctype html") || contains(b"<html") {
        return unsupported("a web page", "download the photo itself");
    }
    let is_text = start.iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e | 0x80..));
    if is_text && std::str::from_utf8(start).is_ok() {
        return unsupported("text", "choose a photo");
    }
    "it is no picture of a kind that this program knows, which are PNG, JPEG, HEIC, JPEG XL, WebP, GIF, BMP and TIFF"
        .to_owned()
}
