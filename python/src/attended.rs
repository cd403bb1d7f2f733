//! Work without the interpreter's lock, with an eye on Ctrl-C.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use attention_regression::production::TraceEntry;
use pyo3::prelude::*;

/// How often the interpreter is asked whether a signal has come.
const PERIOD: Duration = Duration::from_millis(50);

/// What shows iterations, on the caller's thread.
pub(crate) type Shower = Box<dyn FnMut(Python<'_>, &TraceEntry) -> PyResult<()> + Send>;

/// What the working thread says, and the answer it waits for after an iteration.
enum Message {
    Iteration(Box<TraceEntry>),
    Done,
}

/// What the work tells of an iteration, and hears whether to go on.
pub(crate) type Sees<'a> = &'a mut dyn FnMut(&TraceEntry) -> ControlFlow<()>;

/// What a set `stop` means to the work.
fn go_on(stop: &AtomicBool) -> ControlFlow<()> {
    if stop.load(SeqCst) {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    }
}

/// Runs `work` without the interpreter's lock. The first exception of a signal's handler or of `see`, which is called on this thread
/// with every iteration, sets `stop` and comes back beside what the work gave. A thread costs about as much as a small solve: where an
/// iteration is `short`, there is none, and signals are looked at between iterations.
pub(crate) fn attended<T: Send>(
    py: Python<'_>,
    stop: &AtomicBool,
    see: Option<Shower>,
    short: bool,
    work: impl FnOnce(Sees<'_>) -> T + Send,
) -> (T, Option<PyErr>) {
    let (result, raised) = if short {
        here(py, stop, see, work)
    } else {
        apart(py, stop, see, work)
    };
    (result, raised.or_else(|| py.check_signals().err()))
}

/// On this thread, which asks the interpreter between two iterations.
fn here<T: Send>(
    py: Python<'_>,
    stop: &AtomicBool,
    mut see: Option<Shower>,
    work: impl FnOnce(Sees<'_>) -> T + Send,
) -> (T, Option<PyErr>) {
    py.detach(|| {
        let (mut raised, mut asked) = (None, Instant::now());
        let result = work(&mut |entry| {
            if raised.is_none() && (see.is_some() || asked.elapsed() >= PERIOD) {
                asked = Instant::now();
                let seen = Python::attach(|py| match &mut see {
                    Some(see) => see(py, entry),
                    None => py.check_signals(),
                });
                if let Err(error) = seen {
                    stop.store(true, SeqCst);
                    raised = Some(error);
                }
            }
            go_on(stop)
        });
        (result, raised)
    })
}

/// On a thread of its own, while this one waits for signals.
fn apart<T: Send>(
    py: Python<'_>,
    stop: &AtomicBool,
    mut see: Option<Shower>,
    work: impl FnOnce(Sees<'_>) -> T + Send,
) -> (T, Option<PyErr>) {
    let shown = see.is_some();
    let mut raised: Option<PyErr> = None;
    let result = py.detach(|| {
        thread::scope(|scope| {
            let (messages, inbox) = sync_channel(1);
            let (outbox, answers) = sync_channel(1);
            let worker = scope.spawn(move || {
                let result = work(&mut |entry| {
                    if shown
                        && messages
                            .send(Message::Iteration(Box::new(entry.clone())))
                            .is_ok()
                    {
                        // Where nobody answers any more, the flag is set.
                        let _ = answers.recv();
                    }
                    go_on(stop)
                });
                // Nobody waits only where the caller is gone, which outlives this thread.
                let _ = messages.send(Message::Done);
                result
            });
            loop {
                let step = match inbox.recv_timeout(PERIOD) {
                    Ok(Message::Done) | Err(RecvTimeoutError::Disconnected) => break,
                    Err(RecvTimeoutError::Timeout) => Python::attach(|py| py.check_signals()),
                    Ok(Message::Iteration(entry)) => {
                        let seen = Python::attach(|py| match &mut see {
                            Some(see) if raised.is_none() => see(py, &entry),
                            _ => Ok(()),
                        });
                        if seen.is_err() {
                            stop.store(true, SeqCst);
                        }
                        let _ = outbox.send(());
                        seen
                    }
                };
                if let Err(error) = step {
                    stop.store(true, SeqCst);
                    raised.get_or_insert(error);
                }
            }
            match worker.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    });
    (result, raised)
}

/// Runs `work`, which nothing can stop, on a thread of its own while this one waits for signals, without the interpreter's lock. An
/// exception of a signal's handler comes back at once: the work goes on unseen until it ends, and what it gives is dropped.
pub(crate) fn abandonable<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> T + Send + 'static,
) -> PyResult<T> {
    let (done, inbox) = sync_channel(1);
    let worker = thread::spawn(move || {
        let result = work();
        // Nobody waits where the caller was interrupted.
        let _ = done.send(());
        result
    });
    py.detach(move || {
        while inbox.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
            Python::attach(|py| py.check_signals())?;
        }
        match worker.join() {
            Ok(result) => Ok(result),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
