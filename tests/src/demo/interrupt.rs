//! Ctrl-C, SIGTERM and SIGHUP as something that steps can ask about and wait for.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// Whether somebody wants the end; clones are about the same end.
#[derive(Clone, Debug, Default)]
pub(super) struct Interrupt {
    wanted: Arc<(Mutex<bool>, Condvar)>,
}

impl Interrupt {
    /// Raised by the signals that ask a program to end. A second signal ends it at once: the Envoys' watchdogs end them.
    pub(super) fn by_signals() -> io::Result<Self> {
        let interrupt = Self::default();
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let inside = runtime.enter();
        let mut int = signal(SignalKind::interrupt())?;
        let mut term = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        drop(inside);
        let raised = interrupt.clone();
        let listen = move || {
            runtime.block_on(async {
                for second in [false, true] {
                    tokio::select! { _ = int.recv() => {} _ = term.recv() => {} _ = hangup.recv() => {} }
                    if second {
                        std::process::exit(1);
                    }
                    raised.raise();
                }
            });
        };
        thread::Builder::new().name("signals".into()).spawn(listen)?;
        Ok(interrupt)
    }

    /// Wants the end.
    pub(super) fn raise(&self) {
        *self.wanted.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.wanted.1.notify_all();
    }

    /// Sleeps, but not beyond the moment when the end is wanted; true when it is.
    pub(super) fn within(&self, time: Duration) -> bool {
        let (wanted, raised) = &*self.wanted;
        let wanted = wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = raised.wait_timeout_while(wanted, time, |wanted| !*wanted);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
