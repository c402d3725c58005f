//! What the user keeps under a name: brushes, and adjustments of a face. In a file of its own beside the settings, so that an older
//! program, which knows of no such file, does not drop them; what a newer one wrote and this one does not know stays in it.

use std::path::Path;

use anyhow::Context as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::document::DirectionAmounts;
use crate::tools::BrushSettings;

/// So many of each kind are kept.
pub const MAX_PRESETS: usize = 100;
/// Names are cut after as many characters.
pub const MAX_NAME_LEN: usize = 60;
/// A longer file is not one of ours.
const MAX_FILE_BYTES: u64 = 4 << 20;
/// No model has more directions.
const MAX_DIRECTIONS: usize = 1000;
const BRUSHES: &str = "brushes";
const ADJUSTMENTS: &str = "adjustments";

/// Something under a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preset<T> {
    /// What the user calls it.
    pub name: String,
    /// What it is.
    #[serde(flatten)]
    pub value: T,
}

/// Steps along the model's directions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Adjustment {
    /// By their names.
    pub directions: DirectionAmounts,
}

/// Everything that is kept, in the order of the names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Presets {
    /// Brushes.
    pub brushes: Vec<Preset<BrushSettings>>,
    /// Adjustments.
    pub adjustments: Vec<Preset<Adjustment>>,
    /// What this program does not know.
    rest: Map<String, Value>,
}

impl Presets {
    /// Reads a file; there is none at first.
    ///
    /// # Errors
    /// When there is one and it cannot be read or understood.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let cannot = || format!("the presets in {} cannot be read, and none are offered", path.display());
        match path.metadata() {
            Err(err) if err.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            metadata => anyhow::ensure!(metadata.with_context(cannot)?.len() <= MAX_FILE_BYTES, cannot()),
        }
        let mut rest: Map<String, Value> =
            serde_json::from_slice(&std::fs::read(path).with_context(cannot)?).with_context(cannot)?;
        let mut brushes = take_known(&mut rest, BRUSHES);
        let mut adjustments: Vec<Preset<Adjustment>> = take_known(&mut rest, ADJUSTMENTS);
        for Preset { value, .. } in &mut brushes {
            *value = BrushSettings::clamped(*value);
        }
        for Preset { value: Adjustment { directions }, .. } in &mut adjustments {
            directions.retain(|_, amount| amount.is_finite());
            while directions.len() > MAX_DIRECTIONS {
                directions.pop_last();
            }
        }
        Ok(Self { brushes, adjustments, rest })
    }

    /// Writes them, in a folder that is made where it is missing.
    ///
    /// # Errors
    /// When the file cannot be written; the one of before stays.
    pub fn save(&self, path: &Path) -> anyhow::Result<()> {
        let cannot = || format!("the presets cannot be kept in {}", path.display());
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(cannot)?;
        }
        let mut all = self.rest.clone();
        add_known(&mut all, BRUSHES, &self.brushes).with_context(cannot)?;
        add_known(&mut all, ADJUSTMENTS, &self.adjustments).with_context(cannot)?;
        let json = serde_json::to_vec_pretty(&all).with_context(cannot)?;
        stylemap::files::write_whole(path, &json).with_context(cannot)
    }
}

/// Whether there is room for something under this name.
pub fn has_room<T>(presets: &[Preset<T>], name: &str) -> bool {
    presets.len() < MAX_PRESETS || presets.iter().any(|preset| preset.name == name)
}

/// Keeps something under a name, in place of what had it; whether there was room.
pub fn keep<T>(presets: &mut Vec<Preset<T>>, name: &str, value: T) -> bool {
    let name: String = name.trim().chars().take(MAX_NAME_LEN).collect();
    if name.is_empty() || !has_room(presets, &name) {
        return false;
    }
    presets.retain(|preset| preset.name != name);
    let place = presets.partition_point(|preset| preset.name < name);
    presets.insert(place, Preset { name, value });
    true
}

