//! EXIF: a TIFF file's directories in a block of bytes. What a camera's notes point to must stay where it is, so a block is
//! changed in place, and what is new stands behind the old. (The libraries that read EXIF cannot write it, and those that write
//! it move everything.)

mod fields;

pub use fields::{Directories, Field};

/// Directories have a few dozen entries; damaged ones claim more.
const MAX_ENTRIES: usize = 1000;

const IMAGE_WIDTH: u16 = 0x0100;
const IMAGE_LENGTH: u16 = 0x0101;
const COMPRESSION: u16 = 0x0103;
const ORIENTATION: u16 = 0x0112;
const X_RESOLUTION: u16 = 0x011a;
const Y_RESOLUTION: u16 = 0x011b;
const RESOLUTION_UNIT: u16 = 0x0128;
const THUMBNAIL_OFFSET: u16 = 0x0201;
const THUMBNAIL_LEN: u16 = 0x0202;
const XMP: u16 = 0x02bc;
const IPTC: u16 = 0x83bb;
const PHOTOSHOP: u16 = 0x8649;
const EXIF_DIRECTORY: u16 = 0x8769;
const GPS_DIRECTORY: u16 = 0x8825;
const COLOR_SPACE: u16 = 0xa001;
const PIXEL_X_DIMENSION: u16 = 0xa002;
const PIXEL_Y_DIMENSION: u16 = 0xa003;
const INTEROP_DIRECTORY: u16 = 0xa005;
const INTEROP_INDEX: u16 = 0x0001;

const ASCII: u16 = 2;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const RATIONAL: u16 = 5;
const UNDEFINED: u16 = 7;

/// A text that a file holds: what the picture shows.
pub const IMAGE_DESCRIPTION: u16 = 0x010e;
/// A text that a file holds: what wrote it.
pub const SOFTWARE: u16 = 0x0131;

/// A block of EXIF, without the `Exif` marker that JPEG files put before it.
#[derive(Clone, Debug)]
pub struct Exif {
    bytes: Vec<u8>,
    is_little_endian: bool,
}

/// What a picture's EXIF says anew once the picture is another.
#[derive(Clone, Debug, Default)]
pub struct ExifChanges<'a> {
    /// Width and height of the picture in pixels; it is upright.
    pub size_px: (u32, u32),
    /// A small JPEG in place of the old one; without it there is none.
    pub thumbnail: Option<&'a [u8]>,
    /// Texts by their tags, in place of those that were there.
    pub texts: &'a [(u16, &'a str)],
    /// Leaves out where the photo was taken.
    pub without_location: bool,
    /// IPTC records in place of those that were there, for files that have no other place for them.
    pub iptc: Option<&'a [u8]>,
    /// Pixels to the inch in place of those that were said, for files that have no other place for them.
    pub dots_per_inch: Option<[f32; 2]>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    tag: u16,
    kind: u16,
    count: u32,
    value: [u8; 4],
    /// Where it stands.
    at: usize,
}

