//! Every file that fuzzing kept (see `docs/reliability.md`), through the same entries: each is a picture, a project, a model… or a
//! sentence, and nothing else.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, missing_docs)]

#[path = "fuzz/entries/photos.rs"]
mod photos;
#[path = "fuzz/entries/program.rs"]
mod program;
#[path = "fuzz/entries/weights.rs"]
mod weights;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use rayon::prelude::*;

type Entry = fn(&[u8]);

const ENTRIES: [(&str, Entry); 18] = [
    ("bmp_gif", photos::bmp_gif),
    ("colours", photos::colours),
    ("detector", weights::detector),
    ("exif", photos::exif),
    ("heic", photos::heic),
    ("jpeg", photos::jpeg),
    ("jxl", photos::jxl),
    ("keys", program::keys),
    ("mask", photos::mask),
    ("png", photos::png),
    ("presets", program::presets),
    ("project", program::project),
    ("settings", program::settings),
    ("stylemaps", program::stylemaps),
    ("tiff", photos::tiff),
    ("torch", weights::torch),
    ("webp", photos::webp),
    ("weights", weights::weights),
];

#[test]
fn every_kept_file_is_opened_or_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpora");
    let kept: BTreeSet<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(kept, ENTRIES.iter().map(|(name, _)| (*name).to_owned()).collect(), "each target has its corpus");
    for (name, entry) in ENTRIES {
        let mut zip = zip::ZipArchive::new(File::open(folder.join(name).with_extension("zip")).unwrap()).unwrap();
        let mut files = Vec::new();
        for index in 0..zip.len() {
            let mut file = zip.by_index(index).unwrap();
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            files.push((file.name().unwrap().into_owned(), bytes));
        }
        assert!(files.len() > 3, "{name}");
        let broken = files.par_iter().filter(|(_, bytes)| std::panic::catch_unwind(|| entry(bytes)).is_err());
        let broken: Vec<&String> = broken.map(|(file, _)| file).collect();
        assert!(broken.is_empty(), "{name}: {broken:?}");
    }
}
