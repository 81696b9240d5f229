//! A body that ends in its middle, after what there is of it has left.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Frame;

use crate::aws::server::{Body, HangUp};

/// Some bytes, and then the end of the connection.
pub(crate) fn body(bytes: &'static [u8]) -> Body {
    Cut::Whole(Bytes::from_static(bytes)).boxed_unsync()
}

#[derive(Debug)]
enum Cut {
    Whole(Bytes),
    /// hyper sends what it has when the body makes it wait.
    Sending,
    Over,
}

impl hyper::body::Body for Cut {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match std::mem::replace(&mut *self, Self::Over) {
            Self::Whole(bytes) => {
                *self = Self::Sending;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Self::Sending => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Self::Over => Poll::Ready(Some(Err(Box::new(HangUp)))),
        }
    }
}
