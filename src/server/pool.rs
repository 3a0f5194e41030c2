//! Threads for slow checks, so that no login waits for another one's hash.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use core::net::IpAddr;

use crossbeam_channel::{Receiver, Sender};
use mio::Waker;

use crate::credential::Who;
use crate::exchange::{Outcome, Work};
use crate::runtime::Moment;

use super::panics::contained;

/// The most checks that wait. More would not be answered in time.
const MAX_WAITING: usize = 256;

/// The most that wait for one source.
const MAX_WAITING_FOR_SOURCE: usize = 32;

/// A check that has not begun after this would end too late: chasquid and Radicale give up after five seconds.
const MAX_WAIT: Duration = Duration::from_secs(3);

/// How far its threads stand behind the loop. While somebody else wants all of a processor, fast logins or another program, a
/// check gets a seventh of it (sched(7): each step is worth 1.25). At the last place, 19, that was a hundredth, and four of five
/// checks were given up where twenty waited; as the loop's equals they would keep fast logins waiting for their time slices
/// (docs/benchmarks.md).
const BEHIND: i32 = 8;

/// Runs slow checks: one at a time for an account, few for a source, in the order in which they came otherwise. `T` says
/// whose check it is.
pub(super) struct Pool<T> {
    threads: usize,
    check: fn(Work) -> Outcome,
    started: usize,
    waker: Arc<Waker>,
    jobs: Channel<Job<T>>,
    done: Channel<Done<T>>,
    waiting: VecDeque<Job<T>>,
    running: Vec<Place>,
    last: u64,
}

/// Both ends of one: a thread that is started takes a copy of each that it needs.
struct Channel<M> {
    sender: Sender<M>,
    receiver: Receiver<M>,
}

impl<M> Channel<M> {
    fn new() -> Self {
        let (sender, receiver) = crossbeam_channel::unbounded();
        Self { sender, receiver }
    }
}

struct Job<T> {
    from: T,
    work: Work,
    place: Place,
    since: Moment,
}

struct Done<T> {
    from: T,
    outcome: Outcome,
    number: u64,
}

/// What a check takes up while it runs.
#[derive(Clone)]
struct Place {
    number: u64,
    who: Who,
    source: Option<IpAddr>,
}

impl<T: Send + 'static> Pool<T> {
    /// Threads are started when there is work; `waker` is woken whenever a check ends.
    pub(super) fn new(threads: NonZeroUsize, waker: Arc<Waker>) -> Self {
        Self {
            threads: threads.get(),
            check: Work::run,
            started: 0,
            waker,
            jobs: Channel::new(),
            done: Channel::new(),
            waiting: VecDeque::new(),
            running: Vec::new(),
            last: 0,
        }
    }

    /// Takes a check; gives it back as unavailable if there is no room.
    pub(super) fn submit(&mut self, from: T, work: Work, moment: Moment) -> Option<(T, Outcome)> {
        let source = work.context().remote.map(source_of);
        let of_source = self.waiting.iter().filter(|job| source.is_some() && job.place.source == source).count();
        if self.waiting.len() >= MAX_WAITING || of_source >= MAX_WAITING_FOR_SOURCE {
            return Some((from, work.overflow()));
        }
        self.last = self.last.wrapping_add(1);
        let place = Place { number: self.last, who: work.who().clone(), source };
        self.waiting.push_back(Job { from, work, place, since: moment });
        self.dispatch();
        None
    }

    /// A check that has ended, or has waited too long.
    pub(super) fn finished(&mut self, moment: Moment) -> Option<(T, Outcome)> {
        if let Ok(Done { from, outcome, number }) = self.done.receiver.try_recv() {
            self.running.retain(|place| place.number != number);
            self.dispatch();
            return Some((from, outcome));
        }
        if self.deadline().is_some_and(|at| at <= moment) {
            return self.waiting.pop_front().map(|job| (job.from, job.work.overflow()));
        }
        None
    }

    /// When [`Self::finished`] has something to say even if no check ends.
    pub(super) fn deadline(&self) -> Option<Moment> {
        self.waiting.front().map(|job| job.since.saturating_add(MAX_WAIT))
    }

    fn dispatch(&mut self) {
        while self.running.len() < self.threads {
            let Some(next) = self.waiting.iter().position(|job| self.may_run(&job.place)) else { return };
            let Some(job) = self.waiting.remove(next) else { return };
            if self.started <= self.running.len() && self.start_thread().is_err() && self.started == 0 {
                // Not one thread to be had: it waits until one is, or until it has waited too long.
                self.waiting.insert(next, job);
                return;
            }
            self.running.push(job.place.clone());
            // The receiver is ours, so it is there.
            let _ = self.jobs.sender.send(job);
        }
    }

    fn may_run(&self, place: &Place) -> bool {
        let of_source = self.running.iter().filter(|other| place.source.is_some() && other.source == place.source);
        let share = self.threads.div_ceil(2);
        !self.running.iter().any(|other| other.who == place.who) && of_source.count() < share
    }

    fn start_thread(&mut self) -> std::io::Result<()> {
        let (jobs, done) = (self.jobs.receiver.clone(), self.done.sender.clone());
        let (waker, check) = (Arc::clone(&self.waker), self.check);
        std::thread::Builder::new().name("slow-check".to_owned()).spawn(move || {
            // Of this thread only, on Linux.
            let _ = rustix::process::nice(BEHIND);
            for Job { from, work, place, .. } in jobs {
                let mechanism = work.mechanism();
                // A hash that the check of it cannot take must not end the logins of all others.
                let outcome = contained(|| check(work)).unwrap_or_else(|| Outcome::broken_off(mechanism));
                if done.send(Done { from, outcome, number: place.number }).is_err() || waker.wake().is_err() {
                    return;
                }
            }
        })?;
        self.started = self.started.saturating_add(1);
        Ok(())
    }
}

/// A source is an IPv4 address or the /64 of an IPv6 address, which one customer has to himself.
fn source_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & (u128::MAX.wrapping_shl(64))).into()),
    }
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
