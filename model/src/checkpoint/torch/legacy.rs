//! The stream format of torch before 1.6, in which the published checkpoints are.
//!
//! Source: `_legacy_save` and `_legacy_load` in torch's `serialization.py`. One after the other: the pickles of a
//! magic number, of the protocol version, of a description of the machine that wrote it, of the object, and of the list
//! of the storages' keys; then for each key, in that order, the number of elements (i64) and the elements themselves.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufReader, Read, Seek, SeekFrom};

use super::pickle::{self, Pickle};
use super::{Failure, Outcome, Storage, StorageSource, declared_twice, name, read_exactly, shown};

/// The magic number as Python writes it: an operation, its length, ten bytes.
const MAGIC_PICKLED: [u8; 12] = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;
const PROTOCOL_VERSION: i128 = 1001;

/// Whether a file begins with the magic number, at any pickle protocol: newer ones put a frame of nine bytes around it.
pub(super) fn looks_like(first_bytes: &[u8]) -> bool {
    let pickled = match first_bytes {
        [0x80, 4..=5, 0x95, rest @ ..] => rest.get(8..).unwrap_or_default(),
        [0x80, 2..=5, rest @ ..] => rest,
        _ => return false,
    };
    pickled.starts_with(&MAGIC_PICKLED)
}

/// A checkpoint in the stream format, of which the pickles are read and the storages are located.
pub(super) struct Legacy<R> {
    stream: BufReader<R>,
    places: HashMap<String, Place>,
}

/// Where the elements of a storage lie.
struct Place {
    start: u64,
    elements: u64,
}

impl<R: Read + Seek> Legacy<R> {
    /// Reads the pickles of a file of `length` bytes, from its beginning, and finds every storage without reading it.
    ///
    /// # Errors
    /// When the file is shorter than what it declares, or declares something that contradicts itself.
    pub(super) fn open(stream: R, length: u64) -> Outcome<(Self, Pickle)> {
        let mut stream = BufReader::new(stream);
        let magic = pickle::read(&mut stream, 0)?;
        if magic.integer(magic.root()) != Some(MAGIC) {
            return Err(Failure::reason("it does not begin with torch's magic number"));
        }
        let version = pickle::read(&mut stream, magic.end)?;
        if version.integer(version.root()) != Some(PROTOCOL_VERSION) {
            return Err(Failure::reason(format!("it is not of version {PROTOCOL_VERSION} of torch's stream format")));
        }
        let machine = pickle::read(&mut stream, version.end)?;
        if says_big_endian(&machine) {
            return Err(Failure::reason("it was written on a big-endian machine, which is not supported"));
        }
        let object = pickle::read(&mut stream, machine.end)?;
        let keys = pickle::read(&mut stream, object.end)?;
        let places = locate(&mut stream, length, &object, &keys)?;
        Ok((Self { stream, places }, object))
    }
}

fn says_big_endian(machine: &Pickle) -> bool {
    let entries = machine.entries(machine.root()).unwrap_or_default();
    entries.iter().any(|&(key, value)| {
        machine.text(key) == Some("little_endian") && matches!(machine.node(value), pickle::Node::Bool(false))
    })
}

/// Walks over the storages, of all networks and optimizers, from one count to the next.
fn locate<R: Read + Seek>(
    stream: &mut BufReader<R>,
    length: u64,
    object: &Pickle,
    keys: &Pickle,
) -> Outcome<HashMap<String, Place>> {
    let Some(keys_in_order) = keys.items(keys.root()) else {
        return Err(Failure::reason("its list of storages is not a list"));
    };

    // The stream does not say how wide the elements are: only the object does, wherever it refers to the storage.
    let mut widths = BTreeMap::new();
    for id in object.persistent() {
        if let Some(storage) = Storage::from_persistent(object, id)? {
            let width = storage.element_bytes()?;
            if *widths.entry(storage.key).or_insert(width) != width {
                return Err(declared_twice(storage.key));
            }
        }
    }

    let mut places = HashMap::new();
    let mut position = keys.end;
    for &key in keys_in_order {
        let Some(key) = name(keys, key) else {
            return Err(Failure::reason("its list of storages holds something that is not a name"));
        };
        let ends_early = || Failure::reason(format!("it ends before or within its storage {}", shown(key)));
        let Some(width) = widths.get(key) else {
            return Err(Failure::reason(format!("its storage {} belongs to nothing in it", shown(key))));
        };
        if places.contains_key(key) {
            return Err(Failure::reason(format!("its storage {} is listed twice", shown(key))));
        }
        if length.checked_sub(position).is_none_or(|left| left < 8) {
            return Err(ends_early());
        }
        stream.seek(SeekFrom::Start(position))?;
        let mut count = [0; 8];
        stream.read_exact(&mut count)?;
        let elements = u64::try_from(i64::from_le_bytes(count))
            .map_err(|_| Failure::reason(format!("its storage {} has a negative size", shown(key))))?;
        let start = position + 8;
        position = elements
            .checked_mul(*width)
            .and_then(|bytes| start.checked_add(bytes))
            .filter(|end| *end <= length)
            .ok_or_else(ends_early)?;
        places.insert(key.to_owned(), Place { start, elements });
    }
    Ok(places)
}

impl<R: Read + Seek> StorageSource for Legacy<R> {
    fn read(&mut self, storage: &Storage<'_>) -> Outcome<Vec<u8>> {
        let what = format!("its storage {}", shown(storage.key));
        let Some(place) = self.places.get(storage.key) else {
            return Err(Failure::reason(format!("{what} is missing")));
        };
        if place.elements != storage.elements {
            return Err(Failure::reason(format!(
                "{what} should have {} elements but has {}",
                storage.elements, place.elements
            )));
        }
        self.stream.seek(SeekFrom::Start(place.start))?;
        read_exactly(&mut self.stream, storage.bytes()?, &what)
    }
}
