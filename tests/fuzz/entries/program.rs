//! Files that the program itself writes.

use std::io::{Cursor, Write as _};

use stylebrush_app::project::{self, Progress};
use stylebrush_app::settings::Settings;
use zip::write::SimpleFileOptions;

fn open(bytes: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let _ = project::thumbnail(file.path());
    if let Ok(opened) = project::open(file.path(), &Progress::default()) {
        assert!(opened.problems.iter().all(|problem| !problem.is_empty()));
        let document = opened.into_document(&mut 1);
        assert!(document.photos().len() <= 1_000_000);
    }
}

/// The first byte says whether the rest is a whole project, its `document.json`, or a picture or face in it.
pub fn project(bytes: &[u8]) {
    let Some((kind, data)) = bytes.split_first() else { return };
    let mut entries: Vec<(&str, &[u8])> = vec![
        ("document.json", include_bytes!("document.json")),
        ("originals/0.jpg", include_bytes!("colour.jpg")),
        ("masks/0.png", include_bytes!("mask.png")),
        ("thumbnail.png", include_bytes!("mask.png")),
    ];
    match kind % 4 {
        0 => return open(data),
        1 => entries[0].1 = data,
        2 => entries[2].1 = data,
        _ => entries[1].1 = data,
    }
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in entries {
        zip.start_file(name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    open(zip.finish().unwrap().get_ref());
}

/// The settings; what was read can be written and is the same again.
pub fn settings(bytes: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    if let Ok(settings) = Settings::load(file.path()) {
        settings.save(file.path()).unwrap();
        let _ = Settings::load(file.path()).unwrap();
    }
}
