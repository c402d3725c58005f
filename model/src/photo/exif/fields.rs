//! EXIF as the fields of its directories: for files whose own directories hold them (TIFF), and back to a block.

use super::{
    EXIF_DIRECTORY, Entry, Exif, GPS_DIRECTORY, INTEROP_DIRECTORY, IPTC, LONG, MAX_ENTRIES, ORIENTATION,
    RESOLUTION_UNIT, X_RESOLUTION, Y_RESOLUTION, find, size_of_kind,
};

/// A longer field is no word of a camera.
const MAX_FIELD_BYTES: usize = 1 << 20;
/// So many of a directory; a place is left for each directory below it, and for the resolution.
const MAX_FIELDS: usize = MAX_ENTRIES - 8;
/// What the first directory says of a photo and not of how its pixels are stored: description, maker, model, program, time, author,
/// computer, rating, copyright, and the names that Windows gives.
const WORDS: [u16; 15] = [
    0x010e, 0x010f, 0x0110, 0x0131, 0x0132, 0x013b, 0x013c, 0x4746, 0x4749, 0x8298, 0x9c9b, 0x9c9c, 0x9c9d, 0x9c9e,
    0x9c9f,
];

/// What one entry of a directory holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its number.
    pub tag: u16,
    /// The kind of its values, from 1 to 12 as TIFF 6.0 counts them.
    pub kind: u16,
    /// Its values, in this machine's byte order.
    pub bytes: Vec<u8>,
}

/// The directories that speak of a photo. A camera's own notes come along, but what they point to by its place is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directories {
    /// What the first one says of the photo itself, without how its pixels are stored.
    pub root: Vec<Field>,
    /// What the camera said.
    pub exif: Vec<Field>,
    /// Where it was.
    pub gps: Vec<Field>,
    /// By which rules the file was made.
    pub interop: Vec<Field>,
}

impl Directories {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        [&self.root, &self.exif, &self.gps, &self.interop].iter().all(|fields| fields.is_empty())
    }
}

impl Exif {
    /// The fields of a block, or of a TIFF file; what is damaged is passed over.
    pub fn directories(&self) -> Directories {
        let (root, _) = self.root().unwrap_or_default();
        let below =
            |entries: &[Entry], tag| self.directory_of(entries, tag).map(|(entries, _)| entries).unwrap_or_default();
        let exif = below(&root, EXIF_DIRECTORY);
        let mut words = self.fields(&root);
        words.retain(|field| WORDS.contains(&field.tag));
        let interop = self.fields(&below(&exif, INTEROP_DIRECTORY));
        Directories { root: words, exif: self.fields(&exif), gps: self.fields(&below(&root, GPS_DIRECTORY)), interop }
    }

    /// A block that says so much.
    pub fn of_directories(directories: &Directories) -> Self {
        let mut exif = Self::empty();
        let mut below = |fields: &[Field], more: Option<Entry>| {
            (!fields.is_empty() || more.is_some()).then(|| {
                let mut entries = exif.entries(fields);
                entries.extend(more);
                entries.sort_by_key(|entry| entry.tag);
                exif.append_directory(&entries, 0)
            })
        };
        let pointer = |tag, offset: u32| Entry { tag, kind: LONG, count: 1, value: offset.to_le_bytes(), at: 0 };
        let interop = below(&directories.interop, None).map(|offset| pointer(INTEROP_DIRECTORY, offset));
        let camera = below(&directories.exif, interop).map(|offset| pointer(EXIF_DIRECTORY, offset));
        let gps = below(&directories.gps, None).map(|offset| pointer(GPS_DIRECTORY, offset));
        let mut root = exif.entries(&directories.root);
        root.extend(camera.into_iter().chain(gps));
        root.sort_by_key(|entry| entry.tag);
        let offset = exif.append_directory(&root, 0);
        exif.bytes[4..8].copy_from_slice(&offset.to_le_bytes());
        exif
    }

    /// The block of a TIFF file without its pixels: what it says of the photo, how it is turned, and its resolution. None where it
    /// says nothing of the photo.
    pub(in crate::photo) fn of_tiff(&self) -> Option<Self> {
        let mut directories = self.directories();
        if directories.is_empty() {
            return None;
        }
        let (root, _) = self.root()?;
        let kept = [ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT];
        directories
            .root
            .extend(self.fields(&kept.iter().filter_map(|tag| find(&root, *tag).copied()).collect::<Vec<_>>()));
        Some(Self::of_directories(&directories))
    }

    /// IPTC records that the block holds.
    pub fn iptc(&self) -> Option<Vec<u8>> {
        let (root, _) = self.root()?;
        // They are bytes in the file's order, also where they are said to be numbers.
        self.value(find(&root, IPTC)?).map(<[u8]>::to_vec)
    }

