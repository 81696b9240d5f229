//! Apps behind the gateway: what stands where an app's own Envoy would, and remembers who came.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::hello::whole_hello;
use crate::pki::Identity;

/// What a visitor says to have the app end its own half of the connection, and go on listening.
pub const HANG_UP: &str = "say no more";

/// How much of what a visitor says is remembered.
const MOST_REMEMBERED: usize = 1 << 16;

/// The apps of a test, on a runtime of their own.
#[derive(Debug)]
pub struct Apps {
    runtime: Runtime,
}

/// One app. It tells each visitor its name, and then sends back whatever it hears.
#[derive(Debug)]
pub struct App {
    name: String,
    address: SocketAddr,
    visits: Visits,
    serving: JoinHandle<()>,
}

type Visits = Arc<Mutex<Vec<Arc<Mutex<Vec<u8>>>>>>;

impl Apps {
    /// None yet.
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        Self { runtime: runtime.expect("a runtime") }
    }

    /// An app that does not speak TLS: it tells its name as soon as it hears anything, and sends back what comes behind
    /// the hello. So one sees what arrives byte for byte, and any hello will do.
    pub fn plain(&self, name: &str) -> App {
        self.serve(name, None, listen(Ipv4Addr::LOCALHOST.into(), 0))
    }

    /// An app that speaks TLS as its certificate says.
    pub fn tls(&self, name: &str, identity: &Identity) -> App {
        self.serve(name, Some(acceptor(identity)), listen(Ipv4Addr::LOCALHOST.into(), 0))
    }

    /// A plain app on an address that [`App::stop`] or [`Apps::nobody`] left.
    pub fn plain_at(&self, name: &str, address: SocketAddr) -> App {
        self.serve(name, None, listen(address.ip(), address.port()))
    }

    /// An address that refuses every connection, for as long as the socket is kept.
    pub fn nobody(&self) -> (TcpSocket, SocketAddr) {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
        let address = socket.local_addr().expect("an address");
        (socket, address)
    }

    fn serve(&self, name: &str, tls: Option<TlsAcceptor>, listener: impl FnOnce() -> TcpListener) -> App {
        let listener = {
            let _entered = self.runtime.enter();
            listener()
        };
        let address = listener.local_addr().expect("an address");
        let visits = Visits::default();
        let accepting = accept(listener, name.to_owned(), tls, Arc::clone(&visits));
        App { name: name.into(), address, visits, serving: self.runtime.spawn(accepting) }
    }
}

impl Default for Apps {
    fn default() -> Self {
        Self::new()
    }
}

impl App {
    /// What it tells its visitors.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections it ever had.
    pub fn visits(&self) -> usize {
        locked(&self.visits).len()
    }

    /// What each visitor said, from the first byte on; of a TLS app, what was inside.
    pub fn heard(&self) -> Vec<Vec<u8>> {
        locked(&self.visits).iter().map(|heard| locked(heard).clone()).collect()
    }

    /// Takes no more connections. Those that it has go on.
    pub fn stop(self) -> SocketAddr {
        self.serving.abort();
        self.address
    }
}

async fn accept(listener: TcpListener, name: String, tls: Option<TlsAcceptor>, visits: Visits) {
    while let Ok((socket, _)) = listener.accept().await {
        let heard = Arc::default();
        locked(&visits).push(Arc::clone(&heard));
        let (name, tls) = (name.clone(), tls.clone());
        tokio::spawn(async move {
            match tls {
                None => host(socket, &name, &heard, false).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(socket).await {
                        host(stream, &name, &heard, true).await;
                    }
                }
            }
        });
    }
}

/// Tells the name, sends back what it hears (but see [`HANG_UP`]), and when the visitor has said all, tells how much that was.
async fn host(mut stream: impl AsyncRead + AsyncWrite + Unpin, name: &str, heard: &Mutex<Vec<u8>>, greets: bool) {
    let mut greeted = greets;
    if greets && stream.write_all(format!("{name}\n").as_bytes()).await.is_err() {
        return;
    }
    // Up to where what is heard was answered, or was a hello.
    let mut answered = greets.then_some(0);
    let mut total = 0;
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(length) = stream.read(&mut buffer).await else { return };
        let new = &buffer[..length];
        total += length;
        let echo = {
            let mut heard = locked(heard);
            let room = MOST_REMEMBERED.saturating_sub(heard.len());
            heard.extend(new.iter().take(room));
            match answered {
                Some(_) => new.to_vec(),
                None => {
                    answered = whole_hello(&heard);
                    answered.map(|end| heard[end..].to_vec()).unwrap_or_default()
                }
            }
        };
        if length == 0 {
            let _ = stream.write_all(format!("{total} bytes\n").as_bytes()).await;
            let _ = stream.shutdown().await;
            return;
        }
        if !greeted {
            greeted = true;
            if stream.write_all(format!("{name}\n").as_bytes()).await.is_err() {
                return;
            }
        }
        let hangs_up = echo == HANG_UP.as_bytes();
        let said = if hangs_up { stream.shutdown().await } else { stream.write_all(&echo).await };
        if said.is_err() {
            return;
        }
    }
}

fn listen(ip: IpAddr, port: u16) -> impl FnOnce() -> TcpListener {
    move || {
        let socket = TcpSocket::new_v4().expect("a socket");
        // Connections to whoever had the port before may not be forgotten yet.
        socket.set_reuseaddr(true).expect("a socket option");
        socket.bind((ip, port).into()).expect("an address of our own");
        // Thousands may come at once.
        socket.listen(4096).expect("a listening socket")
    }
}

fn acceptor(identity: &Identity) -> TlsAcceptor {
    let chain = CertificateDer::pem_slice_iter(identity.certificate_pem.as_bytes());
    let chain = chain.collect::<Result<Vec<_>, _>>().expect("certificates");
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().expect("TLS versions");
    let config = builder.with_no_client_auth().with_single_cert(chain, key).expect("an identity");
    TlsAcceptor::from(Arc::new(config))
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
