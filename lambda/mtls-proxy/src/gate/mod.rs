//! The gate in front of the HTTP parser: every byte of a request passes it first, and only what has one meaning passes.
//!
//! hyper repairs some of what RFC 9112 calls ambiguous (it drops `Content-Length` beside `Transfer-Encoding`, merges equal
//! lengths, takes bare line feeds) and answers the rest without a reason. So each head is held here until it is complete and
//! checked, the framing that it declares is followed through the body, and what is refused reaches hyper as a stand-in
//! request whose answer says why. The core ([`Gate`]) is pure; [`Gated`] puts it around a socket.

mod chunked;
mod head;
mod io;

pub(crate) use head::{Framing, Malformed, malformed};
pub(crate) use io::{Gated, Verdict, Verdicts};

use chunked::Chunked;

/// Bytes of a head. Envoy takes 60 KiB by default; a mesh call needs far less.
pub(crate) const MAX_HEAD: usize = 32 * 1024;

/// Follows the bytes of one connection.
#[derive(Debug)]
pub(crate) struct Gate {
    state: State,
}

#[derive(Debug)]
enum State {
    /// Between two messages, or inside a head.
    Head(Held),
    /// In a body, with so many bytes to come.
    Length(u64),
    Chunked(Chunked),
    /// Something was refused: nothing passes any more.
    Shut,
}

/// What has come of a head.
#[derive(Debug, Default)]
struct Held {
    bytes: Vec<u8>,
    /// One empty line before it was passed over.
    skipped: bool,
}

/// What the gate says to a piece of input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// All of it was taken, and more is needed to complete a head.
    Need,
    /// The first bytes (so many) completed this head, which is sound.
    Head(usize, Vec<u8>),
    /// The first bytes (so many, at least one) belong to the body.
    Pass(usize),
    /// The head is refused. Nothing more will be taken.
    Refused(Refused),
    /// The body is broken at its first byte. Nothing more will be taken.
    Broken(Malformed),
}

/// A head that was refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// What is wrong with it.
    pub(crate) why: Malformed,
    /// Its method is HEAD, as far as that can be seen: the answer has no body.
    pub(crate) to_head: bool,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self { state: State::Head(Held::default()) }
    }

    /// Looks at the next bytes, which are not empty.
    pub(crate) fn step(&mut self, input: &[u8]) -> Step {
        match &mut self.state {
            State::Head(held) => match collect(held, input) {
                Ok(None) => Step::Need,
                Ok(Some(taken)) => match head::check(&held.bytes) {
                    Ok(framing) => {
                        let head = std::mem::take(&mut held.bytes);
                        self.state = match framing {
                            Framing::None | Framing::Length(0) => State::Head(Held::default()),
                            Framing::Length(length) => State::Length(length),
                            Framing::Chunked => State::Chunked(Chunked::new()),
                        };
                        Step::Head(taken, head)
                    }
                    Err(why) => self.refuse(why),
                },
                Err(why) => self.refuse(why),
            },
            State::Length(remaining) => {
                let taken = usize::try_from(*remaining).unwrap_or(usize::MAX).min(input.len());
                *remaining -= u64::try_from(taken).unwrap_or(*remaining);
                if *remaining == 0 {
                    self.state = State::Head(Held::default());
                }
                Step::Pass(taken)
            }
            State::Chunked(chunked) => match chunked.follow(input) {
                Ok(taken) => {
                    if chunked.is_done() {
                        self.state = State::Head(Held::default());
                    }
                    Step::Pass(taken)
                }
                Err(why) => {
                    self.state = State::Shut;
                    Step::Broken(why)
                }
            },
            State::Shut => Step::Broken(malformed::SHUT),
        }
    }

    /// Refuses the head that is under way, for a reason of the caller's own.
    pub(crate) fn refuse(&mut self, why: Malformed) -> Step {
        let to_head = matches!(&self.state, State::Head(held) if held.bytes.starts_with(b"HEAD "));
        self.state = State::Shut;
        Step::Refused(Refused { why, to_head })
    }

    /// A head has begun and is not complete.
    pub(crate) fn in_head(&self) -> bool {
        matches!(&self.state, State::Head(held) if !held.bytes.is_empty())
    }

    /// No message is under way.
    pub(crate) fn between_messages(&self) -> bool {
        matches!(&self.state, State::Head(held) if held.bytes.is_empty())
    }
}

/// Takes bytes until an empty line ends the head; how many of them, once it does.
fn collect(held: &mut Held, input: &[u8]) -> Result<Option<usize>, Malformed> {
    let Held { bytes, skipped } = held;
    for (index, &byte) in input.iter().enumerate() {
        match (bytes.last(), byte) {
            (Some(b'\r'), b'\n') => {}
            (Some(b'\r'), _) => return Err(malformed::BARE_CR),
            (_, b'\n') => return Err(malformed::BARE_LF),
            _ => {}
        }
        bytes.push(byte);
        if bytes.len() > MAX_HEAD {
            return Err(malformed::HEAD_TOO_LARGE);
        }
        if bytes.ends_with(b"\r\n\r\n") {
            return Ok(Some(index + 1));
        }
        // RFC 9112, section 2.2: an empty line before the request line is passed over; old clients end a body with one.
        if bytes == b"\r\n" && !std::mem::replace(skipped, true) {
            bytes.clear();
        }
    }
    Ok(None)
}

#[cfg(test)]
pub(crate) mod tests;
