//! S3 over TLS with virtual-host addressing: s3s on files behind a front that does what s3s does not.
//!
//! A request must satisfy two verifiers that share nothing: aws-sigv4 (`verify`) on what arrived, then s3s itself.
//! The front adds the session token, its expiry, IAM's decision and the journal. Where the two disagree the request is
//! refused: s3s re-encodes the decoded path (a path sent as `%c3` must be signed as `%C3`) and sorts query parameters
//! by name only (the same name twice must come in the order of its values). Clients that send the canonical form
//! meet neither. What a file store cannot hold (keys with empty, `.` or `..` segments) is answered as a missing key.

mod action;
mod refusal;

use std::fs;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use s3s::auth::{S3Auth, SecretKey};
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::host::{S3Host, VirtualHost};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Error, S3ErrorCode, S3Result};
use tempfile::TempDir;
use tokio::runtime::Handle;

use self::action::{Needed, Target};
use self::refusal::S3Refusal;
use super::clock::Clock;
use super::journal::{Entry, Journal, Outcome, Service};
use super::random;
use super::server::{self, Answering, Body, Front, HangUp, Protocols};
use super::sessions::{Session, Sessions};
use super::verify::{Expectation, Rules, verify};
use super::wire::{self, Received};
use crate::pki::Pki;

/// The most that one request may carry.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// S3 of one region.
#[derive(Debug)]
pub struct S3 {
    address: SocketAddr,
    hostname: String,
    root: PathBuf,
}

impl S3 {
    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// `s3.REGION.amazonaws.com`.
    #[must_use]
    pub fn hostname(&self) -> &str {
        &self.hostname
    }

    /// `BUCKET.s3.REGION.amazonaws.com`.
    #[must_use]
    pub fn bucket_hostname(&self, bucket: &str) -> String {
        format!("{bucket}.{}", self.hostname)
    }

    /// Makes a bucket; it may be there already.
    pub fn create_bucket(&self, bucket: &str) -> io::Result<()> {
        fs::create_dir_all(self.root.join(bucket))
    }

    /// Puts an object into the store, past all checks.
    pub fn put_object(&self, bucket: &str, key: &str, content: &[u8]) -> io::Result<()> {
        let path = self.root.join(bucket).join(key);
        fs::create_dir_all(path.parent().unwrap_or(&self.root))?;
        fs::write(path, content)
    }

    /// Reads an object from the store, past all checks.
    pub fn get_object(&self, bucket: &str, key: &str) -> io::Result<Vec<u8>> {
        fs::read(self.root.join(bucket).join(key))
    }

    pub(crate) fn start(
        runtime: &Handle,
        pki: &Pki,
        region: &str,
        clock: Arc<Clock>,
        sessions: Arc<Sessions>,
        journal: Arc<Journal>,
    ) -> io::Result<(Self, TempDir)> {
        let directory = tempfile::tempdir()?;
        let hostname = format!("s3.{region}.amazonaws.com");
        let identity = pki.server(&[&hostname, &format!("*.{hostname}")]).map_err(io::Error::other)?;
        let expected = Expectation { service: "s3", region: region.to_owned(), rules: Rules::S3 };
        let store = service(&directory, &hostname, &sessions)?;
        let gate = Arc::new(Gate {
            hostname: hostname.clone(),
            expected,
            clock,
            sessions,
            journal,
            store,
            root: directory.path().to_owned(),
        });
        let names = vec![hostname.clone(), format!("*.{hostname}")];
        let front = Front { identity: &identity, names, protocols: Protocols::Http1, door: None };
        let answering = move |request| -> Answering { Box::pin(Arc::clone(&gate).serve(request)) };
        let address = server::start(runtime, front, Arc::new(answering))?;
        Ok((Self { address, hostname, root: directory.path().to_owned() }, directory))
    }
}

