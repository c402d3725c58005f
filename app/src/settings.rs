//! What the program remembers of its user between two starts.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use stylemap::photo::PhotoFile;

use crate::export::{ExportSize, FileOptions, Format, MetadataChoice, NameTemplate};

/// The window's colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// As the system has them.
    System,
    /// Light words on a dark ground: pictures look best there.
    #[default]
    Dark,
    /// Dark words on a light ground.
    Light,
}

/// The language of the window's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Korean.
    Korean,
}

/// Which parts of the side panel are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OpenSections {
    /// The photos.
    pub photos: bool,
    /// Two faces and what lies between them.
    pub blend: bool,
    /// The layers.
    pub layers: bool,
    /// Steps along the model's directions.
    pub adjust: bool,
    /// The steps done and undone.
    pub history: bool,
}

impl Default for OpenSections {
    fn default() -> Self {
        Self { photos: true, blend: true, layers: true, adjust: true, history: false }
    }
}

/// How pictures are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExportSettings {
    /// The kind of file.
    pub format: Format,
    /// How large.
    pub size: ExportSize,
    /// Whether colours of sixteen bits are written with eight.
    pub eight_bits: bool,
    /// Whether only what the edit changes is written, on transparent ground; see [`Self::writes_change_only`].
    pub change_only: bool,
    /// What files are called.
    pub name: NameTemplate,
    /// In percent, for JPEG; none as the photo had it.
    pub jpeg_quality: Option<u8>,
    /// What of a photo's own words is kept.
    pub metadata: MetadataChoice,
    /// Whether files say that their picture was edited.
    pub says_edited: bool,
}

impl Default for ExportSettings {
    fn default() -> Self {
        Self {
            format: Format::Png,
            size: ExportSize::Usual,
            eight_bits: false,
            change_only: false,
            name: NameTemplate::default(),
            jpeg_quality: None,
            metadata: MetadataChoice::Keep,
            says_edited: true,
        }
    }
}

impl ExportSettings {
    /// Whether only what the edit changes is written: a wish that waits as long as a kind of file is chosen that has no transparency.
    pub fn writes_change_only(&self) -> bool {
        self.change_only && self.format.has_transparency()
    }

    /// For a picture in the numbers of this photo; none is sRGB.
    pub fn file_options<'a>(&self, photo: Option<&'a PhotoFile>) -> FileOptions<'a> {
        let Self { jpeg_quality, metadata, says_edited, eight_bits, .. } = *self;
        FileOptions { photo, metadata, jpeg_quality, says_edited, eight_bits }
    }
}

/// How the pictures of one document are written, kept with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExportChoice {
    /// Whether the newest export was of the whole photo; none before there was one.
    pub in_photo: Option<bool>,
    /// What was chosen.
    pub settings: ExportSettings,
}

/// Where the model computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// A GPU where there is one that this program can use.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
}

/// How the model computes, from the next start on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EngineSettings {
    /// Where.
    pub device: Device,
    /// How much memory it keeps of faces, in MiB; none leaves that to the program.
    pub cache_mib: Option<u32>,
}

/// How often the work is saved by itself, to be recovered after a crash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Autosave {
    /// Every twenty seconds.
    #[default]
    Often,
    /// Every two minutes.
    Sometimes,
    /// Every ten minutes.
    Seldom,
    /// Never: what is not saved is lost with the program.
    Never,
}

impl Autosave {
    /// Every choice, in the order of boxes.
    pub const ALL: [Self; 4] = [Self::Often, Self::Sometimes, Self::Seldom, Self::Never];

    /// How far two of them are apart at least.
    pub fn pause(self) -> Option<Duration> {
        match self {
            Self::Often => Some(Duration::from_secs(20)),
            Self::Sometimes => Some(Duration::from_secs(120)),
            Self::Seldom => Some(Duration::from_secs(600)),
            Self::Never => None,
        }
    }

    /// What boxes call it, in English.
    pub fn text(self) -> &'static str {
        match self {
            Self::Often => "Every 20 seconds",
            Self::Sometimes => "Every 2 minutes",
            Self::Seldom => "Every 10 minutes",
            Self::Never => "Never",
        }
    }
}

/// How far faces are brought nearer to their photos by optimisation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Refining {
    /// The first steps, which go far.
    Short,
    /// What is good for a model without a fine encoder.
    #[default]
    Usual,
    /// The last bit.
    Long,
}

