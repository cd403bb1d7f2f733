//! Ranks that are threads of one process, for tests.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::production::ranks::Ranks;

/// Longer than any rank of a test works between two messages.
const PATIENCE: Duration = Duration::from_secs(60);

/// One of them; a channel to and from each.
#[derive(Debug)]
struct Thread {
    rank: usize,
    to: Vec<Sender<Vec<f64>>>,
    from: Vec<Mutex<Receiver<Vec<f64>>>>,
}

impl Ranks for Thread {
    fn rank(&self) -> usize {
        self.rank
    }

    fn ranks(&self) -> usize {
        self.to.len()
    }

    fn send(&self, to: usize, numbers: &[f64]) {
        self.to[to].send(numbers.to_vec()).unwrap();
    }

    fn receive(&self, from: usize) -> Vec<f64> {
        // A rank that has panicked sends nothing more, and nobody waits for it for ever.
        self.from[from]
            .lock()
            .unwrap()
            .recv_timeout(PATIENCE)
            .unwrap()
    }
}

/// What each of some ranks gives, in order. No message is left over.
pub(crate) fn on_ranks<T: Send>(count: usize, work: impl Fn(Arc<dyn Ranks>) -> T + Sync) -> Vec<T> {
    let mut receivers: Vec<Vec<Mutex<Receiver<Vec<f64>>>>> =
        (0..count).map(|_| Vec::new()).collect();
    let senders: Vec<Vec<Sender<Vec<f64>>>> = (0..count)
        .map(|_| {
            receivers
                .iter_mut()
                .map(|receivers| {
                    let (send, receive) = channel();
                    receivers.push(Mutex::new(receive));
                    send
                })
                .collect()
        })
        .collect();
    let ranks: Vec<Arc<Thread>> = senders
        .into_iter()
        .zip(receivers)
        .enumerate()
        .map(|(rank, (to, from))| Arc::new(Thread { rank, to, from }))
        .collect();
    let results = std::thread::scope(|scope| {
        let work = &work;
        let running: Vec<_> = ranks
            .iter()
            .map(|rank| {
                let rank: Arc<dyn Ranks> = Arc::<Thread>::clone(rank);
                scope.spawn(move || work(rank))
            })
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    for rank in &ranks {
        for from in &rank.from {
            assert!(
                from.lock().unwrap().try_recv().is_err(),
                "a message to rank {} was not received",
                rank.rank
            );
        }
    }
    results
}