fn service(directory: &TempDir, hostname: &str, sessions: &Arc<Sessions>) -> io::Result<S3Service> {
    let files = s3s_fs::FileSystem::new(directory.path()).map_err(|error| io::Error::other(format!("{error:?}")))?;
    let mut builder = S3ServiceBuilder::new(files);
    builder.set_auth(Secrets(Arc::clone(sessions)));
    builder.set_host(Buckets { hostname: hostname.to_owned() });
    // The front judges the date, by a clock that tests can shift; s3s only knows the system's.
    let mut config = S3Config::default();
    config.presigned_url_max_skew_time_secs = u32::MAX;
    builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
    Ok(builder.build())
}

/// The front.
struct Gate {
    hostname: String,
    expected: Expectation,
    clock: Arc<Clock>,
    sessions: Arc<Sessions>,
    journal: Arc<Journal>,
    store: S3Service,
    root: PathBuf,
}

impl Gate {
    async fn serve(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Body>, HangUp> {
        let received = match Received::read(request, MAX_BODY).await {
            Ok(received) => received,
            Err(unreadable) => {
                let refusal = S3Refusal::new(unreadable.status, "InvalidRequest", unreadable.reason);
                return Ok(self.finish(refusal.into_response("")));
            }
        };
        let target = Target::of(&received, &self.hostname);
        let needed = Needed::by(&received, &target);
        let mut entry = Entry::of(Service::S3, needed.action.clone(), &received, self.clock.now());
        let response = match self.judge(&received, &target, &needed, &mut entry) {
            Ok(session) => self.fetch(received, &target, &session, &mut entry).await,
            Err(refusal) => {
                entry.outcome = Outcome::Refused(refusal.code.to_owned());
                refusal.into_response(&received.method)
            }
        };
        entry.status = response.status().as_u16();
        self.journal.add(entry);
        Ok(self.finish(response))
    }

    fn judge(
        &self,
        received: &Received,
        target: &Target,
        needed: &Needed,
        entry: &mut Entry,
    ) -> Result<Arc<Session>, S3Refusal> {
        let now = self.clock.now();
        let session = verify(received, &self.expected, &self.sessions, now)
            .map_err(|refusal| S3Refusal::of(refusal, &self.expected.region))?;
        entry.by(&session);
        if received.headers.contains_key("transfer-encoding") {
            let message = "A header you provided implies functionality that is not implemented";
            let refusal = S3Refusal::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message);
            return Err(refusal.with("Header", "Transfer-Encoding"));
        }
        match target {
            Target::Elsewhere => {
                let message = format!("Host {:?} is not {} or below it", received.host, self.hostname);
                return Err(S3Refusal::new(StatusCode::NOT_FOUND, "NoSuchBucket", message));
            }
            Target::Unreadable => {
                return Err(S3Refusal::new(StatusCode::BAD_REQUEST, "InvalidURI", "Couldn't parse the specified URI."));
            }
            Target::Service | Target::Bucket(_) | Target::Object(..) => {}
        }
        if let Some((action, resource)) = needed.all().find(|(action, resource)| !session.may(action, resource)) {
            let user = session.arn();
            let message = format!("User: {user} is not authorized to perform: {action} on resource: \"{resource}\"");
            return Err(S3Refusal::new(StatusCode::FORBIDDEN, "AccessDenied", message));
        }
        Ok(session)
    }

