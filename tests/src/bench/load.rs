//! Callers that send the same request over and over, each on a connection of its own, each as soon as it was answered.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::backend::{BODY, end_of_head};

/// Far longer than any answer takes that is still to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// Open connections to one listener.
#[derive(Debug)]
pub(super) struct Load {
    callers: Vec<Caller>,
}

#[derive(Debug)]
struct Caller {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Load {
    pub(super) fn open(address: SocketAddr, request: &[u8], connections: usize) -> io::Result<Self> {
        let caller = |_| Caller::open(address, request);
        Ok(Self { callers: (0..connections).map(caller).collect::<io::Result<_>>()? })
    }

    /// Calls until the time is up and every call was answered; how many were.
    pub(super) fn run(&mut self, time: Duration) -> io::Result<u64> {
        let until = Instant::now() + time;
        thread::scope(|scope| {
            let running: Vec<_> =
                self.callers.iter_mut().map(|caller| scope.spawn(move || caller.call_until(until))).collect();
            let broken = |_| io::Error::other("a caller panicked");
            running.into_iter().map(|caller| caller.join().map_err(broken)?).sum()
        })
    }
}

impl Caller {
    fn open(address: SocketAddr, request: &[u8]) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, request: request.to_vec(), answer: vec![0; 16 * 1024] })
    }

    fn call_until(&mut self, until: Instant) -> io::Result<u64> {
        let mut calls = 0;
        while Instant::now() < until {
            self.call()?;
            calls += 1;
        }
        Ok(calls)
    }

    fn call(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.request)?;
        let mut filled = 0;
        loop {
            let read = self.stream.read(self.answer.get_mut(filled..).unwrap_or_default())?;
            filled += read;
            let answer = self.answer.get(..filled).unwrap_or_default();
            if answer.ends_with(BODY) && answer.starts_with(b"HTTP/1.1 200 ") && end_of_head(answer).is_some() {
                return Ok(());
            }
            let refused = filled >= 13 && !answer.starts_with(b"HTTP/1.1 200 ");
            if read == 0 || refused {
                return Err(io::Error::other(format!("answered by {:?}", String::from_utf8_lossy(answer))));
            }
        }
    }
}
