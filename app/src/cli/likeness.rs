//! How near faces come to their photos: an option of every command that encodes.

use std::collections::BTreeMap;

use clap::Args;
use stylemap::engine::FaceId;

use super::failure::warn;
use super::numbers;
use super::session::Session;

/// `--likeness`.
#[derive(Args, Clone, Copy, Debug)]
pub struct Likeness {
    /// How near the faces come to their photos: 1 is all that the fine encoder and --refine find in them, 0 what the encoder alone
    /// makes of them [default: 1]
    #[arg(long, value_name = "SHARE", value_parser = numbers::unit, allow_negative_numbers = true)]
    likeness: Option<f32>,
}

impl Likeness {
    /// How much of the residuals is shown, in [0, 1].
    pub fn share(self) -> f32 {
        self.likeness.unwrap_or(1.0)
    }

    /// Whether the option was given.
    pub fn is_given(self) -> bool {
        self.likeness.is_some()
    }

    /// What a scene of these faces takes. Says so where the option was given and the model knows no difference.
    pub fn of_faces(self, session: &Session, faces: impl IntoIterator<Item = FaceId>) -> BTreeMap<FaceId, f32> {
        if !session.has_residuals() {
            self.warn_that_nothing_changes("this model has no fine encoder");
        }
        faces.into_iter().map(|face| (face, self.share())).collect()
    }

    /// Says that the option changes nothing, where it was given.
    pub fn warn_that_nothing_changes(self, why: &str) {
        if self.likeness.is_some() {
            warn(&format!("--likeness changes nothing: {why}"));
        }
    }
}
