//! Ctrl-C: the first asks the work to stop and give what it has, a second one ends the program.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use crate::cli::Exit;

/// One request can come as two signals: `timeout` sends it to the program and once more to the program's group. Within this
/// time a second signal is the same request; nobody presses two keys as fast.
const SAME_REQUEST: Duration = Duration::from_millis(200);

/// What happens to work that gives what it has.
pub(super) const FINISHING: &str = "finishing what is under way";

/// A flag that the first Ctrl-C sets, for work that looks at it. Where the system takes no handler (there can be one in a
/// process), the flag stays false and Ctrl-C ends the program as it always does. The user is told what happens then.
pub(super) fn stop_flag(what_happens: &'static str) -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    let first: Mutex<Option<Instant>> = Mutex::new(None);
    let handler = move || {
        let mut first = first
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        match *first {
            None => {
                *first = Some(Instant::now());
                eprintln!("attreg: interrupted: {what_happens} (Ctrl-C again ends at once)");
                // After the line: work that ends at once ends the program, and this thread with it.
                set.store(true, SeqCst);
            }
            Some(asked) if asked.elapsed() < SAME_REQUEST => {}
            Some(_) => std::process::exit(Exit::Interrupted.status().into()),
        }
    };
    // The fault of no user, and nothing is lost by it but the early answer.
    let _ = ctrlc::set_handler(handler);
    flag
}
