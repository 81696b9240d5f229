//! The network load balancer before the gateway: it says who the client is, carries bytes, remembers what anybody on the way
//! could read, and can forget connections without a word, as real ones do with those that were idle for too long.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use crate::router::Hello;
use crate::router::hello::whole_hello;

/// How long the tasks of connections may take to heed a word.
const PROMPTLY: Duration = Duration::from_secs(30);
/// How much of a connection is remembered, in each direction.
const MOST_REMEMBERED: usize = 1 << 16;
/// The extension of a hello that names the server (RFC 6066, section 3).
const SERVER_NAME: u16 = 0;

/// A running load balancer.
pub(super) struct Balancer {
    address: SocketAddr,
    inner: Arc<Inner>,
    // Shut down when dropped, and all connections with it.
    _runtime: Runtime,
}

struct Inner {
    gateway: SocketAddr,
    passages: Mutex<Vec<Arc<Passage>>>,
    open: AtomicUsize,
    /// Counts how often connections were forgotten.
    forgotten: watch::Sender<u64>,
}

/// One connection, as seen on the way.
#[derive(Default)]
pub(super) struct Passage {
    up: Mutex<Vec<u8>>,
    down: Mutex<Vec<u8>>,
}

impl Balancer {
    /// Starts it on a free port.
    pub(super) fn start(gateway: SocketAddr) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("balancer").enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        let inner = Arc::new(Inner {
            gateway,
            passages: Mutex::default(),
            open: AtomicUsize::new(0),
            forgotten: watch::Sender::new(0),
        });
        runtime.spawn(accept(listener, Arc::clone(&inner)));
        Ok(Self { address, inner, _runtime: runtime })
    }

    /// Where clients connect.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// All connections so far.
    pub(super) fn passages(&self) -> Vec<Arc<Passage>> {
        locked(&self.inner.passages).clone()
    }

    /// Forgets every connection: its two ends hear nothing of it, and what they send from now on is lost. Returns how many
    /// there were.
    pub(super) fn forget(&self) -> usize {
        let open = self.inner.open.load(Ordering::SeqCst);
        self.inner.forgotten.send_modify(|times| *times += 1);
        let deadline = Instant::now() + PROMPTLY;
        while self.inner.open.load(Ordering::SeqCst) > 0 {
            assert!(Instant::now() < deadline, "the load balancer does not forget");
            thread::sleep(Duration::from_millis(1));
        }
        open
    }
}

impl Passage {
    /// The name that the client asked for.
    pub(super) fn name(&self) -> Option<String> {
        let up = locked(&self.up);
        let hello = Hello::parse(up.get(..whole_hello(&up)?)?)?;
        // A list of one name: two bytes of length, its type, two bytes of length, the name.
        let name = hello.extension(SERVER_NAME)?.get(5..)?;
        Some(String::from_utf8_lossy(name).into_owned())
    }

    /// How many bytes passed, as far as they are remembered.
    pub(super) fn bytes(&self) -> usize {
        locked(&self.up).len() + locked(&self.down).len()
    }

    /// Whether anybody on the way could have read this.
    pub(super) fn shows(&self, text: &str) -> bool {
        let shows = |bytes: &[u8]| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        shows(&locked(&self.up)) || shows(&locked(&self.down))
    }
}

async fn accept(listener: TcpListener, inner: Arc<Inner>) {
    while let Ok((client, from)) = listener.accept().await {
        let inner = Arc::clone(&inner);
        let passage = Arc::<Passage>::default();
        locked(&inner.passages).push(Arc::clone(&passage));
        tokio::spawn(async move {
            let mut forgotten = inner.forgotten.subscribe();
            forgotten.mark_unchanged();
            inner.open.fetch_add(1, Ordering::SeqCst);
            let (mut client, mut gateway) = (client, None);
            tokio::select! {
                biased;
                _ = forgotten.changed() => {
                    inner.open.fetch_sub(1, Ordering::SeqCst);
                    // Neither end is told. Both sockets are kept until the demo ends.
                    std::future::pending::<()>().await;
                }
                _ = carry(&mut client, &mut gateway, from, &inner, &passage) => {
                    inner.open.fetch_sub(1, Ordering::SeqCst);
                }
            }
        });
    }
}

