//! The gate around a socket: what hyper reads has passed it.

use std::collections::VecDeque;
use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::{Gate, Malformed, Refused, Step, malformed};

/// Bytes that are read at once.
const PIECE: usize = 16 * 1024;
/// Bytes that are thrown away at once.
const WASTE: usize = 1024;
/// How long a connection that was refused is listened to, so that its peer can read the answer before the reset that unread
/// bytes would cause. (RFC 9112, section 9.6.)
const LINGER: Duration = Duration::from_secs(1);

/// What was found about each head, in the order in which hyper sees them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdicts(Arc<Mutex<Shared>>);

#[derive(Debug, Default)]
struct Shared {
    heads: VecDeque<Verdict>,
    broken: Option<Malformed>,
}

/// Whether a request is what was sent, or stands in for one that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is what was sent.
    Sound,
    /// What was sent is not to be acted on.
    Refused(Malformed),
}

impl Verdicts {
    /// Of the request that hyper hands out next.
    pub(crate) fn next(&self) -> Verdict {
        // Each head has one; without it nothing is known of the request.
        self.shared().heads.pop_front().unwrap_or(Verdict::Refused(malformed::SHUT))
    }

    /// Why the body that was under way is broken, when it was this gate that broke it.
    pub(crate) fn broken(&self) -> Option<Malformed> {
        self.shared().broken
    }

