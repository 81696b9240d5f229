//! What an app remembers of its visitors, and what it answers them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::AtomicUsize;
use std::sync::{Condvar, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::channel::Channel;
use hyper::{Response, StatusCode};
use tokio::sync::watch;

use crate::aws::random::sha256_hex;
use crate::aws::server::{Body, HangUp};
use crate::aws::wire::answer;
use crate::cut;

/// One request that arrived.
#[derive(Clone, Debug)]
pub struct Hit {
    /// The caller's SPIFFE ID, from its certificate; behind an Envoy, from `x-forwarded-client-cert`.
    pub caller: Option<String>,
    /// SHA-256 of its certificate, where this app itself has seen it.
    pub certificate_sha256: Option<String>,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub version: String,
    /// The method.
    pub method: String,
    /// The path with the query.
    pub target: String,
    /// `Host`, or `:authority`.
    pub authority: String,
    /// Names in lower case, in order of arrival.
    pub headers: Vec<(String, String)>,
    /// The body's length.
    pub body_length: usize,
    /// The body's SHA-256.
    pub body_sha256: String,
}

impl Hit {
    /// The first header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }
}

/// What the server and its owner share.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) name: String,
    pub(super) hits: Mutex<VecDeque<Hit>>,
    pub(super) connections: AtomicUsize,
    pub(super) handshakes: AtomicUsize,
    /// Raised to cut every connection.
    pub(super) cut: watch::Sender<u64>,
    /// How many connections live, by the number of cuts that they have not seen.
    pub(super) live: Mutex<BTreeMap<u64, usize>>,
    pub(super) died: Condvar,
    /// Whether new connections are taken.
    pub(super) open: watch::Sender<bool>,
    /// Whether `/held` is answered.
    pub(super) released: watch::Sender<bool>,
}

impl Inner {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            hits: Mutex::default(),
            connections: AtomicUsize::new(0),
            handshakes: AtomicUsize::new(0),
            cut: watch::Sender::new(0),
            live: Mutex::default(),
            died: Condvar::new(),
            open: watch::Sender::new(true),
            released: watch::Sender::new(false),
        }
    }

    /// Counts a connection; gives the number of cuts so far, and what tells of the next.
    pub(super) fn born(&self) -> (u64, watch::Receiver<u64>) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let mut cut = self.cut.subscribe();
        let born = *cut.borrow_and_update();
        *live.entry(born).or_default() += 1;
        (born, cut)
    }

    pub(super) fn dies(&self, born: u64) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = live.get_mut(&born) {
            *count -= 1;
        }
        self.died.notify_all();
    }

    pub(super) fn note(&self, hit: Hit) {
        self.hits.lock().unwrap_or_else(PoisonError::into_inner).push_back(hit);
    }

    pub(super) async fn answer(&self, path: &str, said: String) -> Result<Response<Body>, HangUp> {
        let json = [("content-type", "application/json"), ("x-app", self.name.as_str())];
        match path.split('/').nth(1).unwrap_or_default() {
            "bytes" => {
                let count = path.rsplit('/').next().and_then(|count| count.parse().ok()).unwrap_or(0);
                let bytes = pattern(count);
                let sha256 = sha256_hex(&bytes);
                Ok(answer(StatusCode::OK, &[("x-sha256", &sha256), ("x-app", &self.name)], bytes))
            }
            "status" => {
                let status = path.rsplit('/').next().and_then(|status| status.parse::<u16>().ok()).unwrap_or(500);
                Ok(answer(StatusCode::from_u16(status).unwrap_or_default(), &json, said))
            }
            // An app that pretends to be the proxy.
            "pretend" => Ok(answer(StatusCode::OK, &[("x-meshbridge-error", "identity-expired")], said)),
            "held" => {
                let _ = self.released.subscribe().wait_for(|released| *released).await;
                Ok(answer(StatusCode::OK, &json, said))
            }
            // The head and the first piece at once, the rest when released.
            "drip" => {
                let (mut sender, body) = Channel::<Bytes, Box<dyn std::error::Error + Send + Sync>>::new(1);
                let mut released = self.released.subscribe();
                tokio::spawn(async move {
                    let _ = sender.send_data(Bytes::from_static(b"first")).await;
                    let _ = released.wait_for(|released| *released).await;
                    let _ = sender.send_data(Bytes::from_static(b"last")).await;
                });
                Ok(Response::new(body.boxed_unsync()))
            }
            // A body that ends before its content length.
            "short" => {
                let response = Response::builder().header("content-length", "100").body(cut::body(b"short"));
                response.map_err(|_| HangUp)
            }
            "hang" => std::future::pending().await,
            "close" => Err(HangUp),
            _ => Ok(answer(StatusCode::OK, &json, said)),
        }
    }
}

/// Bytes that depend on their number and place: what `/bytes/<count>` answers with.
#[must_use]
pub fn pattern(count: usize) -> Vec<u8> {
    let mut state = u32::try_from(count).unwrap_or(u32::MAX) ^ 0x9e37_79b9;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .collect()
}
