//! What exported files are called: a template with words in braces, the one place that says what a name may be.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The words that a template may hold, without their braces.
pub const WORDS: [&str; 5] = ["photo", "face", "size", "number", "date"];
/// No file system takes these in names, or not every one.
const FORBIDDEN: [char; 9] = ['/', '\\', ':', '*', '?', '"', '<', '>', '|'];
/// A template is no longer than this, in characters.
const MAX_TEMPLATE_LEN: usize = 120;
/// And a name, in bytes: file systems have room for 255, of which the extension and a number want some.
const MAX_NAME_BYTES: usize = 200;
/// So many names in a row are tried for one that is free.
const MAX_TRIES: usize = 10_000;
/// Windows opens devices by these names, whatever follows a dot.
const DEVICES: [&str; 22] = [
    "CON", "PRN", "AUX", "NUL", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9", "LPT1", "LPT2",
    "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9",
];

/// A name with words in braces that are filled in: `{photo} edited`. Without extension. What is read from a file and is no
/// template is the one that comes with the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct NameTemplate(String);

impl Default for NameTemplate {
    fn default() -> Self {
        Self("{photo} edited".to_owned())
    }
}

impl From<String> for NameTemplate {
    fn from(text: String) -> Self {
        Self::new(&text).unwrap_or_default()
    }
}

impl From<NameTemplate> for String {
    fn from(template: NameTemplate) -> Self {
        template.0
    }
}

/// What the words of a template stand for.
#[derive(Clone, Debug)]
pub struct NameParts<'a> {
    /// What the photo's file is called, without extension.
    pub photo: &'a str,
    /// Which face of the photo, by the numbers of `align --json`.
    pub face: usize,
    /// Width and height of the picture.
    pub size_px: (u32, u32),
    /// The number of the picture among others, or the first to be tried.
    pub number: usize,
    /// The day, see [`today`].
    pub date: String,
}

/// The day as it is here: 2026-11-30.
pub fn today() -> String {
    chrono::Local::now().format("%Y-%m-%d").to_string()
}

impl NameTemplate {
    /// A template.
    ///
    /// # Errors
    /// When it is empty or too long, holds a word in braces that is none of [`WORDS`], or a sign that no name may have.
    pub fn new(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        let cannot = |why: String| anyhow::anyhow!("the name {text} cannot be used: {why}");
        if text.is_empty() || text.starts_with('.') || text.ends_with('.') {
            return Err(cannot("it is empty, or begins or ends with a dot".to_owned()));
        }
        if text.chars().count() > MAX_TEMPLATE_LEN {
            return Err(cannot(format!("it has more than {MAX_TEMPLATE_LEN} characters")));
        }
        if let Some(sign) = text.chars().find(|sign| sign.is_control() || FORBIDDEN.contains(sign)) {
            return Err(cannot(format!("a file's name must not hold {sign}")));
        }
        let allowed = || cannot(format!("the words in braces are {{{}}}", WORDS.join("}, {")));
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            let (word, after) = behind.split_once('}').ok_or_else(allowed)?;
            if before.contains('}') || !WORDS.contains(&word) {
                return Err(allowed());
            }
            rest = after;
        }
        if rest.contains('}') {
            return Err(allowed());
        }
        Ok(Self(text.to_owned()))
    }

    /// The template as it was typed.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The name that comes of it, without extension: one that every file system takes.
    pub fn name(&self, parts: &NameParts<'_>) -> String {
        let (width, height) = parts.size_px;
        let values = [
            // Values may hold braces of their own: the photo's name comes last.
            ("{face}", parts.face.to_string()),
            ("{size}", format!("{width}x{height}")),
            ("{number}", parts.number.to_string()),
            ("{date}", parts.date.clone()),
            ("{photo}", parts.photo.to_owned()),
        ];
        let name = values.iter().fold(self.0.clone(), |name, (word, value)| name.replace(word, value));
        tidy(&name)
    }

    /// A path in this folder where no file lies: with the first number that is free, behind the name where the template has no place
    /// for it.
    pub fn free_path(&self, folder: &Path, parts: &NameParts<'_>, extension: &str) -> PathBuf {
        let has_number = self.0.contains("{number}");
        let path = |number: usize| {
            let name = self.name(&NameParts { number, ..parts.clone() });
            let name = if has_number || number == 1 { name } else { format!("{name} {number}") };
            folder.join(format!("{name}.{extension}"))
        };
        free(if has_number { parts.number } else { 1 }, path)
    }
}

