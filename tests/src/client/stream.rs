//! Bytes over TCP or TLS, with one deadline for everything that is in progress.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::Error;

pub(super) struct Stream {
    wire: Wire,
    deadline: Instant,
    /// Read, but not asked for yet.
    ahead: Vec<u8>,
    /// Whether anything has come since the last restart.
    started: bool,
}

enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream { .. }")
    }
}

impl Stream {
    pub(super) fn open(
        address: SocketAddr,
        tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
        timeout: Duration,
    ) -> Result<Self, Error> {
        let deadline = Instant::now() + timeout;
        let tcp = TcpStream::connect_timeout(&address, timeout).map_err(Error::Connect)?;
        tcp.set_nodelay(true).map_err(Error::Connect)?;
        let wire = match tls {
            None => Wire::Plain(tcp),
            Some((config, name)) => {
                let session = ClientConnection::new(config, name).map_err(|error| Error::Setup(error.to_string()))?;
                Wire::Tls(Box::new(StreamOwned::new(session, tcp)))
            }
        };
        Ok(Self { wire, deadline, ahead: Vec::new(), started: false })
    }

    /// A new deadline, for the next request.
    pub(super) fn restart(&mut self, timeout: Duration) {
        self.deadline = Instant::now() + timeout;
        self.started = !self.ahead.is_empty();
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.arm()?;
        let result = match &mut self.wire {
            Wire::Plain(tcp) => tcp.write_all(bytes),
            Wire::Tls(tls) => tls.write_all(bytes).and_then(|()| tls.flush()),
        };
        result.map_err(classify)
    }

    /// A line without its end.
    pub(super) fn line(&mut self) -> Result<String, Error> {
        loop {
            if let Some(end) = self.ahead.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.ahead.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned());
            }
            if self.more()? == 0 {
                return Err(if self.started { Error::Truncated { received: 0 } } else { Error::Closed });
            }
        }
    }

    pub(super) fn exactly(&mut self, count: usize, into: &mut Vec<u8>) -> Result<(), Error> {
        while self.ahead.len() < count {
            if self.more()? == 0 {
                return Err(Error::Truncated { received: into.len() + self.ahead.len() });
            }
        }
        into.extend(self.ahead.drain(..count));
        Ok(())
    }

    /// Everything up to these bytes, with them.
    pub(super) fn until(&mut self, marker: &[u8]) -> Result<Vec<u8>, Error> {
        loop {
            if let Some(at) = self.ahead.windows(marker.len()).position(|bytes| bytes == marker) {
                return Ok(self.ahead.drain(..at + marker.len()).collect());
            }
            if self.more()? == 0 {
                return Err(Error::Truncated { received: self.ahead.len() });
            }
        }
    }

    pub(super) fn rest(&mut self, into: &mut Vec<u8>) -> Result<(), Error> {
        while self.more()? > 0 {}
        into.append(&mut self.ahead);
        Ok(())
    }

    /// Reads some; 0 at the end, with or without TLS's farewell.
    fn more(&mut self) -> Result<usize, Error> {
        self.arm()?;
        let mut buffer = [0; 16 * 1024];
        let result = match &mut self.wire {
            Wire::Plain(tcp) => tcp.read(&mut buffer),
            Wire::Tls(tls) => tls.read(&mut buffer),
        };
        let count = match result {
            Ok(count) => count,
            Err(error) if ends(error.kind()) => 0,
            Err(error) => return Err(classify(error)),
        };
        self.started |= count > 0;
        self.ahead.extend(&buffer[..count]);
        Ok(count)
    }

    fn arm(&self) -> Result<(), Error> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Error::Timeout);
        }
        let tcp = match &self.wire {
            Wire::Plain(tcp) => tcp,
            Wire::Tls(tls) => &tls.sock,
        };
        tcp.set_read_timeout(Some(left)).and_then(|()| tcp.set_write_timeout(Some(left))).map_err(Error::Io)
    }
}

fn ends(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted)
}

fn classify(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Error::Timeout,
        _ => Error::Io(error),
    }
}
