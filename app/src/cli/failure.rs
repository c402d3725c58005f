//! How failures leave the program: one sentence on the standard error, and the exit code.

use std::io::Write as _;
use std::process::ExitCode;

use clap::error::ErrorKind;

/// Reports an error of the work: exit code 1.
pub fn report(err: &anyhow::Error) -> ExitCode {
    say("error", &sentence(err));
    ExitCode::FAILURE
}

/// Reports wrong usage (exit code 2), or prints the help or version that was asked for.
pub fn usage(err: &clap::Error) -> ExitCode {
    if matches!(err.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // Nobody is left to tell if even the help cannot be printed.
        let _ = err.print();
        return ExitCode::SUCCESS;
    }
    say("error", &usage_sentence(&err.render().to_string()));
    ExitCode::from(2)
}

/// Says something that is no reason to stop.
pub fn warn(message: &str) {
    say("warning", message);
}

fn say(kind: &str, message: &str) {
    // Nobody is left to tell if the standard error is closed.
    let _ = writeln!(std::io::stderr().lock(), "{kind}: {message}");
}

/// The context and its causes as one sentence; causes that a message already repeats are left out.
fn sentence(err: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in err.chain() {
        let cause = one_line(&cause.to_string());
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// A message without line breaks, and without the backtrace that candle appends where one was captured.
fn one_line(message: &str) -> String {
    let is_backtrace = |line: &str| {
        let line = line.trim_start();
        let frame = line.trim_start_matches(|c: char| c.is_ascii_digit());
        line.starts_with("at ") || (frame.len() < line.len() && frame.starts_with(": "))
    };
    let mut lines = message.lines();
    let first = lines.next().unwrap_or_default().to_owned();
    lines.filter(|line| !is_backtrace(line)).fold(first, |text, line| format!("{text} {}", line.trim()))
}

/// Clap's message in one line: what is wrong and its tip, without the usage below them.
fn usage_sentence(message: &str) -> String {
    let paragraphs = message.split("\n\n").map(|paragraph| {
        let words: Vec<_> = paragraph.split_whitespace().collect();
        words.join(" ")
    });
    let mut text = String::new();
    for (i, paragraph) in paragraphs.enumerate() {
        if i == 0 {
            text = paragraph.trim_start_matches("error: ").to_owned();
        } else if let Some(tip) = paragraph.strip_prefix("tip: ") {
            text = format!("{text}; {tip}");
        }
    }
    format!("{text} (see --help)")
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn causes_are_one_sentence_without_repetition() {
        let io = || std::io::Error::other("the disk is full");
        let path = "a.png".into();
        let err = anyhow::Error::new(stylemap::Error::Io { action: "cannot write", path, source: io() });
        assert_eq!(sentence(&err), "cannot write a.png: the disk is full");
        let err = Err::<(), _>(io()).context("cannot write b.png").context("no frames").map_err(|err| sentence(&err));
        assert_eq!(err, Err("no frames: cannot write b.png: the disk is full".to_owned()));
    }

    #[test]
    fn backtraces_and_line_breaks_are_cut() {
        let message = "shape mismatch\n   0: candle_core::error\n             at /src/error.rs:3\n  11: main\n";
        assert_eq!(one_line(message), "shape mismatch");
        assert_eq!(one_line("cannot open odd\nname.png: not there"), "cannot open odd name.png: not there");
    }

    #[test]
    fn usage_is_one_line_with_the_tip() {
        let message = "error: unexpected argument '--devce' found\n\n  tip: a similar argument exists: '--device'\n\n\
                       Usage: stylebrush\n\nFor more information, try '--help'.\n";
        assert_eq!(
            usage_sentence(message),
            "unexpected argument '--devce' found; a similar argument exists: '--device' (see --help)"
        );
        let message = "error: the following required arguments were not provided:\n  --output <OUT>\n\nUsage: x\n";
        assert_eq!(
            usage_sentence(message),
            "the following required arguments were not provided: --output <OUT> (see --help)"
        );
    }
}
