//! When a request may be sent a second time.

/// How a try has ended without an answer, and what was tried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    /// This was the second try.
    pub(super) repeated: bool,
    /// Nothing of it was written to the connection.
    pub(super) unsent: bool,
    /// The server says that it has not begun with it.
    pub(super) unprocessed: bool,
    /// It has no body, so it can be made again.
    pub(super) empty: bool,
    /// Its method says that doing it twice is doing it once.
    pub(super) idempotent: bool,
    /// The connection had carried requests before, so that the server may have closed it at the same moment.
    pub(super) reused: bool,
}

/// At most once; when nothing was sent, or when the request has no body and either its method is idempotent (RFC 9110,
/// section 9.2.2) or the server has promised that it did nothing (RFC 9113, section 8.7).
///
/// On a connection that was made for this very request the failure says something about the server, and not about the
/// time that the connection had lain idle: that is not repeated unless nothing was sent.
pub(super) fn may_repeat(attempt: &Attempt) -> bool {
    let Attempt { repeated, unsent, unprocessed, empty, idempotent, reused } = *attempt;
    !repeated && (unsent || empty && (unprocessed || idempotent && reused))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOST: Attempt =
        Attempt { repeated: false, unsent: false, unprocessed: false, empty: false, idempotent: false, reused: true };

    #[test]
    fn what_may_have_been_done_is_done_again_only_when_that_is_harmless() {
        for (attempt, repeat) in [
            (LOST, false),
            (Attempt { empty: true, ..LOST }, false),
            (Attempt { idempotent: true, ..LOST }, false),
            (Attempt { empty: true, idempotent: true, ..LOST }, true),
            (Attempt { empty: true, idempotent: true, reused: false, ..LOST }, false),
            (Attempt { unsent: true, ..LOST }, true),
            (Attempt { unsent: true, reused: false, ..LOST }, true),
            (Attempt { unprocessed: true, ..LOST }, false),
            (Attempt { unprocessed: true, empty: true, ..LOST }, true),
        ] {
            assert_eq!(may_repeat(&attempt), repeat, "{attempt:?}");
            assert!(!may_repeat(&Attempt { repeated: true, ..attempt }), "{attempt:?}");
        }
    }
}
