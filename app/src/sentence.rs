//! Errors as people read them: one sentence, nothing said twice, no numbers of the system's.

/// An error and its causes in a row. Many errors quote their cause themselves: what was said is not said again.
pub fn sentence_of(err: &anyhow::Error) -> String {
    let mut sentence = String::new();
    for cause in err.chain() {
        let text = plain(&cause.to_string());
        if sentence.is_empty() {
            sentence = text;
        } else if !sentence.contains(&text) {
            sentence = format!("{sentence}: {text}");
        }
    }
    sentence
}

/// A message without line breaks, without the backtrace that candle appends where one was captured, and without the system's
/// number of the error, which helps nobody.
fn plain(message: &str) -> String {
    let is_backtrace = |line: &str| {
        let line = line.trim_start();
        let frame = line.trim_start_matches(|c: char| c.is_ascii_digit());
        line.starts_with("at ") || (frame.len() < line.len() && frame.starts_with(": "))
    };
    let mut lines = message.lines();
    let first = lines.next().unwrap_or_default().to_owned();
    let text = lines.filter(|line| !is_backtrace(line)).fold(first, |text, line| format!("{text} {}", line.trim()));
    match text.split_once(" (os error ").map(|(before, after)| (before, after.split_once(')'))) {
        Some((before, Some((_, rest)))) => format!("{before}{rest}"),
        _ => text,
    }
}

/// Errors are sentence parts ("cannot open …"): on screen they begin with a capital and end with a full stop.
pub fn on_screen(text: &str) -> String {
    let text = plain(text);
    let mut characters = text.trim().chars();
    let Some(first) = characters.next() else { return String::new() };
    let mut sentence: String = first.to_uppercase().chain(characters).collect();
    if !sentence.ends_with(['.', '!', '?', '…']) {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn an_error_is_one_plain_sentence() {
        let err = std::io::Error::from_raw_os_error(2);
        let err = anyhow::Error::from(stylemap::Error::Io { action: "cannot open", path: "a.png".into(), source: err });
        assert_eq!(on_screen(&sentence_of(&err)), "Cannot open a.png: No such file or directory.");
        let err = anyhow::anyhow!("the disk is full").context("cannot export");
        assert_eq!(on_screen(&sentence_of(&err)), "Cannot export: the disk is full.");
    }

    #[test]
    fn causes_are_one_sentence_without_repetition() {
        let io = || std::io::Error::other("the disk is full");
        let path = "a.png".into();
        let err = anyhow::Error::new(stylemap::Error::Io { action: "cannot write", path, source: io() });
        assert_eq!(sentence_of(&err), "cannot write a.png: the disk is full");
        let err =
            Err::<(), _>(io()).context("cannot write b.png").context("no frames").map_err(|err| sentence_of(&err));
        assert_eq!(err, Err("no frames: cannot write b.png: the disk is full".to_owned()));
    }

    #[test]
    fn backtraces_and_line_breaks_are_cut() {
        let message = "shape mismatch\n   0: candle_core::error\n             at /src/error.rs:3\n  11: main\n";
        assert_eq!(plain(message), "shape mismatch");
        assert_eq!(plain("cannot open odd\nname.png: not there"), "cannot open odd name.png: not there");
    }
}