    async fn fetch(&self, received: Received, target: &Target, session: &Session, entry: &mut Entry) -> Response<Body> {
        let method = received.method.clone();
        let missing = || S3Refusal::new(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.");
        let storable = self.storable(target);
        let reads = matches!(method.as_str(), "GET" | "HEAD");
        if !storable && !reads {
            let message = "this double's file store cannot hold such a key";
            entry.outcome = Outcome::Refused("InvalidURI".to_owned());
            return S3Refusal::new(StatusCode::BAD_REQUEST, "InvalidURI", message).into_response(&method);
        }
        let mut response = self.ask_s3s(received).await;
        entry.outcome = Outcome::Allowed;
        let status = response.status();
        if matches!(status.as_u16(), 400 | 401 | 403) {
            let (parts, body) = response.into_parts();
            let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            entry.outcome = Outcome::Refused(code_in(&body));
            response = wire::answer(parts.status, &[("content-type", "application/xml")], body);
        } else if !storable {
            response = missing().into_response(&method);
        }
        // Without s3:ListBucket S3 does not even tell that the key is missing.
        let may_list = target.bucket_arn().is_some_and(|bucket| session.may("s3:ListBucket", &bucket));
        if response.status() == StatusCode::NOT_FOUND && reads && !may_list {
            let message = format!("User: {} is not authorized to perform: s3:ListBucket", session.arn());
            entry.outcome = Outcome::Refused("AccessDenied".to_owned());
            response = S3Refusal::new(StatusCode::FORBIDDEN, "AccessDenied", message).into_response(&method);
        }
        if reads && response.status().is_success() && !response.headers().contains_key("content-type") {
            response.headers_mut().insert("content-type", http::HeaderValue::from_static("binary/octet-stream"));
        }
        response
    }

    async fn ask_s3s(&self, received: Received) -> Response<Body> {
        let query = received.query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
        let mut request = http::Request::new(s3s::Body::from(received.body));
        let failed =
            |why: String| S3Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", why).into_response("");
        match (format!("{}{query}", received.path).parse(), received.method.parse()) {
            (Ok(uri), Ok(method)) => (*request.uri_mut(), *request.method_mut()) = (uri, method),
            _ => return failed("the request does not survive being parsed twice".to_owned()),
        }
        *request.headers_mut() = received.headers;
        match self.store.call(request).await {
            Ok(response) => response.map(BodyExt::boxed_unsync),
            Err(error) => failed(format!("{error:?}")),
        }
    }

    fn storable(&self, target: &Target) -> bool {
        let Target::Object(bucket, key) = target else {
            return true;
        };
        key.split('/').all(|segment| !matches!(segment, "" | "." | ".."))
            && !key.contains('\0')
            && !self.root.join(bucket).join(key).is_dir()
    }

    fn finish(&self, mut response: Response<Body>) -> Response<Body> {
        let headers = response.headers_mut();
        for (name, value) in [
            ("x-amz-request-id", random::s3_request_id()),
            ("x-amz-id-2", random::secret_access_key()),
            ("server", "AmazonS3".to_owned()),
            ("date", wire::http_date(self.clock.now())),
        ] {
            headers.insert(name, value.parse().expect("our own headers are valid"));
        }
        response
    }
}

/// The code in S3's error document.
fn code_in(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    code.map_or_else(|| "Unknown".to_owned(), |(code, _)| code.to_owned())
}

/// Tells s3s the secret of a session.
struct Secrets(Arc<Sessions>);

impl S3Auth for Secrets {
    fn get_secret_key<'this, 'key, 'future>(
        &'this self,
        access_key: &'key str,
    ) -> Pin<Box<dyn Future<Output = S3Result<SecretKey>> + Send + 'future>>
    where
        'this: 'future,
        'key: 'future,
        Self: 'future,
    {
        let session = self.0.find(access_key);
        Box::pin(async move {
            let session = session.ok_or_else(|| S3Error::new(S3ErrorCode::InvalidAccessKeyId))?;
            Ok(SecretKey::from(session.secret_access_key.as_str()))
        })
    }
}

/// Tells s3s which part of the host is the bucket, with or without a port.
struct Buckets {
    hostname: String,
}

impl S3Host for Buckets {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
        let whole = VirtualHost::new(self.hostname.as_str());
        match host.strip_suffix(self.hostname.as_str()).map(|bucket| bucket.strip_suffix('.')) {
            Some(Some(bucket)) => Ok(whole.with_bucket(bucket)),
            Some(None) => Ok(whole),
            None => Err(S3Error::with_message(S3ErrorCode::InvalidRequest, "not this endpoint")),
        }
    }
}
