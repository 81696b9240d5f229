//! What goes through a gateway: hellos of a real client, the apps that answer them, and clients that come and go.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::mesh;
use crate::router::PostQuantumSized;

/// Apps behind the gateway.
pub(super) const APPS: usize = 10;
/// Far longer than any connection takes that still comes about.
const PATIENCE: Duration = Duration::from_secs(30);
/// From one client to the next; it has no factor in common with any number of names, so that all have their turn, and none
/// is near the one before.
const STRIDE: usize = 7919;

/// The name that stands at this place of a table. All are of one length.
pub(super) fn name(place: usize) -> String {
    mesh::sni("staging", &format!("app-{place:05}"))
}

/// The app that a name leads to.
pub(super) fn app_of(place: usize) -> usize {
    place % APPS
}

/// What rustls sends when it asks for this name, with a key share as large as post-quantum ones are.
pub(super) fn hello(name: &str) -> Result<Vec<u8>, String> {
    let failed = |e: &dyn std::error::Error| format!("a hello for {name}: {e}");
    let mut provider = ring::default_provider();
    provider.kx_groups.insert(0, &PostQuantumSized);
    let config = ClientConfig::builder_with_provider(Arc::new(provider)).with_safe_default_protocol_versions();
    let mut config =
        config.map_err(|e| failed(&e))?.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let server = ServerName::try_from(name.to_owned()).map_err(|e| failed(&e))?;
    let mut client = ClientConnection::new(Arc::new(config), server).map_err(|e| failed(&e))?;
    let mut hello = Vec::new();
    client.write_tls(&mut hello).map_err(|e| failed(&e))?;
    Ok(hello)
}

/// The apps. They speak no TLS, so that the gateway is what is measured: each answers the first bytes of a connection with
/// its own number, and ends a connection when the client has.
pub(super) async fn start_apps() -> io::Result<Vec<SocketAddr>> {
    let mut addresses = Vec::new();
    for number in 0..APPS {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let listener = socket.listen(4096)?;
        addresses.push(listener.local_addr()?);
        tokio::spawn(accept(listener, number_of(number)));
    }
    Ok(addresses)
}

async fn accept(listener: TcpListener, number: u8) {
    loop {
        match listener.accept().await {
            // A connection that breaks is noticed by its client.
            Ok((stream, _)) => drop(tokio::spawn(serve(stream, number))),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn serve(mut stream: TcpStream, number: u8) -> io::Result<()> {
    let mut buffer = [0; 4096];
    if stream.read(&mut buffer).await? > 0 {
        stream.write_all(&[number]).await?;
        while stream.read(&mut buffer).await? > 0 {}
    }
    Ok(())
}

fn number_of(app: usize) -> u8 {
    u8::try_from(app).unwrap_or(u8::MAX)
}

/// Clients of one gateway.
#[derive(Clone, Debug)]
pub(super) struct Clients {
    address: SocketAddr,
    hellos: Arc<Vec<Vec<u8>>>,
    next: Arc<AtomicUsize>,
}

impl Clients {
    /// Clients that ask for the names of these hellos by turns.
    pub(super) fn new(address: SocketAddr, hellos: Arc<Vec<Vec<u8>>>) -> Self {
        Self { address, hellos, next: Arc::default() }
    }

    /// Connects again and again, so many at once, until the time is up and every connection has ended; how many there were.
    pub(super) async fn come_and_go(&self, at_once: usize, time: Duration) -> io::Result<u64> {
        let until = Instant::now() + time;
        let mut all = JoinSet::new();
        for _ in 0..at_once {
            let clients = self.clone();
            all.spawn(async move {
                let mut visits = 0;
                while Instant::now() < until {
                    clients.visit().await?;
                    visits += 1;
                }
                io::Result::Ok(visits)
            });
        }
        let mut sum = 0;
        let in_time = tokio::time::timeout(time + PATIENCE, async {
            while let Some(visits) = all.join_next().await {
                sum += visits??;
            }
            io::Result::Ok(sum)
        });
        in_time.await?
    }

    /// Connects so many times, and stays.
    pub(super) async fn stay(&self, number: usize) -> io::Result<Vec<TcpStream>> {
        let mut streams = Vec::with_capacity(number);
        for _ in 0..number {
            streams.push(tokio::time::timeout(PATIENCE, self.arrive()).await??);
        }
        Ok(streams)
    }

    /// One connection from its beginning to its end.
    async fn visit(&self) -> io::Result<()> {
        let mut stream = self.arrive().await?;
        stream.shutdown().await?;
        match stream.read(&mut [0]).await? {
            0 => Ok(()),
            _ => Err(io::Error::other("an app says more than it should")),
        }
    }

    /// A connection to the right app.
    async fn arrive(&self) -> io::Result<TcpStream> {
        let place = self.next.fetch_add(STRIDE, Ordering::Relaxed) % self.hellos.len().max(1);
        let hello = self.hellos.get(place).map(Vec::as_slice).unwrap_or_default();
        let mut stream = TcpStream::connect(self.address).await?;
        stream.write_all(hello).await?;
        let mut answer = [0];
        match stream.read(&mut answer).await? {
            0 => Err(io::Error::other(format!("{} was closed", name(place)))),
            _ if answer == [number_of(app_of(place))] => Ok(stream),
            _ => Err(io::Error::other(format!("{} came out at app {}", name(place), answer[0]))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::Hello;
    use crate::router::hello::{KEY_SHARE, SERVER_NAME};

    #[test]
    fn a_hello_is_of_the_size_of_a_post_quantum_one_and_asks_for_its_name() {
        let bytes = hello(&name(17)).unwrap();
        assert!((1400..2000).contains(&bytes.len()), "{} bytes", bytes.len());
        let hello = Hello::parse(&bytes).unwrap();
        assert!(hello.extension(KEY_SHARE).unwrap().len() > 1216);
        assert!(hello.extension(SERVER_NAME).unwrap().ends_with(b"staging.app-00017.mesh.example.com"));
        assert_eq!(bytes.len(), super::hello(&name(9999)).unwrap().len());
    }

    #[test]
    fn who_comes_out_at_another_app_is_told() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let apps = start_apps().await.unwrap();
            // Without a gateway between them, only the first name leads to the first app.
            let hellos: Arc<Vec<_>> = Arc::new((0..2).map(|place| hello(&name(place)).unwrap()).collect());
            let right = Clients::new(apps[0], Arc::new(vec![hellos[0].clone()]));
            assert!(right.come_and_go(2, Duration::from_millis(1)).await.unwrap() >= 2);
            assert_eq!(right.stay(3).await.unwrap().len(), 3);
            let wrong = Clients::new(apps[0], hellos);
            let told = wrong.stay(2).await.unwrap_err().to_string();
            assert!(told.contains("came out at app 0"), "{told}");
        });
    }
}