    fn value<'a>(&'a self, entry: &'a Entry) -> Option<&'a [u8]> {
        let len = size_of_kind(entry.kind).checked_mul(usize::try_from(entry.count).ok()?)?;
        if !(1..=12).contains(&entry.kind) || len > MAX_FIELD_BYTES {
            return None;
        }
        if len <= 4 {
            return entry.value.get(..len);
        }
        let start = usize::try_from(self.long(entry.value)).ok()?;
        self.bytes.get(start..start.checked_add(len)?)
    }

    fn fields(&self, entries: &[Entry]) -> Vec<Field> {
        let are_places = [EXIF_DIRECTORY, GPS_DIRECTORY, INTEROP_DIRECTORY];
        let entries = entries.iter().filter(|entry| !are_places.contains(&entry.tag));
        let field = |entry: &Entry| {
            let mut bytes = self.value(entry)?.to_vec();
            turn(&mut bytes, entry.kind, self.is_little_endian);
            Some(Field { tag: entry.tag, kind: entry.kind, bytes })
        };
        let mut fields: Vec<Field> = entries.filter_map(field).collect();
        // As a directory has them; damaged ones have not.
        fields.sort_by_key(|field| field.tag);
        fields.truncate(MAX_FIELDS);
        fields
    }

    /// Entries of a block in the order of Intel's machines, their values behind what is there.
    fn entries(&mut self, fields: &[Field]) -> Vec<Entry> {
        let entry = |field: &Field| {
            let mut bytes = field.bytes.clone();
            turn(&mut bytes, field.kind, true);
            let count = (bytes.len() / size_of_kind(field.kind)) as u32;
            let value = match bytes.len() {
                len @ 0..=4 => {
                    let mut value = [0; 4];
                    value[..len].copy_from_slice(&bytes);
                    value
                }
                _ => self.append(&bytes).to_le_bytes(),
            };
            Entry { tag: field.tag, kind: field.kind, count, value, at: 0 }
        };
        fields.iter().map(entry).collect()
    }
}

/// Values of this kind from one byte order to this machine's, or back.
fn turn(bytes: &mut [u8], kind: u16, is_little_endian: bool) {
    if is_little_endian == cfg!(target_endian = "little") {
        return;
    }
    let len = match kind {
        3 | 8 => 2,
        // Fractions are two numbers.
        4 | 5 | 9..=11 => 4,
        12 => 8,
        _ => return,
    };
    bytes.chunks_exact_mut(len).for_each(<[u8]>::reverse);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn words() -> Directories {
        let field = |tag, kind, bytes: &[u8]| Field { tag, kind, bytes: bytes.to_vec() };
        Directories {
            root: vec![field(0x010f, 2, b"Best Camera\0"), field(0x0110, 2, b"A\0")],
            exif: vec![
                field(0x829a, 5, &[1u32.to_ne_bytes(), 250u32.to_ne_bytes()].concat()),
                field(0x8827, 3, &400u16.to_ne_bytes()),
            ],
            gps: vec![field(0x0001, 2, b"N\0")],
            interop: vec![field(0x0001, 2, b"R98\0")],
        }
    }

    #[test]
    fn fields_become_a_block_and_come_back() {
        let exif = Exif::of_directories(&words());
        assert_eq!(exif.directories(), words());
        assert_eq!(Exif::new(exif.as_bytes()).unwrap().directories(), words());
        assert!(Exif::of_directories(&Directories::default()).directories().is_empty());
    }

    #[test]
    fn either_byte_order_says_the_same() {
        // One directory with the sensitivity as the big end first writes it.
        let mut bytes = b"MM\0\x2a\0\0\0\x08\0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x1a\0\0\0\0".to_vec();
        bytes.extend(b"\0\x01\x88\x27\0\x03\0\0\0\x01\x01\x90\0\0\0\0\0\0");
        let found = Exif::new(&bytes).unwrap().directories();
        assert_eq!(found.exif, [Field { tag: 0x8827, kind: 3, bytes: 400u16.to_ne_bytes().to_vec() }]);
    }

    #[test]
    fn damaged_fields_are_passed_over() {
        let block = Exif::of_directories(&words()).as_bytes().to_vec();
        for (at, value) in (0..block.len()).flat_map(|at| [0, 1, 0x7f, 0xff].map(|value| (at, value))) {
            let mut damaged = block.clone();
            damaged[at] = value;
            if let Some(exif) = Exif::new(&damaged) {
                let found = exif.directories();
                assert_eq!(Exif::of_directories(&found).directories(), found, "byte {at} as {value}");
                let _ = exif.iptc();
            }
        }
    }
}
