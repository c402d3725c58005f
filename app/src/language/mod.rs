//! The window's words in the user's language. English is written where it is used and is the key; what has no translation
//! stays English.
//!
//! The language belongs to the thread of the workbench, which the window's is too: no other thread writes words.

mod korean;

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::OnceLock;

use crate::settings::Language;

thread_local! {
    static CURRENT: Cell<Language> = const { Cell::new(Language::English) };
}

/// Draws in this language from here on, on this thread.
pub fn set(language: Language) {
    CURRENT.set(language);
}

/// The language of the system, by the variables that name it.
pub fn of_system() -> Language {
    let named = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    of_locale(&named.unwrap_or_default())
}

fn of_locale(locale: &str) -> Language {
    if locale.to_lowercase().starts_with("ko") { Language::Korean } else { Language::English }
}

/// The words in the language of this thread.
pub fn tr(english: &str) -> &str {
    match CURRENT.get() {
        Language::English => english,
        Language::Korean => korean().get(english).copied().unwrap_or(english),
    }
}

/// The words in the language of this thread, with values in the places of their names in braces.
pub fn tr_with(english: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(tr(english).to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// Whether words have a translation into every language.
#[cfg(test)]
pub(crate) fn is_known(english: &str) -> bool {
    korean().contains_key(english)
}

fn korean() -> &'static HashMap<&'static str, &'static str> {
    static TABLE: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    TABLE.get_or_init(|| korean::WORDS.iter().copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_change_with_the_language_and_places_stay() {
        set(Language::Korean);
        assert_eq!(tr("Undo"), "실행 취소");
        assert_eq!(tr("no such words"), "no such words");
        assert_eq!(
            tr_with("Click the face to edit in {name}", &[("name", "가족")]),
            "가족에서 편집할 얼굴을 클릭하세요"
        );
        set(Language::English);
        assert_eq!(tr_with("Click the face to edit in {name}", &[("name", "x")]), "Click the face to edit in x");
        for (english, korean) in korean::WORDS {
            let places = |text: &str| text.matches('{').count();
            assert_eq!(places(english), places(korean), "{english}");
            assert_eq!(english.ends_with('…'), korean.ends_with('…'), "{english}");
        }
        let mut keys: Vec<_> = korean::WORDS.iter().map(|(english, _)| english).collect();
        let count = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), count, "a word stands twice");
    }

    #[test]
    fn the_locale_names_the_language() {
        for (locale, expected) in [
            ("ko_KR.UTF-8", Language::Korean),
            ("ko", Language::Korean),
            ("en_GB.UTF-8", Language::English),
            ("C", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(of_locale(locale), expected, "{locale}");
        }
    }
}
