//! What stands in front of moto: verifies, counts, fails as asked, passes on.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::answers::{self, ServiceError};
use super::fault::{Fault, Faults};
use super::journal::{Call, CallOutcome, Calls};
use super::store::Store;
use super::{ACCOUNT, HOME, OTHER};
use crate::aws::server::{Body, HangUp};
use crate::aws::verify::{Authorization, Expectation, Rules, access_key_of, verify};
use crate::aws::wire::{Received, answer};
use crate::aws::{Clock, Sessions};

/// More than any request needs.
const MAX_REQUEST: usize = 64 * 1024;

/// The values of a region at one time, by the secret's name.
pub(super) type Snapshot = HashMap<String, Value>;

#[derive(Debug)]
pub(super) struct Front {
    pub(super) clock: Arc<Clock>,
    pub(super) sessions: Sessions,
    pub(super) faults: Faults,
    pub(super) calls: Calls,
    store: Store,
    stale: Mutex<HashMap<String, Snapshot>>,
    /// Counts the healings; what is held waits for the next.
    healed: watch::Sender<u64>,
}

/// What a call asks for.
struct Asked {
    region: String,
    operation: String,
    secret: String,
    version_id: Option<String>,
}

impl Front {
    pub(super) fn new(store: Store, clock: Arc<Clock>) -> Self {
        Self {
            clock,
            sessions: Sessions::default(),
            faults: Faults::default(),
            calls: Calls::default(),
            store,
            stale: Mutex::default(),
            healed: watch::Sender::new(0),
        }
    }

    pub(super) fn make_stale(&self, region: &str, snapshot: Snapshot) {
        self.stale.lock().unwrap_or_else(PoisonError::into_inner).insert(region.to_owned(), snapshot);
    }

    pub(super) fn heal(&self) {
        self.faults.clear();
        self.stale.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.healed.send_modify(|healed| *healed += 1);
    }

    async fn serve(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Body>, HangUp> {
        let received = match Received::read(request, MAX_REQUEST).await {
            Ok(received) => received,
            Err(unreadable) => return Ok(answer(unreadable.status, &[], unreadable.reason)),
        };
        let asked = asked(&received);
        let noted = self.calls.begin(Call {
            region: asked.region.clone(),
            operation: asked.operation.clone(),
            secret: asked.secret.clone(),
            version_id: asked.version_id.clone(),
            access_key_id: access_key_of(&received),
            outcome: CallOutcome::Pending,
        });
        if let Err(error) = self.judge(&received, &asked) {
            self.calls.end(noted, CallOutcome::Refused(error.code.to_owned()));
            return Ok(error.response());
        }
        let healed = self.healed.subscribe();
        let fault = self.faults.next(&asked.region, &asked.secret);
        if let Some(fault) = fault {
            self.calls.end(noted, CallOutcome::Faulted(fault));
            if let Some(faulty) = answers::faulty(fault) {
                return faulty;
            }
            wait(fault, healed).await;
        }
        let (outcome, response) = self.answer(&asked).await;
        if fault.is_none() {
            self.calls.end(noted, outcome);
        }
        Ok(response)
    }

    fn judge(&self, received: &Received, asked: &Asked) -> Result<(), ServiceError> {
        if received.method != "POST" || received.path != "/" {
            return Err(ServiceError::new("UnknownOperationException", "this service knows POST / only"));
        }
        if received.header("content-type") != Some("application/x-amz-json-1.1") {
            return Err(ServiceError::new(
                "SerializationException",
                "the content type must be application/x-amz-json-1.1",
            ));
        }
        let region = if asked.region == OTHER { OTHER } else { HOME };
        let expected = Expectation { service: "secretsmanager", region: region.to_owned(), rules: Rules::Other };
        let session = verify(received, &expected, &self.sessions, self.clock.now())?;
        if asked.operation != "GetSecretValue" {
            let message = format!("a function has no use for {}", asked.operation);
            return Err(ServiceError::new("UnknownOperationException", message));
        }
        if asked.secret.is_empty() {
            return Err(ServiceError::new("ValidationException", "SecretId is missing"));
        }
        let resource = if asked.secret.starts_with("arn:") {
            asked.secret.clone()
        } else {
            format!("arn:aws:secretsmanager:{}:{ACCOUNT}:secret:{}-AbCdEf", asked.region, asked.secret)
        };
        if session.may("secretsmanager:GetSecretValue", &resource) {
            return Ok(());
        }
        let message = format!(
            "User: {} is not authorized to perform: secretsmanager:GetSecretValue on resource: {resource}",
            session.arn()
        );
        Err(ServiceError::new("AccessDeniedException", message))
    }

    async fn answer(&self, asked: &Asked) -> (CallOutcome, Response<Body>) {
        let looked_up = match self.snapshot_of(asked) {
            Some(known) => known,
            None => self.current_of(asked).await,
        };
        match looked_up {
            Ok(document) => (CallOutcome::Answered, answers::value(&document)),
            Err(error) => (CallOutcome::Refused(error.code.to_owned()), error.response()),
        }
    }

    /// What a stale region shows; None for a region that is up to date.
    fn snapshot_of(&self, asked: &Asked) -> Option<Result<Value, ServiceError>> {
        let stale = self.stale.lock().unwrap_or_else(PoisonError::into_inner);
        let old = stale.get(&asked.region)?.get(&asked.secret);
        let old = old.filter(|old| asked.version_id.as_deref().is_none_or(|wanted| old["VersionId"] == wanted));
        Some(old.cloned().ok_or_else(not_found))
    }

    async fn current_of(&self, asked: &Asked) -> Result<Value, ServiceError> {
        let (store, region) = (self.store.clone(), asked.region.clone());
        let (secret, version) = (asked.secret.clone(), asked.version_id.clone());
        let looked_up = tokio::task::spawn_blocking(move || store.get(&region, &secret, version.as_deref())).await;
        looked_up.ok().flatten().ok_or_else(not_found)
    }
}

fn not_found() -> ServiceError {
    ServiceError::new("ResourceNotFoundException", "Secrets Manager can't find the specified secret value.")
}

async fn wait(fault: Fault, mut healed: watch::Receiver<u64>) {
    match fault {
        Fault::Slow(by) => tokio::time::sleep(by).await,
        Fault::Held => {
            let _ = healed.changed().await;
        }
        _ => std::future::pending().await,
    }
}

/// Read before anything is verified, so that the journal has it.
fn asked(received: &Received) -> Asked {
    let region = received.header("authorization").and_then(|header| Authorization::parse(header).ok());
    let body: Value = serde_json::from_slice(&received.body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let target = received.header("x-amz-target").unwrap_or_default();
    Asked {
        region: region.map(|authorization| authorization.region).unwrap_or_default(),
        operation: target.strip_prefix("secretsmanager.").unwrap_or_default().to_owned(),
        secret: text("SecretId").unwrap_or_default(),
        version_id: text("VersionId"),
    }
}

/// Serves on a free port of 127.0.0.1 until the runtime ends.
pub(super) fn start(runtime: &Handle, front: Arc<Front>) -> io::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let _inside = runtime.enter();
    let listener = TcpListener::from_std(listener)?;
    runtime.spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                continue;
            };
            let _ = stream.set_nodelay(true);
            let front = Arc::clone(&front);
            tokio::spawn(async move {
                let service = service_fn(move |request| Arc::clone(&front).serve(request));
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok(address)
}