impl Exif {
    /// A block as a file has it; none where it is damaged.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.strip_prefix(b"Exif\0\0").unwrap_or(bytes);
        let is_little_endian = match bytes.get(..4)? {
            b"II\x2a\0" => true,
            b"MM\0\x2a" => false,
            _ => return None,
        };
        let exif = Self { bytes: bytes.to_vec(), is_little_endian };
        exif.root()?;
        Some(exif)
    }

    /// A block that says nothing yet.
    pub fn empty() -> Self {
        // One directory without entries, and none after it.
        Self { bytes: b"II\x2a\0\x08\0\0\0\0\0\0\0\0\0".to_vec(), is_little_endian: true }
    }

    /// The block.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How the stored pixels are to be turned, from 1 (upright) to 8.
    pub fn orientation(&self) -> Option<u8> {
        let (entries, _) = self.root()?;
        let value = self.number(find(&entries, ORIENTATION)?)?;
        u8::try_from(value).ok().filter(|value| (1..=8).contains(value))
    }

    /// Whether the colours are those of Adobe RGB: cameras say so here, and embed no profile.
    pub fn is_adobe_rgb(&self) -> bool {
        let says = || {
            let (exif, _) = self.directory_of(&self.root()?.0, EXIF_DIRECTORY)?;
            let color_space = find(&exif, COLOR_SPACE).and_then(|entry| self.number(entry));
            let (interop, _) = self.directory_of(&exif, INTEROP_DIRECTORY)?;
            let index = find(&interop, INTEROP_INDEX)?.value;
            Some(color_space != Some(1) && index.starts_with(b"R03"))
        };
        says().unwrap_or(false)
    }

    /// Pixels to the inch, horizontally and vertically.
    pub fn dots_per_inch(&self) -> Option<[f32; 2]> {
        let (entries, _) = self.root()?;
        let per_unit = [X_RESOLUTION, Y_RESOLUTION].map(|tag| self.ratio(find(&entries, tag)?));
        let unit = find(&entries, RESOLUTION_UNIT).and_then(|entry| self.number(entry)).unwrap_or(2);
        let inches = match unit {
            2 => 1.0,
            3 => 2.54,
            _ => return None,
        };
        let [Some(x), Some(y)] = per_unit else { return None };
        Some([x * inches, y * inches])
    }

    /// The same of a picture that was changed. The orientation is upright, sizes are those of the picture, and nothing of the old
    /// picture is left: its thumbnail is overwritten.
    pub fn changed(mut self, changes: &ExifChanges<'_>) -> Vec<u8> {
        let (mut root, next) = self.root().unwrap_or_default();
        if let Some((thumbnail, _)) = self.directory_at(next) {
            let number = |tag| find(&thumbnail, tag).and_then(|entry| self.number(entry));
            if let (Some(offset), Some(len)) = (number(THUMBNAIL_OFFSET), number(THUMBNAIL_LEN)) {
                self.erase(offset as usize, len as usize);
            }
            self.erase(next as usize, 2 + 12 * thumbnail.len() + 4);
        }
        if changes.without_location
            && let Some((gps, _)) = self.directory_of(&root, GPS_DIRECTORY)
        {
            gps.iter().for_each(|entry| self.erase_entry(entry));
        }
        // Records and packets name places too. A packet in here is one that nobody looks at beside the file's own.
        for tag in [IPTC, PHOTOSHOP, XMP] {
            if let Some(entry) = find(&root, tag).copied().filter(|_| tag == IPTC || changes.without_location) {
                self.erase_entry(&entry);
                root.retain(|entry| entry.tag != tag);
            }
        }
        let (width, height) = changes.size_px;
        if let Some((exif, _)) = self.directory_of(&root, EXIF_DIRECTORY) {
            for entry in exif {
                match entry.tag {
                    PIXEL_X_DIMENSION => self.write_number(&entry, width),
                    PIXEL_Y_DIMENSION => self.write_number(&entry, height),
                    _ => {}
                }
            }
        }
        let is_replaced = |tag: u16| changes.texts.iter().any(|(text, _)| *text == tag);
        root.retain(|entry| !(is_replaced(entry.tag) || changes.without_location && entry.tag == GPS_DIRECTORY));
        for entry in &mut root {
            let value = match entry.tag {
                ORIENTATION => 1,
                IMAGE_WIDTH => width,
                IMAGE_LENGTH => height,
                _ => continue,
            };
            (entry.kind, entry.count, entry.value) = (LONG, 1, self.long_bytes(value));
            if entry.tag == ORIENTATION {
                (entry.kind, entry.value) = (SHORT, self.short_value(1));
            }
        }
        for (tag, text) in changes.texts {
            let bytes: Vec<u8> = text.bytes().chain([0]).collect();
            let (count, offset) = (bytes.len() as u32, self.append(&bytes));
            // Texts of the few bytes that fit into an entry are none of ours.
            root.push(Entry { tag: *tag, kind: ASCII, count, value: self.long_bytes(offset), at: 0 });
        }
        if let Some(iptc) = changes.iptc.filter(|iptc| iptc.len() > 4) {
            let (count, offset) = (iptc.len() as u32, self.append(iptc));
            root.push(Entry { tag: IPTC, kind: UNDEFINED, count, value: self.long_bytes(offset), at: 0 });
        }
        if let Some(dots) = changes.dots_per_inch {
            root.retain(|entry| ![X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT].contains(&entry.tag));
            for (tag, dots) in [X_RESOLUTION, Y_RESOLUTION].into_iter().zip(dots) {
                const PARTS: u32 = 100;
                let ratio = [(dots * PARTS as f32).round() as u32, PARTS].map(|number| self.long_bytes(number));
                let offset = self.append(&ratio.concat());
                root.push(Entry { tag, kind: RATIONAL, count: 1, value: self.long_bytes(offset), at: 0 });
            }
            let inches = self.short_value(2);
            root.push(Entry { tag: RESOLUTION_UNIT, kind: SHORT, count: 1, value: inches, at: 0 });
        }
        root.sort_by_key(|entry| entry.tag);
        let thumbnail = changes.thumbnail.map(|jpeg| {
            let offset = self.append(jpeg);
            let entry = |tag, kind, value| Entry { tag, kind, count: 1, value, at: 0 };
            self.append_directory(
                &[
                    entry(COMPRESSION, SHORT, self.short_value(6)),
                    entry(THUMBNAIL_OFFSET, LONG, self.long_bytes(offset)),
                    entry(THUMBNAIL_LEN, LONG, self.long_bytes(jpeg.len() as u32)),
                ],
                0,
            )
        });
        let offset = self.append_directory(&root, thumbnail.unwrap_or(0));
        let offset = self.long_bytes(offset);
        self.bytes[4..8].copy_from_slice(&offset);
        self.bytes
    }

    fn root(&self) -> Option<(Vec<Entry>, u32)> {
        let first: [u8; 4] = self.bytes.get(4..8)?.try_into().ok()?;
        self.directory_at(self.long(first))
    }

    /// The directory that an entry of another points to.
    fn directory_of(&self, entries: &[Entry], tag: u16) -> Option<(Vec<Entry>, u32)> {
        self.directory_at(self.number(find(entries, tag)?)?)
    }

    /// The entries, and where the next directory is.
    fn directory_at(&self, offset: u32) -> Option<(Vec<Entry>, u32)> {
        let start = usize::try_from(offset).ok().filter(|start| *start >= 8)?;
        let count = usize::from(self.short(self.bytes.get(start..start + 2)?.try_into().ok()?));
        if count > MAX_ENTRIES {
            return None;
        }
        let first = start + 2;
        let mut entries = Vec::with_capacity(count);
        for at in (first..).step_by(12).take(count) {
            let entry = self.bytes.get(at..at + 12)?;
            let short = |at: usize| self.short([entry[at], entry[at + 1]]);
            entries.push(Entry {
                tag: short(0),
                kind: short(2),
                count: self.long([entry[4], entry[5], entry[6], entry[7]]),
                value: [entry[8], entry[9], entry[10], entry[11]],
                at,
            });
        }
        let end = first + 12 * count;
        let next =
            self.bytes.get(end..end + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, |next| self.long(next));
        Some((entries, next))
    }

    fn number(&self, entry: &Entry) -> Option<u32> {
        match entry.kind {
            SHORT => Some(u32::from(self.short([entry.value[0], entry.value[1]]))),
            LONG => Some(self.long(entry.value)),
            _ => None,
        }
    }

    fn ratio(&self, entry: &Entry) -> Option<f32> {
        let at = usize::try_from(self.long(entry.value)).ok().filter(|_| entry.kind == RATIONAL)?;
        let long = |at: usize| Some(self.long(self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?));
        let ratio = long(at)? as f32 / long(at + 4)? as f32;
        (ratio.is_finite() && ratio > 0.0).then_some(ratio)
    }

    fn write_number(&mut self, entry: &Entry, value: u32) {
        let bytes = match entry.kind {
            SHORT => self.short_value(value.min(u32::from(u16::MAX)) as u16),
            LONG => self.long_bytes(value),
            _ => return,
        };
        if let Some(place) = self.bytes.get_mut(entry.at + 8..entry.at + 12) {
            place.copy_from_slice(&bytes);
        }
    }

    /// An entry, and what it points to.
    fn erase_entry(&mut self, entry: &Entry) {
        let len = size_of_kind(entry.kind).saturating_mul(entry.count as usize);
        if len > 4 {
            self.erase(self.long(entry.value) as usize, len);
        }
        self.erase(entry.at, 12);
    }

    fn erase(&mut self, start: usize, len: usize) {
        let end = start.saturating_add(len).min(self.bytes.len());
        // The header stays whatever a damaged block says.
        if let Some(place) = self.bytes.get_mut(start.max(8)..end) {
            place.fill(0);
        }
    }

    /// Where it begins.
    fn append(&mut self, bytes: &[u8]) -> u32 {
        if self.bytes.len() % 2 == 1 {
            self.bytes.push(0);
        }
        let offset = self.bytes.len() as u32;
        self.bytes.extend(bytes);
        offset
    }

    fn append_directory(&mut self, entries: &[Entry], next: u32) -> u32 {
        let mut bytes = self.short_value(entries.len() as u16)[..2].to_vec();
        for entry in entries {
            bytes.extend(&self.short_value(entry.tag)[..2]);
            bytes.extend(&self.short_value(entry.kind)[..2]);
            bytes.extend(self.long_bytes(entry.count));
            bytes.extend(entry.value);
        }
        bytes.extend(self.long_bytes(next));
        self.append(&bytes)
    }

    fn short(&self, bytes: [u8; 2]) -> u16 {
        if self.is_little_endian { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) }
    }

    fn long(&self, bytes: [u8; 4]) -> u32 {
        if self.is_little_endian { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
    }

    fn long_bytes(&self, value: u32) -> [u8; 4] {
        if self.is_little_endian { value.to_le_bytes() } else { value.to_be_bytes() }
    }

    /// A short number as the value of an entry, whose first bytes it takes.
    fn short_value(&self, value: u16) -> [u8; 4] {
        let [a, b] = if self.is_little_endian { value.to_le_bytes() } else { value.to_be_bytes() };
        [a, b, 0, 0]
    }
}