    fn push(&self, verdict: Verdict) {
        self.shared().heads.push_back(verdict);
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A socket behind the gate.
#[derive(Debug)]
pub(crate) struct Gated<S> {
    socket: S,
    gate: Gate,
    verdicts: Verdicts,
    head_limit: Duration,
    /// Nothing has come yet.
    fresh: bool,
    /// Runs while a head is under way, and on a fresh connection.
    head_timer: Option<Pin<Box<Sleep>>>,
    /// Read and not looked at, from `at` on.
    raw: Vec<u8>,
    at: usize,
    /// So many bytes of `raw` are let through.
    pass: usize,
    /// A checked head on its way to hyper, from `shown` on.
    head: Vec<u8>,
    shown: usize,
    end: End,
    linger: Option<Pin<Box<Sleep>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    /// The peer sends nothing more.
    Eof,
    /// A head was refused: after its stand-in nothing more is read.
    Refused,
    Broken(Malformed),
}

impl<S> Gated<S> {
    pub(crate) fn new(socket: S, head_limit: Duration) -> (Self, Verdicts) {
        let verdicts = Verdicts::default();
        let gated = Self {
            socket,
            gate: Gate::new(),
            verdicts: verdicts.clone(),
            head_limit,
            fresh: true,
            head_timer: None,
            raw: Vec::new(),
            at: 0,
            pass: 0,
            head: Vec::new(),
            shown: 0,
            end: End::Open,
            linger: None,
        };
        (gated, verdicts)
    }

    /// Gives hyper what is ready for it; whether there was something.
    fn hand_out(&mut self, out: &mut ReadBufCursor<'_>) -> bool {
        if let Some(rest) = self.head.get(self.shown..).filter(|rest| !rest.is_empty()) {
            let piece = rest.get(..out.remaining()).unwrap_or(rest);
            out.put_slice(piece);
            self.shown += piece.len();
            if self.shown == self.head.len() {
                self.head = Vec::new();
                self.shown = 0;
            }
            return true;
        }
        let Some(rest) = self.raw.get(self.at..self.at + self.pass).filter(|rest| !rest.is_empty()) else {
            return false;
        };
        let piece = rest.get(..out.remaining()).unwrap_or(rest);
        out.put_slice(piece);
        self.at += piece.len();
        self.pass -= piece.len();
        true
    }

    /// Shows the gate what was read.
    fn look(&mut self) {
        let step = self.gate.step(self.raw.get(self.at..).unwrap_or_default());
        match step {
            Step::Need => self.at = self.raw.len(),
            Step::Head(taken, head) => {
                self.at += taken;
                self.show(head, Verdict::Sound);
            }
            Step::Pass(taken) => self.pass = taken,
            Step::Refused(refused) => self.refuse(&refused),
            Step::Broken(why) => self.broke(why),
        }
    }

    fn show(&mut self, head: Vec<u8>, verdict: Verdict) {
        self.head_timer = None;
        self.fresh = false;
        self.head = head;
        self.shown = 0;
        self.verdicts.push(verdict);
    }

    fn refuse(&mut self, refused: &Refused) {
        let method = if refused.to_head { "HEAD" } else { "GET" };
        let stand_in = format!("{method} / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        self.show(stand_in.into_bytes(), Verdict::Refused(refused.why));
        self.end = End::Refused;
    }

    fn broke(&mut self, why: Malformed) {
        self.verdicts.shared().broken = Some(why);
        self.end = End::Broken(why);
    }

    fn poll_head_timer(&mut self, cx: &mut Context<'_>) {
        if !self.gate.in_head() && !self.fresh {
            return;
        }
        let limit = self.head_limit;
        let timer = self.head_timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        if timer.as_mut().poll(cx).is_pending() {
            return;
        }
        if !self.gate.in_head() {
            // There is nothing to answer.
            self.end = End::Eof;
        } else if let Step::Refused(refused) = self.gate.refuse(malformed::HEAD_TIMEOUT) {
            self.refuse(&refused);
        }
    }
}

impl<S: AsyncRead + Unpin> Gated<S> {
    /// Reads into `raw`, of which everything has been looked at.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.at = 0;
        self.raw.resize(PIECE, 0);
        let mut buffer = ReadBuf::new(&mut self.raw);
        let read = Pin::new(&mut self.socket).poll_read(cx, &mut buffer);
        let filled = buffer.filled().len();
        self.raw.truncate(filled);
        if read.is_pending() && self.gate.between_messages() {
            // Most connections are idle most of the time.
            self.raw = Vec::new();
        }
        ready!(read)?;
        if filled == 0 {
            self.end_of_input();
        }
        Poll::Ready(Ok(()))
    }

    fn end_of_input(&mut self) {
        self.end = End::Eof;
        if !self.gate.between_messages() && !self.gate.in_head() {
            self.verdicts.shared().broken = Some(malformed::BODY);
        }
    }

    /// Whether bytes may still come that nobody will read.
    fn must_linger(&self) -> bool {
        match self.end {
            End::Eof => false,
            End::Refused | End::Broken(_) => true,
            End::Open => !self.gate.between_messages() || self.at < self.raw.len(),
        }
    }
}

impl<S: AsyncRead + Unpin> Read for Gated<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, mut out: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if out.remaining() == 0 || this.hand_out(&mut out) {
                return Poll::Ready(Ok(()));
            }
            match this.end {
                End::Open => {}
                End::Eof => return Poll::Ready(Ok(())),
                // An end of input would be taken for a client that went away, before it has its answer; that answer ends the
                // connection.
                End::Refused => return Poll::Pending,
                End::Broken(why) => return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, why.message))),
            }
            if this.at < this.raw.len() {
                this.look();
            } else if this.poll_fill(cx)?.is_pending() {
                this.poll_head_timer(cx);
                if this.end == End::Open {
                    return Poll::Pending;
                }
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Write for Gated<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.linger.is_none() {
            ready!(Pin::new(&mut this.socket).poll_shutdown(cx))?;
            if !this.must_linger() {
                return Poll::Ready(Ok(()));
            }
        }
        let timer = this.linger.get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
        let mut waste = [0; WASTE];
        loop {
            if timer.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let mut buffer = ReadBuf::new(&mut waste);
            match ready!(Pin::new(&mut this.socket).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                _ => return Poll::Ready(Ok(())),
            }
        }
    }
}
