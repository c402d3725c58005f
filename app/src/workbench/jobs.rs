//! Work in the background that ends by itself: one thread for each job, one place that knows how many there are, how far they
//! are, and how to cancel them.
//!
//! What a job made comes back as a closure over whoever owns the jobs, run on the owner's own thread: no job has a channel or a
//! counter of its own. Threads that live as long as the program (the engine's, the photo loader's, the saver's, that of the
//! finished picture) keep theirs.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use anyhow::Context as _;

use crate::project::Progress;
use crate::shelter::sheltered;

/// Called on any thread whenever there is something to take.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// What a job is for, as the status bar says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// Writes pictures.
    Export,
    /// Finishes a picture for the clipboard.
    Copy,
    /// Reads the clipboard.
    ReadClipboard,
    /// Reads a mask.
    ReadMask,
    /// Writes the settings.
    KeepSettings,
    /// Writes the list of recent files, and looks for them.
    KeepRecent,
    /// Reads a project.
    OpenProject,
    /// Cuts out a reference as it lies.
    CutOut,
    /// Reads or writes a photo of a batch.
    Batch,
    /// Looks for a face that was refined before.
    FindRefined,
    /// Keeps a face that was refined.
    KeepRefined,
    /// Reads a photo that a slider is learned from.
    ReadExample,
    /// Reads or writes the sliders that were learned.
    KeepDirections,
}

/// What a job does with its owner once it is done.
pub type Finish<Owner> = Box<dyn FnOnce(&mut Owner) + Send>;

/// The number of a job that is done, and what is left to do.
type Done<Owner> = (u64, Finish<Owner>);

struct Job {
    number: u64,
    kind: JobKind,
    progress: Arc<Progress>,
}

/// The jobs that run for an owner.
pub struct Jobs<Owner> {
    wake: Wake,
    failed: fn(&mut Owner, anyhow::Error),
    sender: Sender<Done<Owner>>,
    done: Receiver<Done<Owner>>,
    running: Vec<Job>,
    next_number: u64,
}

impl<Owner: 'static> Jobs<Owner> {
    /// No jobs yet; `wake` is called on a job's thread whenever one is done, `failed` when one panicked.
    pub fn new(wake: Wake, failed: fn(&mut Owner, anyhow::Error)) -> Self {
        let (sender, done) = channel();
        Self { wake, failed, sender, done, running: Vec::new(), next_number: 0 }
    }

    /// Starts a job on a thread of its own; returns at once.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(
        &mut self,
        kind: JobKind,
        work: impl FnOnce(&Progress) -> Finish<Owner> + Send + 'static,
    ) -> anyhow::Result<()> {
        let (number, failed) = (self.next_number, self.failed);
        let progress = Arc::new(Progress::default());
        let (sender, wake, of_thread) = (self.sender.clone(), Arc::clone(&self.wake), Arc::clone(&progress));
        std::thread::Builder::new()
            .name(format!("{kind:?}").to_lowercase())
            .spawn(move || {
                let finish = sheltered(|| Ok(work(&of_thread)))
                    .unwrap_or_else(|err| Box::new(move |owner: &mut Owner| failed(owner, err)));
                // The owner may be gone already; what was to be written is written all the same.
                let _ = sender.send((number, finish));
                wake();
            })
            .context("no thread could be started")?;
        self.next_number += 1;
        self.running.push(Job { number, kind, progress });
        Ok(())
    }

    /// What the next job that is done wants to do.
    pub fn poll(&mut self) -> Option<Finish<Owner>> {
        let (number, finish) = self.done.try_recv().ok()?;
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    #[test]
    fn jobs_are_counted_finish_with_their_owner_and_survive_a_panic() {
        let (woken, wakes) = channel();
        let wake: Wake = Arc::new(move || woken.send(()).unwrap());
        let mut jobs = Jobs::new(wake, |owner: &mut Vec<String>, err| owner.push(err.to_string()));
        let (go, gate) = channel::<()>();
        jobs.start(JobKind::Export, move |_| {
            gate.recv().unwrap();
            Box::new(|owner| owner.push("done".to_owned()))
        })
        .unwrap();
        assert_eq!((jobs.count(JobKind::Export), jobs.count(JobKind::ReadMask), jobs.is_idle()), (1, 0, false));
        assert!(jobs.poll().is_none());
        go.send(()).unwrap();
        jobs.start(JobKind::ReadMask, |_| panic!("a hole in the disk")).unwrap();
        let mut owner = Vec::new();
        for _ in 0..2 {
            wakes.recv().unwrap();
        }
        while let Some(finish) = jobs.poll() {
            finish(&mut owner);
        }
        owner.sort();
        assert_eq!(owner.len(), 2);
        assert!(owner[0].contains("a hole in the disk") && owner[1] == "done", "{owner:?}");
        assert!(jobs.is_idle());
    }
}
