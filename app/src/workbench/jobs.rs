//! Work in the background that ends by itself: one thread for each job, one place that knows how many there are, how far they
//! are, and how to cancel them.
//!
//! What a job made comes back as a closure over the workbench, run by [`Workbench::poll`] on the workbench's own thread: no
//! job has a channel or a counter of its own. Threads that live as long as the program (the engine's, the photo loader's, the
//! saver's, that of the finished picture) keep theirs.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use anyhow::Context as _;

use super::{Wake, Workbench};
use crate::project::Progress;
use crate::shelter::sheltered;

/// What a job is for, as the status bar says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// Writes pictures.
    Export,
    /// Reads a mask.
    ReadMask,
    /// Writes the settings.
    KeepSettings,
    /// Reads a project.
    OpenProject,
}

/// What a job does with the workbench once it is done.
pub type Finish = Box<dyn FnOnce(&mut Workbench) + Send>;

/// The number of a job that is done, and what is left to do.
type Done = (u64, Finish);

struct Job {
    number: u64,
    kind: JobKind,
    progress: Arc<Progress>,
}

/// The jobs that run.
pub struct Jobs {
    wake: Wake,
    done: (Sender<Done>, Receiver<Done>),
    running: Vec<Job>,
    next_number: u64,
}

impl Jobs {
    /// No jobs yet; `wake` is called on a job's thread whenever one is done.
    pub fn new(wake: Wake) -> Self {
        Self { wake, done: channel(), running: Vec::new(), next_number: 0 }
    }

    /// Starts a job on a thread of its own; returns at once.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(
        &mut self,
        kind: JobKind,
        work: impl FnOnce(&Progress) -> Finish + Send + 'static,
    ) -> anyhow::Result<()> {
        let number = self.next_number;
        let progress = Arc::new(Progress::default());
        let (done, wake, of_thread) = (self.done.0.clone(), Arc::clone(&self.wake), Arc::clone(&progress));
        std::thread::Builder::new()
            .name(format!("{kind:?}").to_lowercase())
            .spawn(move || {
                let finish = sheltered(|| Ok(work(&of_thread)))
                    .unwrap_or_else(|err| Box::new(move |bench: &mut Workbench| bench.tell_error(&err)));
                // The workbench may be gone already; what was to be written is written all the same.
                let _ = done.send((number, finish));
                wake();
            })
            .context("no thread could be started")?;
        self.next_number += 1;
        self.running.push(Job { number, kind, progress });
        Ok(())
    }

    /// What the next job that is done wants to do.
    pub(super) fn poll(&mut self) -> Option<Finish> {
        let (number, finish) = self.done.1.try_recv().ok()?;
        self.running.retain(|job| job.number != number);
        Some(finish)
    }

    /// How many jobs of this kind run.
    pub fn count(&self, kind: JobKind) -> usize {
        self.running.iter().filter(|job| job.kind == kind).count()
    }

    /// Whether none runs.
    pub fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// How far the newest job of this kind is, in [0, 1].
    pub fn share(&self, kind: JobKind) -> Option<f32> {
        self.running.iter().rev().find(|job| job.kind == kind).map(|job| job.progress.share())
    }

    /// Asks every job of this kind to end early.
    pub fn cancel(&self, kind: JobKind) {
        self.running.iter().filter(|job| job.kind == kind).for_each(|job| job.progress.cancel());
    }
}
