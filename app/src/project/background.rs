//! Saving on a thread of its own: it may not hold up the window.
//!
//! Of what waits to be saved only the latest counts, per file: a newer state replaces one that has not been begun. What
//! the user asked for comes before autosaves.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::recovery::{AutosaveSlot, Leftover};
use super::{FileStamp, Project, save};
use crate::shelter::sheltered;

/// Autosaves are this many times as far apart as one takes: large photos on a slow disk must not keep it busy.
const AUTOSAVE_PAUSE_FACTOR: u32 = 20;

/// Where something was saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaveTarget {
    /// The file that the user named.
    Project(PathBuf),
    /// The program's own file, see [`super::recovery`].
    Autosave,
}

/// How saving went.
#[derive(Debug)]
pub struct SaveReport {
    /// What was to be written.
    pub target: SaveTarget,
    /// The number that the state was handed over with.
    pub revision: u64,
    /// The error is a sentence for the user.
    pub result: anyhow::Result<()>,
    /// How long it took.
    pub took: Duration,
    /// The file as it was written.
    pub stamp: Option<FileStamp>,
}

/// A file that somebody else has written since it was read or written here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangedOnDisk;

impl std::fmt::Display for ChangedOnDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the file was changed by another program since it was opened")
    }
}

impl std::error::Error for ChangedOnDisk {}

/// A state of the document on its way to a file.
struct Snapshot {
    project: Project,
    revision: u64,
}

enum Job {
    /// With the file as it was known, where it must still be that.
    Save(PathBuf, Snapshot, Option<FileStamp>),
    Autosave(Option<PathBuf>, Snapshot),
    /// The autosave is recovered: go on in its place.
    Adopt(AutosaveSlot),
    /// Nothing is to be recovered.
    Clear,
    /// Nor ever will be.
    Close,
}

#[derive(Default)]
struct Mailbox {
    /// In the order in which they were asked for; at most one per file.
    jobs: VecDeque<Job>,
    /// No more will come.
    is_closed: bool,
}

#[derive(Default)]
struct Shared {
    mailbox: Mutex<Mailbox>,
    arrived: Condvar,
    /// What was asked for and is not yet reported.
    unreported: AtomicUsize,
}

impl Shared {
    fn mailbox(&self) -> MutexGuard<'_, Mailbox> {
        // A panic elsewhere cannot leave the mailbox half changed.
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread that saves, as the window sees it: every call but [`SaveThread::close`] returns at once. Dropped without that
/// (by a panic) it leaves the autosave for the next start.
pub struct SaveThread {
    shared: Arc<Shared>,
    reports: Receiver<SaveReport>,
    thread: Option<JoinHandle<()>>,
}

impl SaveThread {
    /// Starts it; without a slot there are no autosaves. `wake` is called on it whenever there is a report.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn spawn(slot: Option<AutosaveSlot>, wake: impl Fn() + Send + 'static) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (sender, reports) = channel();
        let saver = Saver {
            shared: Arc::clone(&shared),
            reports: sender,
            wake,
            slot,
            saved_revision: None,
            written: None,
            autosaved_revision: None,
            last_save_failed: false,
        };
        let thread = std::thread::Builder::new()
            .name("saver".to_owned())
            .spawn(move || saver.run())
            .context("the thread that saves could not be started")?;
        Ok(Self { shared, reports, thread: Some(thread) })
    }

    /// Saves a project as the user's file. `revision` counts up with every change of the document. An autosave of this state
    /// or an earlier one is then no longer needed, and removed; where saving fails, it is made instead.
    pub fn save(&self, path: PathBuf, project: Project, revision: u64) {
        self.send(Job::Save(path, Snapshot { project, revision }, None));
    }

    /// Saves a project as [`Self::save`] does, unless the file is no longer the one that is known: then the report's error is
    /// [`ChangedOnDisk`], and the file stays. A file that is gone is written anew.
    pub fn save_unless_changed(&self, path: PathBuf, project: Project, revision: u64, known: FileStamp) {
        self.send(Job::Save(path, Snapshot { project, revision }, Some(known)));
    }

    /// Saves a project in the program's own file, for a start after a crash; `saved_as` is the user's file, if there is one.
    pub fn autosave(&self, project: Project, saved_as: Option<PathBuf>, revision: u64) {
        self.send(Job::Autosave(saved_as, Snapshot { project, revision }));
    }

    /// Keeps autosaves in the place of one that is recovered, from now on.
    pub fn adopt(&self, leftover: Leftover) {
        self.send(Job::Adopt(leftover.adopt()));
    }

    /// The user has begun something else and wants no more of what is not saved.
    pub fn clear_autosave(&self) {
        self.send(Job::Clear);
    }

    /// A report, if there is one.
    pub fn poll(&self) -> Option<SaveReport> {
        self.reports.try_recv().ok()
    }

