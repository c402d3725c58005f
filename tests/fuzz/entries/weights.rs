//! Weights: models, named directions, and the detector's network.

use std::io::{Cursor, Write as _};

use stylemap::FaceDetector;
use stylemap::checkpoint::{Checkpoint, torch};
use stylemap::directions::Directions;
use zip::write::SimpleFileOptions;

fn load(bytes: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    if let Err(err) = Checkpoint::load(file.path()) {
        assert!(!err.to_string().is_empty());
    }
    let _ = torch::read(file.path());
}

/// The first byte says whether the rest is a file of torch, or the pickle of one in a ZIP archive with one storage.
pub fn torch(bytes: &[u8]) {
    let Some((kind, data)) = bytes.split_first() else { return };
    if kind % 2 == 0 {
        return load(data);
    }
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in [("model/data.pkl", data), ("model/data/0", &[0; 64])] {
        zip.start_file(name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    load(zip.finish().unwrap().get_ref());
}

/// A safetensors file: of a model, or of directions for a small one.
pub fn weights(bytes: &[u8]) {
    let Ok(checkpoint) = Checkpoint::from_bytes(bytes, "model") else {
        let small = include_bytes!("small_config.json");
        let config = stylemap::config::Config::from_json(std::str::from_utf8(small).unwrap()).unwrap();
        let _ = Directions::from_bytes(bytes, "directions", &config);
        return;
    };
    let _ = Directions::from_bytes(bytes, "directions", &checkpoint.config);
}

/// An ONNX file of the detector.
pub fn detector(bytes: &[u8]) {
    let _ = FaceDetector::from_onnx(bytes);
}