/// A path in this folder where nothing lies: `name`, or that with a number behind. `extension` may be empty.
pub fn free_path(folder: &Path, name: &str, extension: &str) -> PathBuf {
    let name = tidy(name);
    let end = if extension.is_empty() { String::new() } else { format!(".{extension}") };
    free(1, |number| match number {
        1 => folder.join(format!("{name}{end}")),
        _ => folder.join(format!("{name} {number}{end}")),
    })
}

fn free(first: usize, path: impl Fn(usize) -> PathBuf) -> PathBuf {
    // A link that leads nowhere lies there too.
    let is_free = |path: &PathBuf| path.symlink_metadata().is_err();
    (first..first.saturating_add(MAX_TRIES)).map(&path).find(is_free).unwrap_or_else(|| path(first + MAX_TRIES))
}

fn tidy(name: &str) -> String {
    let sign = |sign: char| if sign.is_control() || FORBIDDEN.contains(&sign) { '-' } else { sign };
    let mut name: String = name.chars().map(sign).collect();
    while name.len() > MAX_NAME_BYTES {
        name.pop();
    }
    let name = name.trim_start_matches(['.', ' ']).trim_end_matches(['.', ' ']);
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    if name.is_empty() {
        "picture".to_owned()
    } else if DEVICES.iter().any(|device| device.eq_ignore_ascii_case(stem)) {
        format!("_{name}")
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn parts(photo: &str) -> NameParts<'_> {
        NameParts { photo, face: 2, size_px: (640, 480), number: 1, date: "2026-11-30".to_owned() }
    }

    fn name(template: &str, photo: &str) -> String {
        NameTemplate::new(template).unwrap().name(&parts(photo))
    }

    #[test]
    fn words_are_filled_in() {
        assert_eq!(name("{photo} edited", "me"), "me edited");
        assert_eq!(name("{date}_{photo}_{face}_{size}_{number}", "me"), "2026-11-30_me_2_640x480_1");
        assert_eq!(name("{photo}", "a {number}"), "a {number}", "a photo's own braces are no words");
        assert_eq!(name("사진 {photo}", "가족"), "사진 가족");
    }

    #[test]
    fn whatever_a_photo_is_called_its_name_can_be_written() {
        for (photo, expected) in [
            ("a/b\\c:d", "a-b-c-d"),
            ("..", "picture"),
            (" .hidden. ", "hidden"),
            ("nul", "_nul"),
            ("con.old", "_con.old"),
            ("line\nbreak", "line-break"),
        ] {
            assert_eq!(name("{photo}", photo), expected);
        }
        let long = name("{photo} edited", &"가".repeat(400));
        assert!(long.len() <= MAX_NAME_BYTES && long.starts_with('가'), "{}", long.len());
    }

    #[test]
    fn what_is_no_template_is_a_sentence_and_never_read_from_a_file() {
        let long = "x".repeat(MAX_TEMPLATE_LEN + 1);
        for text in ["", "  ", ".hidden", "{camera}", "{photo", "photo}", "{{photo}}", "a/b", "a\nb", "what?", &long] {
            let err = NameTemplate::new(text).unwrap_err().to_string();
            assert!(err.starts_with("the name") && err.contains("cannot be used"), "{err}");
            assert_eq!(NameTemplate::from(text.to_owned()), NameTemplate::default());
        }
        assert!(NameTemplate::new("{camera}").unwrap_err().to_string().contains("{photo}, {face}"));
        let read: NameTemplate = serde_json::from_str("\"../{photo}\"").unwrap();
        assert_eq!(read, NameTemplate::default());
    }

    #[test]
    fn a_suggested_name_is_never_that_of_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let free = |template: &str| NameTemplate::new(template).unwrap().free_path(folder.path(), &parts("me"), "png");
        assert_eq!(free("{photo} edited"), path("me edited.png"));
        for name in ["me edited.png", "me edited 2.png", "me-1.png", "film"] {
            std::fs::write(path(name), "").unwrap();
        }
        assert_eq!(free("{photo} edited"), path("me edited 3.png"));
        assert_eq!(free("{photo}-{number}"), path("me-2.png"));
        // Of many photos each has a number of its own, which is no part of a name that has no place for it.
        let seventh = NameParts { number: 7, ..parts("you") };
        assert_eq!(NameTemplate::default().free_path(folder.path(), &seventh, "png"), path("you edited.png"));
        assert_eq!(free_path(folder.path(), "film", ""), path("film 2"));
        assert_eq!(free_path(folder.path(), "film", "gif"), path("film.gif"));
    }
}