    /// Whether something that was asked for is still to be reported.
    pub fn is_busy(&self) -> bool {
        self.shared.unreported.load(Ordering::Acquire) > 0
    }

    /// Ends as the user wants it: what waits to be saved is saved, and nothing is left to recover, unless saving failed.
    /// Returns the last reports.
    pub fn close(mut self) -> Vec<SaveReport> {
        self.send(Job::Close);
        self.finish();
        self.reports.try_iter().collect()
    }

    fn send(&self, job: Job) {
        let mut mailbox = self.shared.mailbox();
        let is_replaced = |waiting: &Job| match (waiting, &job) {
            (Job::Save(old, ..), Job::Save(new, ..)) => old == new,
            (Job::Autosave(..), Job::Autosave(..) | Job::Clear | Job::Close) => true,
            _ => false,
        };
        let waiting = mailbox.jobs.len();
        mailbox.jobs.retain(|waiting| !is_replaced(waiting));
        self.shared.unreported.fetch_sub(waiting - mailbox.jobs.len(), Ordering::AcqRel);
        if matches!(job, Job::Save(..) | Job::Autosave(..)) {
            self.shared.unreported.fetch_add(1, Ordering::AcqRel);
        }
        mailbox.jobs.push_back(job);
        self.shared.arrived.notify_one();
    }

    /// Waits until everything that was asked for is done.
    fn finish(&mut self) {
        self.shared.mailbox().is_closed = true;
        self.shared.arrived.notify_one();
        if let Some(thread) = self.thread.take() {
            // Mistakes in saving are caught and reported, see `sheltered`.
            let _ = thread.join();
        }
    }
}

impl Drop for SaveThread {
    fn drop(&mut self) {
        self.finish();
    }
}

/// What runs on the thread.
struct Saver<F> {
    shared: Arc<Shared>,
    reports: Sender<SaveReport>,
    wake: F,
    slot: Option<AutosaveSlot>,
    /// The newest state in a file of the user's.
    saved_revision: Option<u64>,
    /// The newest file of the user's, as it was written.
    written: Option<(PathBuf, FileStamp)>,
    /// The newest state in the slot.
    autosaved_revision: Option<u64>,
    last_save_failed: bool,
}

impl<F: Fn()> Saver<F> {
    fn run(mut self) {
        while let Some(job) = self.next_job() {
            match job {
                Job::Save(path, snapshot, known) => self.save(path, &snapshot, known),
                Job::Autosave(saved_as, snapshot) => self.autosave(saved_as.as_deref(), &snapshot),
                Job::Adopt(slot) => {
                    let previous = self.slot.replace(slot);
                    warn(previous.map_or(Ok(()), AutosaveSlot::close));
                    self.autosaved_revision = None;
                }
                Job::Clear => {
                    self.clear();
                    self.last_save_failed = false;
                }
                // Else it stays, to be recovered.
                Job::Close if !self.last_save_failed => warn(self.slot.take().map_or(Ok(()), AutosaveSlot::close)),
                Job::Close => {}
            }
        }
    }

