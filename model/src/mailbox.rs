//! What one thread leaves for another. The receiver chooses what it takes, so that the latest request can replace one that has not
//! been started (latest wins).

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

struct State<T> {
    waiting: T,
    is_closed: bool,
}

/// A value of `T` holds what waits; it is changed in whole steps by one thread and taken from by another.
pub struct Mailbox<T> {
    state: Mutex<State<T>>,
    arrived: Condvar,
}

/// What came of waiting.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<R> {
    /// Something was there, or came.
    Taken(R),
    /// Nothing came in time.
    DeadlinePassed,
    /// Nothing will come any more.
    Closed,
}

impl<T: Default> Default for Mailbox<T> {
    fn default() -> Self {
        Self { state: Mutex::new(State { waiting: T::default(), is_closed: false }), arrived: Condvar::new() }
    }
}

impl<T> Mailbox<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // A panic elsewhere cannot leave it half changed: every change is one assignment or push.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what waits, and wakes the receiver.
    pub fn send(&self, change: impl FnOnce(&mut T)) {
        change(&mut self.lock().waiting);
        self.arrived.notify_one();
    }

    /// Closes the mailbox: nothing is taken from now on.
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.arrived.notify_all();
    }

    /// Waits until `take` finds something; none once the mailbox is closed.
    pub fn next<R>(&self, take: impl FnMut(&mut T) -> Option<R>) -> Option<R> {
        match self.next_before(None, take) {
            Next::Taken(taken) => Some(taken),
            // Without a deadline none passes.
            Next::Closed | Next::DeadlinePassed => None,
        }
    }

    /// Waits until `take` finds something, at most until `deadline`.
    pub fn next_before<R>(&self, deadline: Option<Instant>, mut take: impl FnMut(&mut T) -> Option<R>) -> Next<R> {
        let mut state = self.lock();
        while !state.is_closed {
            if let Some(taken) = take(&mut state.waiting) {
                return Next::Taken(taken);
            }
            state = match deadline {
                None => self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Next::DeadlinePassed;
                    }
                    self.arrived.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        Next::Closed
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn the_newest_stands_in_place_of_what_has_not_begun() {
        let mailbox = Mailbox::<Option<u32>>::default();
        mailbox.send(|waiting| *waiting = Some(1));
        mailbox.send(|waiting| *waiting = Some(2));
        assert_eq!(mailbox.next(Option::take), Some(2));
        mailbox.send(|waiting| *waiting = Some(3));
        mailbox.close();
        assert_eq!(mailbox.next(Option::take), None, "a closed mailbox gives nothing, whatever waits");
    }

    #[test]
    fn a_receiver_waits_and_wakes() {
        let mailbox = Arc::new(Mailbox::<Vec<u32>>::default());
        let of_receiver = Arc::clone(&mailbox);
        let receiver =
            std::thread::spawn(move || std::iter::from_fn(|| of_receiver.next(Vec::pop)).collect::<Vec<u32>>());
        mailbox.send(|waiting| waiting.push(7));
        while !mailbox.lock().waiting.is_empty() {
            std::thread::yield_now();
        }
        mailbox.close();
        assert_eq!(receiver.join().ok(), Some(vec![7]));
    }
}