impl Refining {
    /// Every choice, in the order of boxes.
    pub const ALL: [Self; 3] = [Self::Short, Self::Usual, Self::Long];

    /// In so many steps, each about as long as drawing the face.
    pub fn steps(self) -> usize {
        match self {
            Self::Short => 20,
            Self::Usual => 50,
            Self::Long => 150,
        }
    }
}

/// Faces brought nearer to their photos.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RefinementSettings {
    /// Whether that is done for every photo, by itself.
    pub is_of_every_photo: bool,
    /// How far.
    pub refining: Refining,
}

impl RefinementSettings {
    /// In how many steps.
    pub fn steps(self) -> usize {
        self.refining.steps()
    }
}

/// Sizes that the user chose, in points of the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sizes {
    /// Width of the side panel.
    pub side_panel: Option<f32>,
    /// Width and height of the window's inside.
    pub window: Option<[f32; 2]>,
}

/// The settings. What a file does not name is as it comes with the program, and what is unknown is passed over: older and
/// newer programs share one file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The window's colours.
    pub theme: Theme,
    /// The language; none is that of the system.
    pub language: Option<Language>,
    /// Parts of the side panel.
    pub open_sections: OpenSections,
    /// Sizes of the window and its parts.
    pub sizes: Sizes,
    /// How pictures are written.
    pub export: ExportSettings,
    /// How the model computes.
    pub engine: EngineSettings,
    /// How often the work is saved by itself.
    pub autosave: Autosave,
    /// Faces brought nearer to their photos.
    pub refinement: RefinementSettings,
    /// Keys that the user chose, by the command's name; no keys at all for a command that shall have none.
    pub keys: BTreeMap<String, Vec<String>>,
}

impl Settings {
    /// Reads a file; there is none at the first start.
    ///
    /// # Errors
    /// When there is one and it cannot be read or understood.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| {
                format!("the settings in {} cannot be understood and are passed over", path.display())
            }),
            Err(err) if err.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(err) => Err(err).with_context(|| format!("the settings in {} cannot be read", path.display())),
        }
    }

    /// Writes them, in a folder that is made where it is missing.
    ///
    /// # Errors
    /// When the file cannot be written; the one of before stays.
    pub fn save(&self, path: &Path) -> anyhow::Result<()> {
        let cannot = || format!("the settings cannot be kept in {}", path.display());
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(cannot)?;
        }
        let json = serde_json::to_vec_pretty(self).with_context(cannot)?;
        stylemap::files::write_whole(path, &json).with_context(cannot)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn settings_come_back_and_a_broken_file_is_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new folder").join("settings.json");
        assert_eq!(Settings::load(&path).unwrap(), Settings::default());
        let settings = Settings {
            theme: Theme::Light,
            language: Some(Language::Korean),
            open_sections: OpenSections { history: true, ..OpenSections::default() },
            sizes: Sizes { side_panel: Some(320.0), window: Some([1200.5, 800.0]) },
            export: ExportSettings {
                format: Format::Jpeg,
                jpeg_quality: Some(80),
                metadata: MetadataChoice::LocationOff,
                says_edited: false,
                size: ExportSize::Px1024,
                eight_bits: true,
                change_only: true,
                name: NameTemplate::new("{date} {photo}").unwrap(),
            },
            engine: EngineSettings { device: Device::Cpu, cache_mib: Some(512) },
            autosave: Autosave::Seldom,
            refinement: RefinementSettings { is_of_every_photo: true, refining: Refining::Long },
            keys: BTreeMap::from([("undo".to_owned(), vec!["Command+U".to_owned()])]),
        };
        settings.save(&path).unwrap();
        assert_eq!(Settings::load(&path).unwrap(), settings);

        // Of another version: what is known is taken.
        std::fs::write(&path, r#"{"theme": "light", "open_sections": {"photos": false}, "perfume": 3}"#).unwrap();
        let read = Settings::load(&path).unwrap();
        assert_eq!((read.theme, read.open_sections.photos, read.open_sections.layers), (Theme::Light, false, true));
        std::fs::write(&path, "{").unwrap();
        let err = format!("{:#}", Settings::load(&path).unwrap_err());
        assert!(err.contains("settings.json") && err.contains("passed over"), "{err}");
    }
}
