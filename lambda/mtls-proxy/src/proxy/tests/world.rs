//! A proxy in this process, the app behind it, and a client that sends bytes as they are written.

use std::future::Future;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::super::{Listeners, Proxy, RequestBody, Server};
use crate::answer::Failure;
use crate::calls::Calls;
use crate::clock::Clock;
use crate::config::Config;
use crate::journal::Journal;
use crate::token::Token;

/// Everything here is over in milliseconds, on a machine that is not busy.
pub(super) const LIMIT: Duration = Duration::from_secs(60);
/// The token of every world.
pub(super) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

pub(super) type AppBody = UnsyncBoxBody<Bytes, Failure>;
type Answering = Pin<Box<dyn Future<Output = Result<Response<AppBody>, Failure>> + Send>>;
type App = dyn Fn(Request<RequestBody>) -> Answering + Send + Sync;

/// What came to the app.
#[derive(Clone, Debug)]
pub(super) struct Arrived {
    pub(super) upstream: usize,
    pub(super) line: String,
    pub(super) headers: HeaderMap,
    pub(super) deadline: Option<Duration>,
}

/// The app that the test plays.
#[derive(Clone)]
pub(super) struct Played {
    app: Arc<App>,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    warmed: Arc<Mutex<Vec<&'static str>>>,
}

impl Calls for Played {
    type Body = AppBody;

    async fn send(
        &self,
        upstream: usize,
        request: Request<RequestBody>,
        deadline: Option<Duration>,
    ) -> Result<Response<AppBody>, Failure> {
        let line = format!("{} {}", request.method(), request.uri());
        self.arrived.lock().unwrap().push(Arrived { upstream, line, headers: request.headers().clone(), deadline });
        (self.app)(request).await
    }

    fn warm(&self) {
        self.warmed.lock().unwrap().push("warm");
    }

    fn restored(&self) {
        self.warmed.lock().unwrap().push("restored");
    }

    fn status(&self) -> String {
        "{\"pair\":null}".into()
    }
}

/// A log that can be read.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(super) fn lines(&self) -> Vec<serde_json::Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub(super) struct World {
    pub(super) proxy: Arc<Proxy<Played>>,
    pub(super) server: Arc<Server<Played>>,
    pub(super) address: SocketAddr,
    pub(super) unix: PathBuf,
    pub(super) log: Log,
    played: Played,
    _home: tempfile::TempDir,
}

/// A body of one piece.
pub(super) fn whole(text: impl Into<Bytes>) -> AppBody {
    Full::new(text.into()).map_err(|never| match never {}).boxed_unsync()
}

/// An app that answers 200 with the body that it got.
pub(super) fn echo() -> Arc<App> {
    Arc::new(|request| {
        Box::pin(async move {
            let body = request.into_body().collect().await;
            let body = body.map_err(|e| Failure::of_call("request-invalid", 400, e.to_string()))?.to_bytes();
            Ok(Response::new(whole(body)))
        })
    })
}

/// An app that is a function.
pub(super) fn app<F, R>(app: F) -> Arc<App>
where
    F: Fn(Request<RequestBody>) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Response<AppBody>, Failure>> + Send + 'static,
{
    Arc::new(move |request| Box::pin(app(request)))
}

impl World {
    /// With an app that echoes.
    pub(super) async fn echo() -> Self {
        Self::new(echo(), "").await
    }

    /// Awake, with these fields of the configuration changed.
    pub(super) async fn new(app: Arc<App>, fields: &str) -> Self {
        let world = Self::asleep(app, fields).await;
        world.proxy.wake(Token::given(TOKEN).unwrap());
        world
    }

