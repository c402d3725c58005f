//! What the graphics driver refuses. It comes on whatever thread draws, and is told the user instead of ending the program.

use std::sync::{Arc, Mutex, PoisonError};

/// Errors of the driver, shared with whoever hears of them.
#[derive(Clone, Default)]
pub struct DriverErrors {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    untold: Option<String>,
    has_told: bool,
}

impl DriverErrors {
    /// Takes an error.
    pub fn take(&self, err: &wgpu::Error) {
        log::error!("the graphics driver: {err}");
        let reason = match err {
            wgpu::Error::OutOfMemory { .. } => "it has no memory left".to_owned(),
            wgpu::Error::Validation { description, .. } | wgpu::Error::Internal { description, .. } => {
                description.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
            }
        };
        self.say(reason);
    }

    fn say(&self, reason: String) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.has_told {
            state.has_told = true;
            state.untold = Some(reason);
        }
    }

    /// The first error, once: the next ones follow from it, in every frame.
    pub fn first(&self) -> Option<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).untold.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_error_is_told() {
        let errors = DriverErrors::default();
        assert_eq!(errors.first(), None);
        errors.say("no such texture".to_owned());
        errors.say("no such texture either".to_owned());
        assert_eq!(errors.first().as_deref(), Some("no such texture"));
        errors.say("no such texture again".to_owned());
        assert_eq!(errors.first(), None);
    }
}
