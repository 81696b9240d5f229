//! Bodies on their way out and in.

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use super::fault::{self, Broken};
use super::lane::Lease;
use crate::error::{Error, Reason};
use crate::upstream::Upstream;

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// The caller's body, and how far it has been sent.
pub(crate) struct RequestBody {
    /// `None` when there is nothing to send.
    inner: Option<UnsyncBoxBody<Bytes, BoxError>>,
    progress: Progress,
}

/// Counts the pieces of a request's body that were handed to the connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress(Arc<AtomicU64>);

impl Progress {
    const ENDED: u64 = u64::MAX;
    const FAILED: u64 = u64::MAX - 1;

    /// How many pieces have left, or that all have.
    pub(super) fn pieces(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// The caller's own body broke off.
    pub(super) fn has_failed(&self) -> bool {
        self.pieces() == Self::FAILED
    }

    fn set(&self, state: u64) {
        self.0.store(state, Ordering::Release);
    }

    /// The body is at its end, or was given up.
    pub(super) fn has_ended(&self) -> bool {
        self.pieces() == Self::ENDED
    }
}

impl RequestBody {
    pub(crate) fn new<B>(body: B) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        if body.is_end_stream() {
            return Self::empty();
        }
        Self { inner: Some(body.map_err(Into::into).boxed_unsync()), progress: Progress::default() }
    }

    pub(super) fn empty() -> Self {
        Self { inner: None, progress: Progress(Arc::new(AtomicU64::new(Progress::ENDED))) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.inner.is_none()
    }

    pub(super) fn progress(&self) -> Progress {
        self.progress.clone()
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(&mut *inner).poll_frame(cx));
        match &frame {
            Some(Ok(_)) if !inner.is_end_stream() => {
                self.progress.0.fetch_add(1, Ordering::AcqRel);
            }
            Some(Ok(_)) | None => self.progress.set(Progress::ENDED),
            Some(Err(_)) => self.progress.set(Progress::FAILED),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(|inner| inner.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), |inner| inner.size_hint())
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBody").field("progress", &self.progress).finish_non_exhaustive()
    }
}

impl Drop for RequestBody {
    /// A body that hyper has given up will not be sent any further.
    fn drop(&mut self) {
        if !self.progress.has_failed() {
            self.progress.set(Progress::ENDED);
        }
    }
}

/// The body of an answer, as it arrives; trailers are its last frame. Dropping it before its end gives up the answer: with
/// HTTP/1.1 the connection is closed, with HTTP/2 the stream is reset.
pub struct ResponseBody {
    incoming: Incoming,
    /// What the connection is held by, until the end.
    lease: Option<Lease>,
    deadline: Option<Pin<Box<Sleep>>>,
    upstream: Upstream,
    /// An error was given out; nothing comes after it.
    failed: bool,
}

impl ResponseBody {
    pub(super) fn new(incoming: Incoming, lease: Lease, deadline: Option<Instant>, upstream: Upstream) -> Self {
        let deadline = deadline.map(|at| Box::pin(tokio::time::sleep_until(at)));
        let mut body = Self { incoming, lease: Some(lease), deadline, upstream, failed: false };
        body.finish_at_end();
        body
    }

    fn finish_at_end(&mut self) {
        if self.incoming.is_end_stream() {
            self.finish();
        }
    }

    fn finish(&mut self) {
        self.deadline = None;
        if let Some(lease) = self.lease.take() {
            lease.give_back();
        }
    }

    fn give_up(&mut self, error: Error) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.deadline = None;
        self.lease = None;
        self.failed = true;
        Poll::Ready(Some(Err(error)))
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.failed {
            return Poll::Ready(None);
        }
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.finish_at_end();
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(None) => {
                self.finish();
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(error))) => {
                let broken = self.lease.as_ref().map_or_else(Broken::default, Lease::broken);
                let error = fault::exchange(&self.upstream, &error, &broken);
                self.give_up(error)
            }
            Poll::Pending => {
                if let Some(deadline) = &mut self.deadline {
                    ready!(deadline.as_mut().poll(cx));
                    return self.give_up(Error::new(
                        Reason::DeadlineExceeded,
                        "the deadline passed while the answer was arriving; allow more time",
                    ));
                }
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.failed || self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").field("upstream", &self.upstream).finish_non_exhaustive()
    }
}
