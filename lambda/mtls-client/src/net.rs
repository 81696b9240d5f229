//! TCP connections by name.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

/// Shorter tries would give up on addresses that are merely far away.
const SHORTEST_TRY: Duration = Duration::from_millis(300);

/// Resolves the name and connects to the first of its addresses that answers, in the resolver's order. Each gets its share
/// of the limit, so that one which swallows packets, as that of a zone that is down, leaves time for the others.
pub(crate) async fn reach(host: &str, port: u16, limit: Duration) -> io::Result<TcpStream> {
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
    connect_first(&addresses, limit).await
}

async fn connect_first(addresses: &[SocketAddr], limit: Duration) -> io::Result<TcpStream> {
    let share = (limit / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX)).max(SHORTEST_TRY);
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => {
                // Small requests must not wait for a segment to fill. If it cannot be set, they only are slower.
                let _ = tcp.set_nodelay(true);
                return Ok(tcp);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = io::Error::new(io::ErrorKind::TimedOut, format!("{address} did not answer")),
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    fn loopback() -> SocketAddr {
        ([127, 0, 0, 1], 0).into()
    }

    #[tokio::test]
    async fn an_address_that_refuses_or_swallows_leaves_time_for_the_next() {
        let refusing = TcpListener::bind(loopback()).await.unwrap().local_addr().unwrap();
        // A queue that is full and never accepted from: further connections get no answer.
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(loopback()).unwrap();
        let swallowing = socket.listen(1).unwrap();
        let swallower = swallowing.local_addr().unwrap();
        let mut queue = Vec::new();
        while let Ok(tcp) = timeout(Duration::from_millis(500), TcpStream::connect(swallower)).await {
            queue.push(tcp.unwrap());
        }
        let listener = TcpListener::bind(loopback()).await.unwrap();
        let good = listener.local_addr().unwrap();
        let tcp = connect_first(&[refusing, swallower, good], Duration::from_secs(1)).await.unwrap();
        assert_eq!(tcp.peer_addr().unwrap(), good);
        let error = connect_first(&[swallower], Duration::ZERO).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(connect_first(&[refusing], LIMIT).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(connect_first(&[], LIMIT).await.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
