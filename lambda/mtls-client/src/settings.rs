//! Every bound and interval of a client, with defaults that suit Lambda.

use std::sync::Arc;
use std::time::Duration;

use spiffe_id::SpiffeIdBuf;

use crate::clock::{Clock, SystemClock};

/// How a [`crate::Client`] behaves. All fields may be changed; [`Settings::new`] has the defaults.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whom the client is. A pair for anyone else is refused.
    pub spiffe_id: SpiffeIdBuf,
    /// Past half of the certificate's life, a newer one is looked for at most so often. 60 s.
    pub refresh_every: Duration,
    /// The request that looks for a newer certificate waits at most so long for it; then it goes on with the present
    /// one. 300 ms.
    pub refresh_budget: Duration,
    /// A request that has no usable certificate waits at most so long; it is also the longest that a fetch may take. 5 s.
    pub fetch_budget: Duration,
    /// So close before its end (or within the last tenth of the certificate's life, when that is shorter) requests wait
    /// for a newer certificate as if they had none, every tenth of `refresh_every`. 10 min.
    pub expiry_margin: Duration,
    /// After a failed fetch nobody asks again for so long, doubled with each failure in a row. 250 ms.
    pub first_pause: Duration,
    /// The longest of these pauses. 10 s.
    pub longest_pause: Duration,
    /// DNS, TCP and TLS together may take so long. 5 s.
    pub connect_timeout: Duration,
    /// The answer's head must come so soon after the last piece of the request. `None` leaves it to the deadline. 60 s.
    pub answer_timeout: Option<Duration>,
    /// A connection that was idle for longer, by either clock, is not used again. 50 s: shorter than what load balancers
    /// and servers usually keep.
    pub idle_timeout: Duration,
    /// When wall clock and steady clock have drifted apart by so much since a connection was made, the process was frozen
    /// in between, and the connection is not used again. 2 s.
    pub thaw_gap: Duration,
    /// Idle HTTP/1.1 connections kept for each upstream. 16.
    pub idle_connections: usize,
    /// Requests on one HTTP/2 connection before another is opened. 100, which is what servers usually allow.
    pub streams_per_connection: usize,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
}

impl Settings {
    /// The defaults, for this workload.
    #[must_use]
    pub fn new(spiffe_id: SpiffeIdBuf) -> Self {
        Self {
            spiffe_id,
            refresh_every: Duration::from_mins(1),
            refresh_budget: Duration::from_millis(300),
            fetch_budget: Duration::from_secs(5),
            expiry_margin: Duration::from_mins(10),
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            answer_timeout: Some(Duration::from_mins(1)),
            idle_timeout: Duration::from_secs(50),
            thaw_gap: Duration::from_secs(2),
            idle_connections: 16,
            streams_per_connection: 100,
            clock: Arc::new(SystemClock::new()),
        }
    }
}
