//! Ctrl-C: the first asks the work to stop and give what it has, the second ends the program.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use crate::cli::Exit;

/// A flag that the first Ctrl-C sets, for work that looks at it. Where the system takes no handler (there can be one in a
/// process), the flag stays false and Ctrl-C ends the program as it always does.
pub(super) fn stop_flag() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&flag);
    let handler = move || {
        if seen.swap(true, SeqCst) {
            std::process::exit(Exit::Interrupted.status().into());
        }
        eprintln!("attreg: interrupted: finishing what is under way (Ctrl-C again ends at once)");
    };
    // The fault of no user, and nothing is lost by it but the early answer.
    let _ = ctrlc::set_handler(handler);
    flag
}