    pub(super) async fn asleep(app: Arc<App>, fields: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let unix = home.path().join("proxy.sock");
        let listen = format!(r#""port": 0, "unix": {:?}"#, unix.to_str().unwrap());
        let fields = fields.replace("{listen}", &listen);
        let listen = if fields.contains("listen") { String::new() } else { format!(r#", "listen": {{{listen}}}"#) };
        let text = format!(
            r#"{{"app": "reports", "environment": "staging", "trust_domain": "mesh.example.com",
                "gateway": "127.0.0.1:1", "identity": {{"source": "directory", "path": "/nowhere"}},
                "upstreams": ["ledger", "users"]{listen} {fields}}}"#
        );
        let config = Config::parse(text.as_bytes(), &|_| None).unwrap();
        let (log, played) = (Log::default(), Played { app, arrived: Arc::default(), warmed: Arc::default() });
        let journal = Arc::new(Journal::new("reports", "staging", Clock::system(), Box::new(log.clone())));
        let proxy = Arc::new(Proxy::new(&config, played.clone(), journal, Clock::system()));
        let server = Server::new(Arc::clone(&proxy), config.max_connections);
        let listeners = Listeners::bind(&config.listen).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], listeners.port()));
        tokio::spawn(Arc::clone(&server).run(listeners));
        Self { proxy, server, address, unix, log, played, _home: home }
    }

    /// What came to the app so far.
    pub(super) fn arrived(&self) -> Vec<Arrived> {
        self.played.arrived.lock().unwrap().clone()
    }

    pub(super) async fn connect(&self) -> Wire {
        Wire { socket: TcpStream::connect(self.address).await.unwrap(), unread: Vec::new() }
    }

    /// Sends bytes, and reads the answers until the proxy ends the connection.
    pub(super) async fn exchange(&self, bytes: &str) -> Vec<Answered> {
        let mut wire = self.connect().await;
        wire.send(bytes.as_bytes()).await;
        let mut answers = Vec::new();
        while let Some(answer) = wire.answer().await {
            answers.push(answer);
        }
        answers
    }

    /// The one answer to a request, whose connection is then ended.
    pub(super) async fn call(&self, request: &str) -> Answered {
        let head = request.replacen("\r\n", &format!("\r\nConnection: close\r\nX-Meshbridge-Token: {TOKEN}\r\n"), 1);
        let mut answers = self.exchange(&head).await;
        assert_eq!(answers.len(), 1, "{request:?}");
        answers.remove(0)
    }
}

/// A connection on which bytes are written.
pub(super) struct Wire {
    pub(super) socket: TcpStream,
    unread: Vec<u8>,
}

/// An answer as it came.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// The body came to its end.
    pub(super) complete: bool,
}

impl Answered {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(super) fn reason(&self) -> &str {
        self.header("x-meshbridge-error").unwrap_or("none")
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl Wire {
    pub(super) async fn send(&mut self, bytes: &[u8]) {
        // The proxy may have refused what came before, and gone.
        let _ = self.socket.write_all(bytes).await;
    }

    async fn more(&mut self) -> bool {
        let mut piece = [0; 4096];
        let read = tokio::time::timeout(LIMIT, self.socket.read(&mut piece)).await.expect("the proxy says nothing");
        match read {
            Ok(count) if count > 0 => {
                self.unread.extend_from_slice(&piece[..count]);
                true
            }
            _ => false,
        }
    }

    /// A head, without its last empty line.
    pub(super) async fn head(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = self.unread.drain(..end + 4).collect();
                return Some(String::from_utf8(head).unwrap());
            }
            if !self.more().await {
                assert!(self.unread.is_empty(), "{:?}", String::from_utf8_lossy(&self.unread));
                return None;
            }
        }
    }

    /// So many bytes of a body, or what came before the end.
    pub(super) async fn bytes(&mut self, count: usize) -> Vec<u8> {
        while self.unread.len() < count && self.more().await {}
        self.unread.drain(..count.min(self.unread.len())).collect()
    }

    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line = self.unread.drain(..=end).collect();
                return Some(String::from_utf8(line).unwrap().trim_end().to_owned());
            }
            if !self.more().await {
                return None;
            }
        }
    }

    /// The next answer; `None` when the connection ends before it.
    pub(super) async fn answer(&mut self) -> Option<Answered> {
        let head = self.head().await?;
        let mut lines = head.trim_end().split("\r\n");
        let status: u16 = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap()).map(|(n, v)| (n.to_owned(), v.to_owned()));
        let mut answer = Answered { status, headers: headers.collect(), body: Vec::new(), complete: true };
        if let Some(length) = answer.header("content-length").map(|length| length.parse::<usize>().unwrap()) {
            answer.body = self.bytes(length).await;
            answer.complete = answer.body.len() == length;
        } else if answer.header("transfer-encoding").is_some() {
            answer.complete = self.chunks(&mut answer.body).await.is_some();
        }
        Some(answer)
    }

    async fn chunks(&mut self, body: &mut Vec<u8>) -> Option<()> {
        loop {
            let size = usize::from_str_radix(&self.line().await?, 16).unwrap();
            body.extend(self.bytes(size).await);
            let end = self.line().await?;
            assert_eq!(end, "");
            if size == 0 {
                return Some(());
            }
        }
    }
}

/// Waits for something that will come to pass.
pub(super) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = tokio::time::Instant::now();
    while !holds() {
        assert!(begun.elapsed() < LIMIT, "{what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
