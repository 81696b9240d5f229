//! Callers that never stop asking, and what became of each request.

use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::client::{Client, Request};

/// Between two requests of one caller: a steady load, not a benchmark.
const PAUSE: Duration = Duration::from_millis(20);
/// After so many a caller opens another connection, so that all workers of an Envoy get some.
const PER_CONNECTION: usize = 20;

/// Some callers of one ingress, who all send the same request.
pub(super) struct Traffic {
    stop: Arc<AtomicBool>,
    served: Arc<AtomicU64>,
    callers: Vec<JoinHandle<Tally>>,
}

/// What became of the requests.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) served: u64,
    /// Answers other than 200, or none.
    pub(super) lost: Vec<String>,
    pub(super) slowest: Duration,
}

impl Traffic {
    pub(super) fn start(callers: usize, client: &Client, request: &Request) -> Self {
        let (stop, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let call = || {
            let (client, request) = (client.clone(), request.clone());
            let (stop, served) = (Arc::clone(&stop), Arc::clone(&served));
            thread::spawn(move || ask_on(&client, &request, &stop, &served))
        };
        let callers = (0..callers).map(|_| call()).collect();
        Self { stop, served, callers }
    }

    /// How many requests have been served so far.
    pub(super) fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }

    /// From now on nobody asks.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Stops, waits for the last answers, and tells.
    pub(super) fn finish(mut self) -> Tally {
        self.stop();
        let tallies = std::mem::take(&mut self.callers).into_iter();
        tallies
            .map(|caller| caller.join().unwrap_or_else(|e| panic::resume_unwind(e)))
            .fold(Tally::default(), Tally::and)
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Tally {
    pub(super) fn and(mut self, other: Self) -> Self {
        self.served += other.served;
        self.lost.extend(other.lost);
        self.slowest = self.slowest.max(other.slowest);
        self
    }
}

fn ask_on(client: &Client, request: &Request, stop: &AtomicBool, served: &AtomicU64) -> Tally {
    let mut tally = Tally::default();
    while !stop.load(Ordering::Relaxed) {
        let mut connection = match client.connect() {
            Ok(connection) => connection,
            Err(e) => {
                tally.lost.push(e.to_string());
                thread::sleep(PAUSE);
                continue;
            }
        };
        for _ in 0..PER_CONNECTION {
            let asked = Instant::now();
            let answer = connection.send(request);
            tally.slowest = tally.slowest.max(asked.elapsed());
            match answer {
                Ok(answer) if answer.status == 200 => {
                    tally.served += 1;
                    served.fetch_add(1, Ordering::Relaxed);
                }
                Ok(answer) => tally.lost.push(format!("{}: {}", answer.status, answer.text())),
                Err(e) => {
                    tally.lost.push(e.to_string());
                    break;
                }
            }
            thread::sleep(PAUSE);
            if stop.load(Ordering::Relaxed) {
                break;
            }
        }
    }
    tally
}