async fn carry(
    client: &mut TcpStream,
    gateway: &mut Option<TcpStream>,
    from: SocketAddr,
    inner: &Inner,
    passage: &Passage,
) -> io::Result<()> {
    let gateway = gateway.insert(TcpStream::connect(inner.gateway).await?);
    client.set_nodelay(true)?;
    gateway.set_nodelay(true)?;
    // Version 1 of the PROXY protocol.
    let (to, here) = (inner.gateway, client.local_addr()?);
    let header = format!("PROXY TCP4 {} {} {} {}\r\n", from.ip(), to.ip(), from.port(), here.port());
    gateway.write_all(header.as_bytes()).await?;
    let ((client_reads, client_writes), (gateway_reads, gateway_writes)) = (client.split(), gateway.split());
    let up = pump(client_reads, gateway_writes, &passage.up);
    let down = pump(gateway_reads, client_writes, &passage.down);
    tokio::try_join!(up, down).map(drop)
}

/// Until one end has said all.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    remembered: &Mutex<Vec<u8>>,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        let new = &buffer[..length];
        {
            let mut remembered = locked(remembered);
            let room = MOST_REMEMBERED.saturating_sub(remembered.len());
            remembered.extend(new.iter().take(room));
        }
        to.write_all(new).await?;
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net;

    use super::*;
    use crate::router::{PROXY_HEADER, Recorded};

    const PATIENCE: Duration = Duration::from_secs(30);

    fn pair() -> (Balancer, net::TcpStream, net::TcpStream) {
        let gateway = net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let balancer = Balancer::start(gateway.local_addr().unwrap()).unwrap();
        let client = net::TcpStream::connect(balancer.address()).unwrap();
        let (behind, _) = gateway.accept().unwrap();
        behind.set_read_timeout(Some(PATIENCE)).unwrap();
        (balancer, client, behind)
    }

    #[test]
    fn the_gateway_is_told_who_the_client_is_and_gets_its_bytes() {
        let (balancer, mut client, mut behind) = pair();
        let hello = Recorded::Go.hello().named("staging.ledger.mesh.example.com").to_bytes();
        client.write_all(&hello).unwrap();
        let from = client.local_addr().unwrap();
        let mut header = Vec::new();
        while !header.ends_with(b"\r\n") {
            let mut byte = [0];
            behind.read_exact(&mut byte).unwrap();
            header.extend(byte);
        }
        let header = String::from_utf8(header).unwrap();
        assert!(header.starts_with(&format!("PROXY TCP4 127.0.0.1 127.0.0.1 {} ", from.port())), "{header}");
        assert_eq!(header.split(' ').count(), String::from_utf8_lossy(PROXY_HEADER).split(' ').count());
        let mut arrived = vec![0; hello.len()];
        behind.read_exact(&mut arrived).unwrap();
        assert_eq!(arrived, hello);
        let passage = balancer.passages().pop().unwrap();
        assert_eq!(passage.name().as_deref(), Some("staging.ledger.mesh.example.com"));
        assert!(passage.shows("staging.ledger") && !passage.shows("staging.reports"));
    }

    #[test]
    fn a_forgotten_connection_is_silent_at_both_ends() {
        let (balancer, mut client, mut behind) = pair();
        client.write_all(b"before").unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(b"before") {
            let mut byte = [0];
            behind.read_exact(&mut byte).unwrap();
            seen.extend(byte);
        }
        assert_eq!(balancer.forget(), 1);
        client.write_all(b"after").unwrap();
        let short = Some(Duration::from_millis(300));
        behind.set_read_timeout(short).unwrap();
        client.set_read_timeout(short).unwrap();
        for end in [&mut behind, &mut client] {
            let kind = end.read(&mut [0]).unwrap_err().kind();
            assert!(matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut), "{kind:?}");
        }
        assert_eq!(balancer.forget(), 0);
    }
}
