//! What every fuzz target does around its entry.

use std::sync::Once;

/// Panics of other people's decoders are caught by the program, which says that the file is damaged. Any other ends the target.
pub fn watch_panics() {
    static WATCHED: Once = Once::new();
    WATCHED.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            let file = panic.location().map_or("", |location| location.file());
            if !file.contains("/registry/src/") {
                eprintln!("{panic}\n{}", std::backtrace::Backtrace::force_capture());
                std::process::abort();
            }
        }));
    });
}

/// A target of this entry.
#[macro_export]
macro_rules! target {
    ($entry:path) => {
        libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
            target::watch_panics();
            $entry(bytes);
        });
    };
}
