//! The Extensions API as a test plays it: it takes down what it is asked, and answers what it is told to.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// The identifier of every extension.
pub(crate) const IDENTIFIER: &str = "4b3a1c5e-0000-4000-8000-000000000001";

/// What a request was, with names of headers in lower case.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

/// A running API.
pub(crate) struct FakeApi {
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// Answers to `next`, in their order: a status and a body. Until there is one, `next` blocks.
    pub(crate) events: mpsc::UnboundedSender<(u16, String)>,
}

impl FakeApi {
    /// Whose `register` is answered with this status.
    pub(crate) async fn start(register: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (events, receiver) = mpsc::unbounded_channel();
        let (asked, receiver) = (Arc::default(), Arc::new(tokio::sync::Mutex::new(receiver)));
        let notes: Arc<Mutex<Vec<Asked>>> = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, register, Arc::clone(&notes), Arc::clone(&receiver)));
            }
        });
        Self { address, asked, events }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The paths of the requests so far, without what they have in common.
    pub(crate) fn paths(&self) -> Vec<String> {
        let path = |asked: &Asked| asked.line.replace("/2020-01-01/extension/", "").replace(" HTTP/1.1", "");
        self.asked().iter().map(path).collect()
    }

    /// Lets `next` answer with an event.
    pub(crate) fn event(&self, body: &str) {
        self.events.send((200, body.into())).unwrap();
    }
}

type Events = Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<(u16, String)>>>;

async fn serve(mut socket: TcpStream, register: u16, notes: Arc<Mutex<Vec<Asked>>>, events: Events) {
    let Some(asked) = read(&mut socket).await else { return };
    let path = asked.line.clone();
    notes.lock().unwrap().push(asked);
    let (status, body) = if path.contains("register") {
        (
            register,
            r#"{"functionName": "reports", "functionVersion": "$LATEST", "handler": "index.handler"}"#.to_owned(),
        )
    } else if path.contains("event/next") {
        // A status of 0 stands for a connection that breaks.
        match events.lock().await.recv().await {
            Some((0, _)) | None => return,
            Some(event) => event,
        }
    } else {
        (202, r#"{"status": "OK"}"#.to_owned())
    };
    let identifier =
        if status == 200 { format!("Lambda-Extension-Identifier: {IDENTIFIER}\r\n") } else { String::new() };
    let answer = format!("HTTP/1.1 {status} X\r\n{identifier}Content-Length: {}\r\n\r\n{body}", body.len());
    let _ = socket.write_all(answer.as_bytes()).await;
}

async fn read(socket: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let mut lines = head.split("\r\n");
            let line = lines.next()?.to_owned();
            let headers: Vec<_> = lines
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect();
            let length =
                headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, n)| n.parse().unwrap());
            if body.len() >= length {
                return Some(Asked { line, headers, body: body.to_owned() });
            }
        }
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
