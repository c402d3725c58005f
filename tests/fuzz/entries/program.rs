//! Files that the program itself writes.

use std::io::{Cursor, Write as _};

use stylebrush_app::editor::commands::keymap::KeyMap;
use stylebrush_app::presets::Presets;
use stylebrush_app::project::recent::{RecentFiles, RecentKind};
use stylebrush_app::project::{self, Progress};
use stylebrush_app::settings::Settings;
use stylebrush_app::stylemap_file::StylemapFile;
use stylemap::config::Config;
use zip::write::SimpleFileOptions;

fn open(bytes: &[u8]) {
    let file = file_of(bytes);
    let _ = project::thumbnail(file.path());
    if let Ok(opened) = project::open(file.path(), &Progress::default()) {
        assert!(opened.problems.iter().all(|problem| !problem.is_empty()));
        let document = opened.into_document(&mut 1);
        assert!(document.photos().len() <= 1_000_000);
    }
}

/// The first byte says whether the rest is a whole project, its `document.json`, or a picture or face in it. Only what is looked at
/// is there in whole: a mask alone takes as long to read as everything else.
pub fn project(bytes: &[u8]) {
    let Some((kind, data)) = bytes.split_first() else { return };
    let mut entries: Vec<(&str, &[u8])> = vec![
        ("document.json", include_bytes!("document.json")),
        ("originals/0.jpg", include_bytes!("colour.jpg")),
        ("portraits/0.png", include_bytes!("portrait.png")),
    ];
    match kind % 6 {
        0 => return open(data),
        1 => entries[0].1 = data,
        2 => entries.push(("masks/0.png", data)),
        3 => entries[1].1 = data,
        4 => entries[2].1 = data,
        _ => entries.push(("thumbnail.png", data)),
    }
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in entries {
        zip.start_file(name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    open(zip.finish().unwrap().get_ref());
}

fn file_of(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// The settings, with the keys in them; what was read can be written and is the same again.
pub fn settings(bytes: &[u8]) {
    let file = file_of(bytes);
    if let Ok(settings) = Settings::load(file.path()) {
        settings.save(file.path()).unwrap();
        let again = Settings::load(file.path()).unwrap();
        assert_eq!(KeyMap::from_settings(&again.keys), KeyMap::from_settings(&settings.keys));
    }
}

/// Keys as the settings have them: in every line a command, then its keys, with tabs between.
pub fn keys(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let keys = text.lines().map(|line| {
        let mut words = line.split('\t').map(str::to_owned);
        (words.next().unwrap_or_default(), words.collect())
    });
    let map = KeyMap::from_settings(&keys.collect());
    assert_eq!(KeyMap::from_settings(&map.to_settings()), map, "what was read can be written and is the same again");
}

/// What is kept under names, and the lists of recent files.
pub fn presets(bytes: &[u8]) {
    let file = file_of(bytes);
    if let Ok(presets) = Presets::load(file.path()) {
        presets.save(file.path()).unwrap();
        assert_eq!(Presets::load(file.path()).unwrap(), presets);
    }
    std::fs::write(file.path(), bytes).unwrap();
    let mut recent = RecentFiles::load(file.path().to_owned());
    let _ = recent.files(RecentKind::Project);
    recent.add(RecentKind::Photo, std::path::Path::new("/a photo")).unwrap();
    assert_eq!(recent.files(RecentKind::Photo).first().map(|file| file.path.as_path()), Some("/a photo".as_ref()));
}

/// A face as `encode` writes it.
pub fn stylemaps(bytes: &[u8]) {
    let file = file_of(bytes);
    if let Ok(face) = StylemapFile::load(file.path()) {
        let config = Config::from_json(include_str!("small_config.json")).unwrap();
        let _ = face.latent(file.path(), &config);
    }
}
