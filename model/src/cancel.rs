//! Long work that can be cancelled.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::error::{Error, Result};

/// Cancels long work: clones share one state, so that one side keeps a clone and the other hands one to the work.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    is_asked: Arc<AtomicBool>,
    /// The number of the newest request, and that of the one that this work is for.
    superseded: Option<(Arc<AtomicU64>, u64)>,
}

impl Cancel {
    /// Asks for the work to stop; it ends with [`Error::Cancelled`].
    pub fn cancel(&self) {
        self.is_asked.store(true, Ordering::Relaxed);
    }

    /// Cancels this work with `self`, and also once `newest` is more than `number`: the latest request wins.
    pub(crate) fn or_newer_than(&self, number: u64, newest: &Arc<AtomicU64>) -> Self {
        Self { is_asked: Arc::clone(&self.is_asked), superseded: Some((Arc::clone(newest), number)) }
    }

    /// Fails if [`Cancel::cancel`] was called, or something newer is worth more.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn check(&self) -> Result<()> {
        let is_superseded = |(newest, number): &(Arc<AtomicU64>, u64)| newest.load(Ordering::Relaxed) > *number;
        let stops = self.is_asked.load(Ordering::Relaxed) || self.superseded.as_ref().is_some_and(is_superseded);
        if stops { Err(Error::Cancelled) } else { Ok(()) }
    }
}
