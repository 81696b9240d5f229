//! STS over TLS: AssumeRoleWithWebIdentity and nothing else, as strict as the real one, with faults on demand.

mod answer;
mod control;
mod exchange;
mod form;

use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming};
use hyper::{Request, Response, StatusCode};
use tokio::runtime::Handle;

use self::answer::{Success, XML};
pub use self::control::{Fault, StsControl};
use self::exchange::Exchange;
use super::clock::Clock;
use super::journal::{Entry, Journal, Outcome, Service};
use super::oidc::Oidc;
use super::random;
use super::roles::Role;
use super::server::{self, Answering, Body, Door, Front, HangUp, Protocols};
use super::sessions::Sessions;
use super::wire::{self, Received, Unreadable};
use crate::pki::Pki;

/// The token may have 20,000 characters; percent-encoded, with the rest of the form, this is plenty.
const MAX_BODY: usize = 128 * 1024;

/// An error as STS answers it.
#[derive(Clone, Debug)]
pub(crate) struct StsError {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl StsError {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "ValidationError", message)
    }
}

/// What the service needs to know.
#[derive(Debug)]
pub(crate) struct Sts {
    pub(crate) hostname: String,
    pub(crate) clock: Arc<Clock>,
    pub(crate) oidc: Arc<Oidc>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) roles: Mutex<HashMap<String, Arc<Role>>>,
    pub(crate) control: StsControl,
    /// The audiences that IAM's identity provider object lists (its client IDs).
    pub(crate) client_ids: Vec<String>,
}

impl Sts {
    pub(crate) fn start(self: &Arc<Self>, runtime: &Handle, pki: &Pki) -> io::Result<SocketAddr> {
        let identity = pki.server(&[&self.hostname]).map_err(io::Error::other)?;
        let control = self.control.clone();
        let door = Door { admit: Arc::new(move || control.admit()), shut: self.control.shut() };
        let names = vec![self.hostname.clone()];
        let front = Front { identity: &identity, names, protocols: Protocols::Http1, door: Some(door) };
        let sts = Arc::clone(self);
        server::start(
            runtime,
            front,
            Arc::new(move |request| -> Answering { Box::pin(Arc::clone(&sts).serve(request)) }),
        )
    }

    pub(crate) fn role(&self, arn: &str) -> Option<Arc<Role>> {
        self.roles.lock().unwrap_or_else(PoisonError::into_inner).get(arn).cloned()
    }

    async fn serve(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Body>, HangUp> {
        let in_flight = self.control.arrived();
        let received = match Received::read(request, MAX_BODY).await {
            Ok(received) => received,
            Err(Unreadable { status, reason }) => {
                return Ok(self.refuse(&StsError::new(status.as_u16(), "MalformedInput", reason)));
            }
        };
        // For counting and for the journal only: the exchange reads the form again, strictly.
        let claimed = wire::pairs(&String::from_utf8_lossy(&received.body)).unwrap_or_default();
        let claim = |name: &str| claimed.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let session_name = claim("RoleSessionName");
        in_flight.of_session(session_name.as_deref());

        let fault = self.control.next_fault();
        let action = format!("sts:{}", claim("Action").unwrap_or_else(|| "Unknown".to_owned()));
        let mut entry = Entry::of(Service::Sts, action, &received, self.clock.now());
        (entry.role_arn, entry.session_name) = (claim("RoleArn"), session_name);
        entry.outcome = Outcome::Faulted;
        if fault == Fault::Hang {
            self.journal.add(entry);
            std::future::pending::<()>().await;
            return Err(HangUp);
        }
        let answer = self.answer(&received, &fault, &mut entry).await;
        entry.status = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
        self.journal.add(entry);
        drop(in_flight);
        answer
    }

    async fn answer(&self, received: &Received, fault: &Fault, entry: &mut Entry) -> Result<Response<Body>, HangUp> {
        if let Fault::Slow(delay) = fault {
            tokio::time::sleep(*delay).await;
        }
        if *fault == Fault::Down {
            return Err(HangUp);
        }
        if let Some(error) = fault.error(self.clock.unix()) {
            entry.outcome = Outcome::Refused(error.code.to_owned());
            return Ok(self.refuse(&error));
        }
        match fault {
            Fault::Garbled => return Ok(self.reply(200, XML, &b"\x00\xff\xfe<<not>>\x80 xml \x1b"[..])),
            Fault::HtmlErrorPage => {
                return Ok(self.reply(200, "text/html", "<html><body><h1>We will be back soon</h1></body></html>"));
            }
            _ => {}
        }
        let lifetime = if *fault == Fault::AlreadyExpired { Lifetime::Over } else { Lifetime::AsAsked };
        let success = match (Exchange { sts: self, lifetime }).run(received) {
            Ok(success) => success,
            Err(error) => {
                entry.outcome = Outcome::Refused(error.code.to_owned());
                return Ok(self.refuse(&error));
            }
        };
        entry.access_key_id = Some(success.session.access_key_id.clone());
        entry.outcome = Outcome::Allowed;
        Ok(self.deliver(&success, fault))
    }

    fn deliver(&self, success: &Success, fault: &Fault) -> Response<Body> {
        let xml = match fault {
            Fault::MissingField(name) => success.to_xml_without(name),
            _ => success.to_xml(),
        };
        // In the middle of the session token: what came so far looks promising.
        let half = xml.len() / 2;
        match fault {
            Fault::Truncated => self.reply(200, XML, xml.as_bytes()[..half].to_vec()),
            Fault::TruncatedConnection => {
                let mut response = self.reply(200, XML, "");
                response.headers_mut().insert("content-length", xml.len().into());
                let first = Some(Bytes::copy_from_slice(&xml.as_bytes()[..half]));
                *response.body_mut() = CutOff { first, flushed: false }.boxed_unsync();
                response
            }
            _ => self.reply(200, XML, xml),
        }
    }

    fn refuse(&self, error: &StsError) -> Response<Body> {
        self.reply(error.status, XML, answer::error_xml(error))
    }

    fn reply(&self, status: u16, content_type: &str, body: impl Into<Bytes>) -> Response<Body> {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (id, date) = (random::request_id(), wire::http_date(self.clock.now()));
        wire::answer(status, &[("x-amzn-requestid", &id), ("content-type", content_type), ("date", &date)], body)
    }
}

/// How long the session of one answer lives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Lifetime {
    AsAsked,
    Over,
}

/// A body that sends its first part and then breaks the connection.
struct CutOff {
    first: Option<Bytes>,
    flushed: bool,
}

impl hyper::body::Body for CutOff {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        if !self.flushed {
            // While a body is pending hyper flushes what it has, so the first part is sent before the break.
            self.flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(Box::new(HangUp))))
    }
}
