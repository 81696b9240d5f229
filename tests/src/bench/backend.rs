//! The fastest backend there is: it answers every request with the same few bytes, and shows what one of them was.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// The body of every answer.
pub(super) const BODY: &[u8] = b"ok\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 3\r\n\r\nok\n";
/// Longer than any request of the benchmark.
const LONGEST: usize = 64 * 1024;

/// A server on loopback; it serves until the process ends.
#[derive(Debug)]
pub(super) struct Backend {
    address: SocketAddr,
    /// Whoever wants to see the next request.
    observer: Arc<Mutex<Option<Sender<Vec<u8>>>>>,
}

impl Backend {
    pub(super) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let observer = Arc::new(Mutex::new(None));
        let shared = Arc::clone(&observer);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let observer = Arc::clone(&shared);
                // A connection that ends, ends; Envoy opens another.
                thread::spawn(move || drop(serve(stream, &observer)));
            }
        });
        Ok(Self { address, observer })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the next request will show up, byte for byte.
    pub(super) fn observe(&self) -> Receiver<Vec<u8>> {
        let (sender, receiver) = channel();
        *self.observer.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        receiver
    }
}

fn serve(mut stream: TcpStream, observer: &Mutex<Option<Sender<Vec<u8>>>>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; LONGEST];
    let mut filled = 0;
    loop {
        let read = stream.read(buffer.get_mut(filled..).unwrap_or_default())?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        let request = buffer.get(..filled).unwrap_or_default();
        if !is_complete(request) {
            continue;
        }
        if let Some(observer) = observer.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = observer.send(request.to_vec());
        }
        filled = 0;
        stream.write_all(ANSWER)?;
    }
}

/// Envoy does not pipeline: what has come is one request or the beginning of one.
fn is_complete(request: &[u8]) -> bool {
    let Some(end) = end_of_head(request) else { return false };
    let (head, body) = request.split_at(end);
    let head = String::from_utf8_lossy(head);
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

/// Where the body begins.
pub(super) fn end_of_head(message: &[u8]) -> Option<usize> {
    message.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_complete_with_its_last_byte() {
        let post = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi";
        assert!(is_complete(post));
        assert!((0..post.len()).all(|len| !is_complete(&post[..len])));
        assert!(is_complete(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"));
    }

    #[test]
    fn the_next_request_is_shown_and_every_request_is_answered() {
        let backend = Backend::start().unwrap();
        let seen = backend.observe();
        let mut stream = TcpStream::connect(backend.address()).unwrap();
        let mut answer = vec![0; ANSWER.len()];
        for _ in 0..2 {
            stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
            stream.read_exact(&mut answer).unwrap();
            assert!(answer.ends_with(BODY));
        }
        assert_eq!(seen.recv().unwrap(), b"GET / HTTP/1.1\r\n\r\n");
    }
}