    fn next_job(&self) -> Option<Job> {
        let mut mailbox = self.shared.mailbox();
        loop {
            let urgent = mailbox.jobs.iter().position(|job| !matches!(job, Job::Autosave(..)));
            if let Some(job) = mailbox.jobs.remove(urgent.unwrap_or_default()) {
                return Some(job);
            }
            if mailbox.is_closed {
                return None;
            }
            mailbox = self.shared.arrived.wait(mailbox).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn save(&mut self, path: PathBuf, Snapshot { project, revision }: &Snapshot, known: Option<FileStamp>) {
        let begun_at = Instant::now();
        let result = sheltered(|| {
            // What was written here since it was asked for is known too.
            let own = self.written.as_ref().filter(|(written, _)| *written == path).map(|(_, stamp)| *stamp);
            let is_other = |known: FileStamp| FileStamp::of(&path).is_some_and(|now| now != known && Some(now) != own);
            anyhow::ensure!(!known.is_some_and(is_other), ChangedOnDisk);
            save(&path, project)
        });
        if result.is_ok() {
            self.written = FileStamp::of(&path).map(|stamp| (path.clone(), stamp));
        }
        self.last_save_failed = result.is_err();
        if result.is_ok() {
            self.saved_revision = self.saved_revision.max(Some(*revision));
            if self.autosaved_revision <= Some(*revision) {
                self.clear();
            }
        } else if let Some(slot) = &self.slot {
            let kept = sheltered(|| slot.save(project, Some(&path)));
            if kept.is_ok() {
                self.autosaved_revision = Some(*revision);
            }
            warn(kept);
        }
        self.report(SaveTarget::Project(path), *revision, result, begun_at);
    }

    fn autosave(&mut self, saved_as: Option<&Path>, Snapshot { project, revision }: &Snapshot) {
        let begun_at = Instant::now();
        let result = match &self.slot {
            // Not needed any more where the user has saved meanwhile.
            Some(slot) if self.saved_revision < Some(*revision) => {
                let result = sheltered(|| slot.save(project, saved_as));
                if result.is_ok() {
                    self.autosaved_revision = Some(*revision);
                }
                result
            }
            _ => Ok(()),
        };
        self.report(SaveTarget::Autosave, *revision, result, begun_at);
    }

    fn clear(&mut self) {
        warn(self.slot.as_ref().map_or(Ok(()), AutosaveSlot::clear));
        self.autosaved_revision = None;
    }

    fn report(&self, target: SaveTarget, revision: u64, result: anyhow::Result<()>, begun_at: Instant) {
        let stamp = match (&target, &result) {
            (SaveTarget::Project(path), Ok(())) => FileStamp::of(path),
            _ => None,
        };
        let report = SaveReport { target, revision, result, took: begun_at.elapsed(), stamp };
        // The window may be gone already; then nobody wants to hear.
        let _ = self.reports.send(report);
        self.shared.unreported.fetch_sub(1, Ordering::AcqRel);
        (self.wake)();
    }
}

/// What the user can do nothing about and loses nothing by: at worst the next start offers something old.
fn warn(result: anyhow::Result<()>) {
    if let Err(err) = result {
        log::warn!("{err:#}");
    }
}

/// When to autosave: some time after the last one, when there is something new. A plain clock, to be asked in every frame.
#[derive(Clone, Copy, Debug)]
pub struct AutosaveTimer {
    /// The state that is saved somewhere.
    kept_revision: u64,
    /// When the last one was done, and how long it took.
    last: Option<(Instant, Duration)>,
    is_in_hand: bool,
}

impl AutosaveTimer {
    /// Nothing is to be saved of this state.
    pub fn new(revision: u64) -> Self {
        Self { kept_revision: revision, last: None, is_in_hand: false }
    }

    /// How long until an autosave of this state is due, zero for now, where two of them are `pause` apart; none while nothing has
    /// changed.
    pub fn due_in(&self, revision: u64, pause: Duration, now: Instant) -> Option<Duration> {
        let is_new = revision != self.kept_revision && !self.is_in_hand;
        let wait = |(done, took): (Instant, Duration)| {
            let pause = pause.max(took.saturating_mul(AUTOSAVE_PAUSE_FACTOR));
            pause.saturating_sub(now.saturating_duration_since(done))
        };
        is_new.then(|| self.last.map_or(Duration::ZERO, wait))
    }

    /// An autosave of this state is asked for.
    pub fn begin(&mut self, revision: u64) {
        self.kept_revision = revision;
        self.is_in_hand = true;
    }

    /// It is done, or failed, and is tried again after the usual time.
    pub fn finish(&mut self, report: &SaveReport, now: Instant) {
        self.is_in_hand = false;
        if report.result.is_err() {
            // Revisions never come again, so this is no state at all.
            self.kept_revision = u64::MAX;
        }
        self.last = Some((now, report.took));
    }

    /// The user has saved this state, or begun with it.
    pub fn keep(&mut self, revision: u64) {
        self.kept_revision = revision;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(result: anyhow::Result<()>, took: Duration) -> SaveReport {
        SaveReport { target: SaveTarget::Autosave, revision: 0, result, took, stamp: None }
    }

    #[test]
    fn autosaves_are_due_when_something_is_new_and_not_too_often() {
        let start = Instant::now();
        let at = |secs| start + Duration::from_secs(secs);
        const PAUSE: Duration = Duration::from_secs(20);
        let mut timer = AutosaveTimer::new(3);
        assert_eq!(timer.due_in(3, PAUSE, start), None);
        assert_eq!(timer.due_in(4, PAUSE, start), Some(Duration::ZERO));
        timer.begin(4);
        assert_eq!(timer.due_in(5, PAUSE, start), None, "one is in hand");
        timer.finish(&report(Ok(()), Duration::from_millis(100)), start);
        assert_eq!(timer.due_in(4, PAUSE, at(60)), None);
        assert_eq!(timer.due_in(5, PAUSE, at(5)), Some(PAUSE - Duration::from_secs(5)));
        assert_eq!(timer.due_in(5, PAUSE, at(60)), Some(Duration::ZERO));
        assert_eq!(timer.due_in(5, 3 * PAUSE, at(45)), Some(Duration::from_secs(15)), "the user wants fewer");
        timer.keep(5);
        assert_eq!(timer.due_in(5, PAUSE, at(60)), None, "saved by the user");
        // A slow disk is left in peace for longer, and what failed is tried again.
        timer.begin(6);
        timer.finish(&report(Err(anyhow::anyhow!("the disk is full")), Duration::from_secs(10)), start);
        assert_eq!(timer.due_in(6, PAUSE, at(60)), Some(Duration::from_secs(140)));
    }
}
