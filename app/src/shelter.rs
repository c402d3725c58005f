//! Where work on other threads ends in a sentence instead of a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs something in which a mistake of ours, or of a decoder, must not end the thread.
///
/// # Errors
/// Those of `action`, and its panic as a sentence.
pub fn sheltered<T>(action: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    catch_unwind(AssertUnwindSafe(action)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Err(anyhow::anyhow!("Stylebrush made a mistake ({text}): please report it with what you did"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_a_sentence() {
        let result: anyhow::Result<()> = sheltered(|| panic!("index {} out of bounds", 7));
        assert!(result.unwrap_err().to_string().contains("(index 7 out of bounds)"));
    }
}
