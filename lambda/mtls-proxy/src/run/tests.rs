//! The life of the proxy in Lambda: in which order things happen, and how it ends.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use http_body_util::combinators::UnsyncBoxBody;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::answer::Failure;
use crate::lambda::fake::FakeApi;
use crate::proxy::RequestBody;

const LIMIT: Duration = Duration::from_secs(60);

/// Calls that are only noted.
#[derive(Clone, Default)]
struct Noted(Arc<Mutex<Vec<&'static str>>>);

impl Calls for Noted {
    type Body = UnsyncBoxBody<Bytes, Failure>;

    async fn send(
        &self,
        _upstream: usize,
        _request: Request<RequestBody>,
        _deadline: Option<Duration>,
    ) -> Result<Response<Self::Body>, Failure> {
        use http_body_util::BodyExt as _;
        Ok(Response::new(Full::new(Bytes::from_static(b"hello")).map_err(|never| match never {}).boxed_unsync()))
    }

    fn warm(&self) {
        self.0.lock().unwrap().push("warm");
    }

    fn restored(&self) {
        self.0.lock().unwrap().push("restored");
    }

    fn status(&self) -> String {
        "null".into()
    }
}

struct Life {
    home: tempfile::TempDir,
    calls: Noted,
    api: FakeApi,
    ended: JoinHandle<Result<(), String>>,
}

impl Life {
    async fn begin(initialization: Initialization, fields: &str) -> Self {
        Self::begin_with(FakeApi::start(200).await, initialization, fields)
    }

    fn begin_with(api: FakeApi, initialization: Initialization, fields: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let config = config(home.path(), fields);
        let calls = Noted::default();
        let host = Host::Lambda { api: Api::new(&api.address), name: "mtls-proxy".into(), initialization };
        let noted = calls.clone();
        let ended = tokio::spawn(async move { run(&config, noted, &host).await });
        Self { home, calls, api, ended }
    }

    fn token(&self) -> Option<String> {
        std::fs::read_to_string(self.home.path().join("token")).ok()
    }

    fn noted(&self) -> Vec<&'static str> {
        self.calls.0.lock().unwrap().clone()
    }

    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let begun = tokio::time::Instant::now();
        while !holds(self) {
            assert!(begun.elapsed() < LIMIT, "{what}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Over the UNIX socket, whose path is known.
    async fn call(&self, token: &str) -> String {
        let mut socket = tokio::net::UnixStream::connect(self.home.path().join("sock")).await.unwrap();
        let request =
            format!("GET / HTTP/1.1\r\nHost: ledger\r\nX-Meshbridge-Token: {token}\r\nConnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        tokio::time::timeout(LIMIT, socket.read_to_string(&mut answer)).await.unwrap().unwrap();
        answer
    }

    async fn end(self) -> Result<(), String> {
        tokio::time::timeout(LIMIT, self.ended).await.unwrap().unwrap()
    }
}

fn config(home: &std::path::Path, fields: &str) -> Config {
    let text = format!(
        r#"{{"app": "reports", "environment": "staging", "trust_domain": "mesh.example.com",
            "gateway": "127.0.0.1:1", "identity": {{"source": "directory", "path": "/nowhere"}}, "upstreams": ["ledger"],
            "listen": {{"port": 0, "unix": "{home}/sock"}}, "token": {{"file": "{home}/token"}} {fields}}}"#,
        home = home.display()
    );
    Config::parse(text.as_bytes(), &|_| None).unwrap()
}

fn shutdown() -> String {
    let by = Clock::system().wall() + Duration::from_secs(2);
    format!(r#"{{"eventType": "SHUTDOWN", "shutdownReason": "SPINDOWN", "deadlineMs": {}}}"#, by.as_millis())
}

#[tokio::test]
async fn when_lambda_hears_of_it_requests_are_taken_the_token_is_there_and_the_fetch_has_begun() {
    let life = Life::begin(Initialization::Ordinary, "").await;
    life.until("it registers", |life| !life.api.asked().is_empty()).await;
    assert!(life.home.path().join("sock").exists());
    assert_eq!(life.noted(), ["warm"]);
    let token = life.token().unwrap();
    assert_eq!(token.len(), 64);
    assert!(life.call(&token).await.starts_with("HTTP/1.1 200 "));
    life.until("it asks for events", |life| life.api.paths().len() == 2).await;
    assert_eq!(life.api.paths(), ["POST register", "GET event/next"]);
    assert_eq!(life.api.asked()[0].body, r#"{"events":[]}"#);
}

#[tokio::test]
async fn a_shutdown_ends_it_and_leaves_nothing_behind() {
    let life = Life::begin(Initialization::Ordinary, r#", "invocations": "follow""#).await;
    life.until("it asks for events", |life| life.api.paths().len() == 2).await;
    assert_eq!(life.api.asked()[0].body, r#"{"events":["INVOKE","SHUTDOWN"]}"#);
    life.api.event(&shutdown());
    let home = life.home.path().to_path_buf();
    let (kept, life) = (home.clone(), life);
    let Life { home: _held, ended, .. } = life;
    assert_eq!(tokio::time::timeout(LIMIT, ended).await.unwrap().unwrap(), Ok(()));
    assert!(!kept.join("token").exists() && !kept.join("sock").exists());
}

#[tokio::test]
async fn under_snapstart_there_is_no_token_and_no_fetch_before_the_first_invocation() {
    let life = Life::begin(Initialization::SnapStart, "").await;
    life.until("it asks for events", |life| life.api.paths().len() == 2).await;
    assert_eq!(life.api.asked()[0].body, r#"{"events":["INVOKE","SHUTDOWN"]}"#);
    assert_eq!((life.token(), life.noted()), (None, vec![]));
    assert!(life.call("any").await.contains("restore-pending"));
    life.api.event(r#"{"eventType": "INVOKE", "deadlineMs": 5}"#);
    life.until("it asks again", |life| life.api.paths().len() == 3).await;
    assert_eq!(life.noted(), ["restored", "warm"]);
    let token = life.token().unwrap();
    assert!(life.call("").await.contains("token-wrong"));
    assert!(life.call(&token).await.starts_with("HTTP/1.1 200 "));
    // Further invocations change nothing.
    life.api.event(r#"{"eventType": "INVOKE", "deadlineMs": 5}"#);
    life.until("it asks again", |life| life.api.paths().len() == 4).await;
    assert_eq!((life.token().unwrap(), life.noted()), (token, vec!["restored", "warm"]));
    life.api.event(&shutdown());
    assert_eq!(life.end().await, Ok(()));
}

#[tokio::test]
async fn two_environments_never_have_one_token() {
    let (one, other) =
        (Life::begin(Initialization::Ordinary, "").await, Life::begin(Initialization::Ordinary, "").await);
    one.until("a token", |life| life.token().is_some()).await;
    other.until("a token", |life| life.token().is_some()).await;
    assert_ne!(one.token(), other.token());
}

#[tokio::test]
async fn a_connection_for_events_that_breaks_is_made_again() {
    let life = Life::begin(Initialization::Ordinary, "").await;
    life.api.events.send((0, String::new())).unwrap();
    life.api.events.send((0, String::new())).unwrap();
    life.api.event(&shutdown());
    life.until("it asks three times", |life| life.api.paths().len() == 4).await;
    assert_eq!(life.end().await, Ok(()));
}

#[tokio::test]
async fn an_answer_that_is_an_error_is_reported_and_ends_it() {
    for status in [403, 500] {
        let life = Life::begin(Initialization::Ordinary, "").await;
        life.api.events.send((status, "no".into())).unwrap();
        life.until("it reports", |life| life.api.paths().len() == 3).await;
        let report = life.api.asked().pop().unwrap();
        assert!(report.line.contains("exit/error"), "{report:?}");
        assert_eq!(report.header("lambda-extension-function-error-type"), Some("Extension.NextFailed"));
        let error = life.end().await.unwrap_err();
        assert!(error.contains(&status.to_string()), "{error}");
    }
}

#[tokio::test]
async fn a_registration_that_is_refused_ends_it() {
    let life = Life::begin_with(FakeApi::start(403).await, Initialization::Ordinary, "");
    assert!(life.end().await.unwrap_err().contains("cannot register"));
}

#[tokio::test]
async fn a_port_that_is_taken_is_reported_as_a_failed_initialisation() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = config(std::path::Path::new("/tmp"), "");
    config.listen.port = taken.local_addr().unwrap().port();
    let api = FakeApi::start(200).await;
    let host = Host::Lambda {
        api: Api::new(&api.address),
        name: "mtls-proxy".into(),
        initialization: Initialization::Ordinary,
    };
    let error = run(&config, Noted::default(), &host).await.unwrap_err();
    assert!(error.contains("listen.port"), "{error}");
    assert_eq!(api.paths(), ["POST register", "POST init/error"]);
    assert_eq!(api.asked()[1].header("lambda-extension-function-error-type"), Some("Extension.ListenFailed"));
}

#[tokio::test]
async fn a_token_that_cannot_be_written_is_reported_as_a_failed_initialisation() {
    let home = tempfile::tempdir().unwrap();
    let mut config = config(home.path(), "");
    std::fs::write(home.path().join("file"), "").unwrap();
    config.token.file = home.path().join("file/token");
    let api = FakeApi::start(200).await;
    let host = Host::Lambda {
        api: Api::new(&api.address),
        name: "mtls-proxy".into(),
        initialization: Initialization::Ordinary,
    };
    let error = run(&config, Noted::default(), &host).await.unwrap_err();
    assert!(error.contains("token.file"), "{error}");
    assert_eq!(api.asked()[1].header("lambda-extension-function-error-type"), Some("Extension.TokenFailed"));
}

#[tokio::test]
async fn a_configuration_that_is_wrong_is_reported_with_its_mistakes() {
    let api = FakeApi::start(200).await;
    let fatal = Fatal { kind: "Extension.ConfigInvalid", message: "app: is missing".into() };
    assert_eq!(fail_init(&Api::new(&api.address), "mtls-proxy", fatal).await, "app: is missing");
    assert_eq!(api.paths(), ["POST register", "POST init/error"]);
    assert!(api.asked()[1].body.contains("app: is missing"));
}

#[tokio::test]
async fn the_token_of_a_proxy_that_took_over_is_left_alone() {
    let life = Life::begin(Initialization::Ordinary, r#", "invocations": "follow""#).await;
    life.until("a token", |life| life.token().is_some()).await;
    let file = life.home.path().join("token");
    std::fs::write(&file, "another").unwrap();
    life.api.event(&shutdown());
    let Life { home: _held, ended, .. } = life;
    ended.await.unwrap().unwrap();
    assert_eq!(std::fs::read_to_string(file).unwrap(), "another");
}