fn find(entries: &[Entry], tag: u16) -> Option<&Entry> {
    entries.iter().find(|entry| entry.tag == tag)
}

fn size_of_kind(kind: u16) -> usize {
    match kind {
        3 | 8 => 2,
        4 | 9 | 11 => 4,
        5 | 10 | 12 => 8,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Orientation 6, a directory with a size and a place with a name, and a thumbnail of eight bytes.
    fn camera() -> Vec<u8> {
        let mut exif = Exif::empty();
        let entry = |tag, kind, count, value| Entry { tag, kind, count, value, at: 0 };
        let size = exif.append_directory(&[entry(PIXEL_X_DIMENSION, LONG, 1, 4000u32.to_le_bytes())], 0);
        let place = exif.append(b"a village\0");
        let gps = exif.append_directory(&[entry(0x001b, ASCII, 10, place.to_le_bytes())], 0);
        let picture = exif.append(b"old face");
        let thumbnail = [(THUMBNAIL_OFFSET, picture), (THUMBNAIL_LEN, 8)];
        let thumbnail = thumbnail.map(|(tag, value)| entry(tag, LONG, 1, value.to_le_bytes()));
        let thumbnail = exif.append_directory(&thumbnail, 0);
        let root = [
            entry(ORIENTATION, SHORT, 1, exif.short_value(6)),
            entry(EXIF_DIRECTORY, LONG, 1, size.to_le_bytes()),
            entry(GPS_DIRECTORY, LONG, 1, gps.to_le_bytes()),
        ];
        let root = exif.append_directory(&root, thumbnail);
        exif.bytes[4..8].copy_from_slice(&root.to_le_bytes());
        exif.bytes
    }

    fn has(bytes: &[u8], text: &str) -> bool {
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    }

    #[test]
    fn a_changed_picture_keeps_what_is_still_true() {
        let exif = Exif::new(&camera()).unwrap();
        assert_eq!(exif.orientation(), Some(6));
        let changes = ExifChanges {
            size_px: (30, 20),
            thumbnail: Some(b"new face"),
            texts: &[(SOFTWARE, "a program")],
            iptc: Some(b"\x1c\x02\x05\0\x07a title"),
            dots_per_inch: Some([300.0, 72.0]),
            ..ExifChanges::default()
        };
        let bytes = exif.clone().changed(&changes);
        let changed = Exif::new(&bytes).unwrap();
        assert_eq!(changed.orientation(), Some(1));
        let (root, next) = changed.root().unwrap();
        let (size, _) = changed.directory_of(&root, EXIF_DIRECTORY).unwrap();
        assert_eq!(changed.number(find(&size, PIXEL_X_DIMENSION).unwrap()), Some(30));
        assert!(changed.directory_at(next).is_some());
        assert!(has(&bytes, "new face") && !has(&bytes, "old face") && has(&bytes, "a program"));
        assert!(has(&bytes, "a village"));
        assert_eq!(changed.iptc().as_deref(), changes.iptc);
        assert_eq!(changed.dots_per_inch(), changes.dots_per_inch);
        let bytes = exif.changed(&ExifChanges { without_location: true, ..changes });
        assert!(!has(&bytes, "a village") && has(&bytes, "new face"));
        assert!(find(&Exif::new(&bytes).unwrap().root().unwrap().0, GPS_DIRECTORY).is_none());
    }

    #[test]
    fn a_damaged_block_is_none_or_stays_harmless() {
        let camera = camera();
        for end in 0..camera.len() {
            if let Some(exif) = Exif::new(&camera[..end]) {
                exif.changed(&ExifChanges { without_location: true, ..ExifChanges::default() });
            }
        }
        for (at, value) in (0..camera.len()).flat_map(|at| [0, 1, 0x7f, 0xff].map(|value| (at, value))) {
            let mut damaged = camera.clone();
            damaged[at] = value;
            if let Some(exif) = Exif::new(&damaged) {
                let (_, _, _) = (exif.orientation(), exif.is_adobe_rgb(), exif.dots_per_inch());
                let changes = ExifChanges { without_location: true, thumbnail: Some(b"x"), ..ExifChanges::default() };
                assert!(Exif::new(&exif.changed(&changes)).is_some());
            }
        }
    }
}
