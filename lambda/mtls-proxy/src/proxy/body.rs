//! Bodies on their way: nothing is held, trailers stay behind, and a stalled upstream does not hold a connection for ever.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use crate::answer::Failure;
use crate::journal::{Entry, Journal};

/// The body of a request, on its way to the app.
#[derive(Debug)]
pub struct RequestBody(Incoming);

impl RequestBody {
    pub(super) fn new(body: Incoming) -> Self {
        Self(body)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        poll_data(Pin::new(&mut self.0), cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

/// The next piece of data. RFC 9110, section 6.5.1, lets an intermediary drop trailers, and what is not forwarded is not
/// taken for a header either.
fn poll_data<B: Body<Data = Bytes>>(
    mut body: Pin<&mut B>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
    loop {
        match ready!(body.as_mut().poll_frame(cx)) {
            Some(Ok(frame)) if frame.is_trailers() => {}
            other => return Poll::Ready(other),
        }
    }
}

/// What the function gets.
pub(crate) type Answer<B> = Response<AnswerBody<B>>;

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum AnswerBody<B> {
    /// The proxy's own words.
    Own(Full<Bytes>),
    /// The app's.
    Upstream(Box<Watched<B>>),
}

/// An app's body, and how long it may be silent.
#[derive(Debug)]
pub(crate) struct Watched<B> {
    body: B,
    stall: Duration,
    /// Runs while nothing comes.
    timer: Option<Pin<Box<Sleep>>>,
    begun: Instant,
    broken: bool,
    journal: Arc<Journal>,
    name: String,
}

impl<B> AnswerBody<B> {
    pub(super) fn upstream(body: B, stall: Duration, (journal, name): (Arc<Journal>, String)) -> Self {
        Self::Upstream(Box::new(Watched {
            body,
            stall,
            timer: None,
            begun: Instant::now(),
            broken: false,
            journal,
            name,
        }))
    }
}

impl<B: Body<Data = Bytes, Error: Into<Failure>> + Unpin> Watched<B> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if self.broken {
            return Poll::Ready(Some(Err(Broken)));
        }
        let failure = match poll_data(Pin::new(&mut self.body), cx) {
            Poll::Ready(Some(Err(error))) => error.into(),
            Poll::Ready(Some(Ok(frame))) => {
                self.timer = None;
                return Poll::Ready(Some(Ok(frame)));
            }
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending => {
                let stall = self.stall;
                let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(stall)));
                ready!(timer.as_mut().poll(cx));
                let message = "the app sent nothing more of its answer for timeouts.stall_ms".to_owned();
                Failure::of_call("upstream-timeout", 504, message)
            }
        };
        // The status is gone out already: what is left is to say it in the log, and to end the connection before the body's
        // end, so that the caller cannot take the piece for the whole. What came before the break is flushed first.
        let elapsed = self.begun.elapsed();
        self.journal.record(Entry { failure: &failure, upstream: Some(&self.name), elapsed });
        self.broken = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// An answer that broke off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the app's answer broke off")
    }
}

impl std::error::Error for Broken {}

impl<B: Body<Data = Bytes, Error: Into<Failure>> + Unpin> Body for AnswerBody<B> {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self.get_mut() {
            Self::Own(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
            Self::Upstream(watched) => watched.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(body) => body.is_end_stream(),
            Self::Upstream(watched) => watched.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(body) => body.size_hint(),
            Self::Upstream(watched) => watched.body.size_hint(),
        }
    }
}
