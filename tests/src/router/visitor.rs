//! Clients of the gateway that send exactly the given bytes, and see where they have come.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// What the load balancer puts in front: version 1 of the PROXY protocol, with an address that is nobody's (RFC 5737).
pub const PROXY_HEADER: &[u8] = b"PROXY TCP4 203.0.113.9 192.0.2.1 50000 8443\r\n";

/// Longer than anything takes on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a connection came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// At the app of this name.
    Reached(String),
    /// Nowhere: it was closed, and no byte came back.
    Closed,
}

impl Outcome {
    /// At the app of this name.
    pub fn reached(app: &str) -> Self {
        Self::Reached(app.into())
    }
}

/// One connection.
#[derive(Debug)]
pub struct Visitor {
    stream: TcpStream,
}

impl Visitor {
    /// Connects, as the load balancer does on behalf of a client.
    pub fn connect(gateway: SocketAddr) -> Self {
        let mut visitor = Self::bare(gateway);
        visitor.send(PROXY_HEADER);
        visitor
    }

    /// Connects, and says nothing.
    pub fn bare(gateway: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&gateway, PATIENCE).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket option");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket option");
        stream.set_nodelay(true).expect("a socket option");
        Self { stream }
    }

    /// Sends it. Whether the other end is still there shows when something is read.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        match self.stream.write_all(bytes.as_ref()) {
            Err(e) if !is_end(&e) => panic!("nothing could be sent: {e}"),
            _ => self,
        }
    }

    /// Sends it in segments of so many bytes each.
    pub fn send_in(&mut self, segment: usize, bytes: impl AsRef<[u8]>) -> &mut Self {
        for segment in bytes.as_ref().chunks(segment) {
            self.send(segment);
        }
        self
    }

    /// Reads the name of the app that was reached, or finds that the connection was closed.
    ///
    /// # Panics
    /// When neither comes about.
    pub fn outcome(&mut self) -> Outcome {
        match self.line() {
            Some(name) => Outcome::Reached(name),
            None => Outcome::Closed,
        }
    }

    /// The next line; `None` when the connection ends instead.
    pub fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        let mut byte = [0];
        loop {
            match self.stream.read(&mut byte) {
                Ok(0) if line.is_empty() => return None,
                Ok(0) => panic!("the connection ended within a line: {:?}", String::from_utf8_lossy(&line)),
                Ok(_) if byte == *b"\n" => return Some(String::from_utf8_lossy(&line).into_owned()),
                Ok(_) => line.extend(byte),
                Err(e) if is_end(&e) => return None,
                Err(e) => panic!("neither a line nor an end: {e}"),
            }
        }
    }

    /// Whether a text that is sent comes back.
    pub fn echoes(&mut self, text: &str) -> bool {
        self.send(format!("{text}\n"));
        self.line().as_deref() == Some(text)
    }

    /// Says that nothing more will come from here.
    pub fn finish(&mut self) -> &mut Self {
        match self.stream.shutdown(Shutdown::Write) {
            Err(e) if !is_end(&e) => panic!("the connection could not be shut down: {e}"),
            _ => self,
        }
    }

    /// Whether the other end has ended the connection by now. Reads nothing.
    pub fn is_open(&self) -> bool {
        self.stream.set_nonblocking(true).expect("a socket option");
        let peeked = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false).expect("a socket option");
        match peeked {
            Ok(0) => false,
            Ok(_) => true,
            Err(e) => e.kind() == ErrorKind::WouldBlock,
        }
    }
}

/// What one finds when the other end is gone.
fn is_end(e: &io::Error) -> bool {
    matches!(
        e.kind(),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe | ErrorKind::NotConnected
    )
}
