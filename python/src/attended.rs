//! Work without the interpreter's lock, with an eye on Ctrl-C.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
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

/// What the work sees of its caller.
pub(crate) enum Line<'a> {
    /// The caller waits on another thread.
    Apart(Apart<'a>),
    /// The work runs on the caller's thread.
    Here(RefCell<Here<'a>>),
}

/// The working thread's end of the line.
pub(crate) struct Apart<'a> {
    stop: &'a AtomicBool,
    messages: SyncSender<Message>,
    answers: Receiver<()>,
    /// Whether somebody wants to see the iterations.
    shown: bool,
}

/// Between two iterations the caller is asked.
pub(crate) struct Here<'a> {
    stop: &'a AtomicBool,
    see: Option<Shower>,
    raised: Option<PyErr>,
    asked: Instant,
}

impl Line<'_> {
    /// Shows an iteration to whoever wants to see it, on the caller's thread, and says whether to go on.
    pub(crate) fn sees(&self, entry: &TraceEntry) -> ControlFlow<()> {
        let stop = match self {
            Self::Apart(apart) => {
                apart.sees(entry);
                apart.stop
            }
            Self::Here(here) => {
                let mut here = here.borrow_mut();
                here.sees(entry);
                here.stop
            }
        };
        if stop.load(SeqCst) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

impl Apart<'_> {
    fn sees(&self, entry: &TraceEntry) {
        if self.shown
            && self
                .messages
                .send(Message::Iteration(Box::new(entry.clone())))
                .is_ok()
        {
            // Where nobody answers any more, the flag is set.
            let _ = self.answers.recv();
        }
    }
}

impl Here<'_> {
    fn sees(&mut self, entry: &TraceEntry) {
        if self.raised.is_some() || (self.see.is_none() && self.asked.elapsed() < PERIOD) {
            return;
        }
        self.asked = Instant::now();
        let seen = Python::attach(|py| match &mut self.see {
            Some(see) => see(py, entry),
            None => py.check_signals(),
        });
        if let Err(error) = seen {
            self.stop.store(true, SeqCst);
            self.raised = Some(error);
        }
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
    work: impl FnOnce(&Line<'_>) -> T + Send,
) -> (T, Option<PyErr>) {
    let (result, raised) = if short {
        here(py, stop, see, work)
    } else {
        apart(py, stop, see, work)
    };
    (result, raised.or_else(|| py.check_signals().err()))
}

fn here<T: Send>(
    py: Python<'_>,
    stop: &AtomicBool,
    see: Option<Shower>,
    work: impl FnOnce(&Line<'_>) -> T + Send,
) -> (T, Option<PyErr>) {
    py.detach(|| {
        let line = Line::Here(RefCell::new(Here {
            stop,
            see,
            raised: None,
            asked: Instant::now(),
        }));
        let result = work(&line);
        let raised = match line {
            Line::Here(here) => here.into_inner().raised,
            Line::Apart(_) => None,
        };
        (result, raised)
    })
}

/// On a thread of its own, while this one waits for signals.
fn apart<T: Send>(
    py: Python<'_>,
    stop: &AtomicBool,
    mut see: Option<Shower>,
    work: impl FnOnce(&Line<'_>) -> T + Send,
) -> (T, Option<PyErr>) {
    let shown = see.is_some();
    let mut raised: Option<PyErr> = None;
    let result = py.detach(|| {
        thread::scope(|scope| {
            let (messages, inbox) = sync_channel(1);
            let (outbox, answers) = sync_channel(1);
            let done = messages.clone();
            let worker = scope.spawn(move || {
                let line = Line::Apart(Apart {
                    stop,
                    messages,
                    answers,
                    shown,
                });
                let result = work(&line);
                // Nobody waits only where the caller is gone, which outlives this thread.
                let _ = done.send(Message::Done);
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
