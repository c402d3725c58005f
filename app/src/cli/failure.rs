//! How failures leave the program: one sentence on the standard error, and the exit code.

use std::io::Write as _;
use std::process::ExitCode;

use clap::error::ErrorKind;
use stylebrush_app::sentence::sentence_of;

/// Reports an error of the work: exit code 1.
pub fn report(err: &anyhow::Error) -> ExitCode {
    say("error", &sentence_of(err));
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
    use super::*;

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
