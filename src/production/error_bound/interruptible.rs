//! An error bound that is not waited for once somebody asks for an end.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use nalgebra::DVector;
use rayon::Yield;

use crate::production::error_bound::bound::{Certificate, ErrorBound};
use crate::production::{Outcome, Problem, Solution};

/// Asks the bound to be given up; `None` where nobody can.
pub(crate) type Stop<'a> = Option<&'a AtomicBool>;

/// How long a set [`Stop`] may go unseen.
const LOOK: Duration = Duration::from_millis(20);
/// How long a thread of the pool waits before it asks for work again.
const BETWEEN: Duration = Duration::from_millis(1);

/// The solution with the bound that `bound` gives at its x, or interrupted where `stop` is set before that is done.
///
/// A factorisation is one call of many seconds, so it runs on a thread of its own and is left alone when nobody waits for it any
/// more.
pub(crate) fn bound_until(
    problem: &Problem,
    mut solution: Solution,
    stop: Stop<'_>,
    bound: impl FnOnce(&Problem, &DVector<f64>) -> Certificate + Send + 'static,
) -> Solution {
    let found = match stop {
        None => Some(bound(problem, &solution.x)),
        Some(stop) => {
            let (problem, x) = (problem.clone(), solution.x.clone());
            unless_stopped(stop, move || bound(&problem, &x))
        }
    };
    let found = found.unwrap_or_else(|| {
        solution.outcome = Outcome::Interrupted;
        ErrorBound::none("interrupted while it was computed").into()
    });
    solution.gradient_noise = found.noise.or(solution.gradient_noise);
    solution.error_bound = found.error.bound;
    solution.error_bound_basis = found.error.basis;
    solution
}

/// What has come, or a look at what is going on. A thread of the pool lends a hand: the bound is computed by the pool, which could be
/// waiting for its bounds as a whole.
fn awaited(receive: &Receiver<Certificate>) -> Result<Certificate, RecvTimeoutError> {
    let look = match rayon::yield_now() {
        Some(Yield::Executed) => Duration::ZERO,
        Some(Yield::Idle) => BETWEEN,
        None => LOOK,
    };
    receive.recv_timeout(look)
}

/// What `work` gives, or `None` soon after `stop` is set; a panic of it is handed on.
fn unless_stopped(
    stop: &AtomicBool,
    work: impl FnOnce() -> Certificate + Send + 'static,
) -> Option<Certificate> {
    let (send, receive) = channel();
    let worker = std::thread::Builder::new().spawn(move || {
        // Nobody may be there to take it.
        let _ = send.send(work());
    });
    let worker = match worker {
        Ok(worker) => worker,
        Err(error) => {
            let reason = format!("no thread could be started for it: {error}");
            return Some(ErrorBound::none(reason).into());
        }
    };
    loop {
        match awaited(&receive) {
            Ok(found) => return Some(found),
            Err(RecvTimeoutError::Timeout) if stop.load(SeqCst) => return None,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => match worker.join() {
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(()) => return Some(ErrorBound::none("its thread ended without one").into()),
            },
        }
    }
}
