//! As much of Lambda's Extensions API as the start of an extension meets, on a thread that tells the moment.
//!
//! The complete one, [`crate::lambda`], starts runtimes and looks after processes, which would be measured as well.

use std::io::{self, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Far longer than a start takes that still comes about.
const PATIENCE: Duration = Duration::from_secs(60);
const REGISTERED: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
    lambda-extension-identifier: 8d3a1f5e-6f0b-4c0e-9b0a-0c6f3f1d2e4b\r\ncontent-length: 76\r\n\r\n\
    {\"functionName\":\"reports\",\"functionVersion\":\"$LATEST\",\"handler\":\"index.run\"}";

/// It serves until the process ends.
#[derive(Debug)]
pub(super) struct Api {
    address: SocketAddr,
    registered: Receiver<Instant>,
}

impl Api {
    pub(super) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (tell, registered) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let tell = tell.clone();
                // An extension that is ended breaks its connection.
                thread::spawn(move || drop(serve(stream, &tell)));
            }
        });
        Ok(Self { address, registered })
    }

    /// `AWS_LAMBDA_RUNTIME_API`.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// When the next extension had registered: its answer was under way.
    pub(super) fn registered(&self) -> Result<Instant, String> {
        self.registered.recv_timeout(PATIENCE).map_err(|_| "the extension does not register".into())
    }
}

fn serve(stream: TcpStream, tell: &Sender<Instant>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    loop {
        let (line, body) = head(&mut reader)?;
        if line.is_empty() {
            return Ok(());
        }
        reader.by_ref().take(body).read_to_end(&mut Vec::new())?;
        if line.starts_with("POST /2020-01-01/extension/register ") {
            reader.get_mut().write_all(REGISTERED)?;
            let _ = tell.send(Instant::now());
        }
        // What asks for the next event waits for ever.
    }
}

/// The request line, empty at the end of the connection, and how long the body is.
fn head(reader: &mut impl io::BufRead) -> io::Result<(String, u64)> {
    let (mut first, mut body) = (String::new(), 0);
    reader.read_line(&mut first)?;
    let mut line = String::new();
    while !first.is_empty() && reader.read_line(&mut line)? > 2 {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            body = value.trim().parse().map_err(io::Error::other)?;
        }
        line.clear();
    }
    Ok((first, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registration_is_answered_and_told_and_next_waits() {
        let api = Api::start().unwrap();
        let begun = Instant::now();
        let mut stream = TcpStream::connect(api.address()).unwrap();
        let request =
            b"POST /2020-01-01/extension/register HTTP/1.1\r\nhost: a\r\nContent-Length: 13\r\n\r\n{\"events\":[]}";
        stream.write_all(request).unwrap();
        let mut answer = vec![0; REGISTERED.len()];
        stream.read_exact(&mut answer).unwrap();
        assert!(api.registered().unwrap() >= begun);
        let body = REGISTERED.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        assert_eq!(REGISTERED.len() - body, 76);
        stream.write_all(b"GET /2020-01-01/extension/event/next HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(stream.read(&mut answer).unwrap(), 0);
    }
}