/// What is kept under a name.
pub fn find<'a, T>(presets: &'a [Preset<T>], name: &str) -> Option<&'a T> {
    presets.iter().find(|preset| preset.name == name).map(|preset| &preset.value)
}

/// The entries that are known; others stay.
fn take_known<T: DeserializeOwned>(all: &mut Map<String, Value>, key: &str) -> Vec<Preset<T>> {
    let Some(Value::Array(entries)) = all.get_mut(key) else { return Vec::new() };
    let mut known = Vec::new();
    entries.retain(|entry| match serde_json::from_value::<Preset<T>>(entry.clone()) {
        Ok(Preset { name, value }) => {
            keep(&mut known, &name, value);
            false
        }
        Err(_) => true,
    });
    if entries.is_empty() {
        all.remove(key);
    }
    known
}

fn add_known<T: Serialize>(all: &mut Map<String, Value>, key: &str, known: &[Preset<T>]) -> serde_json::Result<()> {
    let others = match all.remove(key) {
        Some(Value::Array(entries)) => entries,
        _ => Vec::new(),
    };
    let mut entries = known.iter().map(serde_json::to_value).collect::<serde_json::Result<Vec<_>>>()?;
    entries.extend(others);
    all.insert(key.to_owned(), Value::Array(entries));
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn presets_come_back_with_what_a_newer_program_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new folder").join("presets.json");
        assert_eq!(Presets::load(&path).unwrap(), Presets::default());
        let mut presets = Presets::default();
        let brush = BrushSettings { radius_px: 40.0, hardness: 0.25, strength: 0.5 };
        assert!(keep(&mut presets.brushes, "  soft ", brush) && !keep(&mut presets.brushes, "  ", brush));
        let directions = DirectionAmounts::from([("Smile".to_owned(), 1.5)]);
        assert!(keep(&mut presets.adjustments, "happy", Adjustment { directions }));
        presets.save(&path).unwrap();
        assert_eq!(Presets::load(&path).unwrap(), presets);

        let mut json: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        json["perfumes"] = serde_json::json!([{"name": "rose"}]);
        json["brushes"].as_array_mut().unwrap().push(serde_json::json!({"name": "bristle", "bristles": 7}));
        json["brushes"][0]["scatter"] = serde_json::json!(3);
        std::fs::write(&path, serde_json::to_vec(&json).unwrap()).unwrap();
        let mut read = Presets::load(&path).unwrap();
        assert_eq!((read.brushes.len(), find(&read.brushes, "soft")), (1, Some(&brush)));
        assert!(keep(&mut read.brushes, "another", brush));
        read.save(&path).unwrap();
        let json: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(json["perfumes"][0]["name"], "rose");
        let names: Vec<&str> =
            json["brushes"].as_array().unwrap().iter().map(|brush| brush["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["another", "soft", "bristle"]);
    }

    #[test]
    fn there_is_room_for_so_many_and_damage_is_a_sentence() {
        let mut presets = Vec::new();
        for number in 0..MAX_PRESETS {
            assert!(keep(&mut presets, &format!("{number:03}"), number));
        }
        assert!(!keep(&mut presets, "one more", 0) && keep(&mut presets, "007", 1));
        assert_eq!((presets.len(), find(&presets, "007")), (MAX_PRESETS, Some(&1)));

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("presets.json");
        for damage in ["{", "[]", "\"x\""] {
            std::fs::write(&path, damage).unwrap();
            let err = format!("{:#}", Presets::load(&path).unwrap_err());
            assert!(err.contains("presets.json"), "{err}");
        }
        std::fs::write(&path, r#"{"brushes": [{"name": "b", "radius_px": 1e9, "hardness": 7, "strength": -1}]}"#)
            .unwrap();
        let read = Presets::load(&path).unwrap();
        assert_eq!(read.brushes[0].value, read.brushes[0].value.clamped());
        std::fs::write(&path, r#"{"brushes": 7, "adjustments": {}}"#).unwrap();
        assert!(Presets::load(&path).unwrap().brushes.is_empty());
    }
}
