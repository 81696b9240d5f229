//! Takes connections, a bounded number at once, and lets them end in peace.

use std::convert::Infallible;
use std::fs::{DirBuilder, Permissions};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::HeaderValue;
use http::header::CONNECTION;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::{Door, Proxy};
use crate::calls::Calls;
use crate::config::Listen;
use crate::gate::{Gated, MAX_HEAD};
use crate::token::private_directory;

/// Connections that wait to be taken; a herd of cold requests comes all at once.
const BACKLOG: u32 = 1024;
/// Between two tries when there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Where requests come in.
#[derive(Debug)]
pub(crate) struct Listeners {
    tcp: TcpListener,
    /// The same port of ::1, where there is one: `localhost` is first looked for there.
    tcp6: Option<TcpListener>,
    unix: Option<(UnixListener, SocketFile)>,
    port: u16,
}

/// The socket's file, removed at the end.
#[derive(Debug)]
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Listeners {
    /// Binds both, TCP first: where that succeeds no other proxy lives that the socket could be taken from.
    ///
    /// # Errors
    /// In words, with the remedy.
    pub(crate) fn bind(listen: &Listen) -> Result<Self, String> {
        let tcp = bind_tcp((Ipv4Addr::LOCALHOST, listen.port).into()).map_err(|e| {
            format!(
                "cannot listen on 127.0.0.1:{}: {e}; give listen.port (or MESHBRIDGE_PROXY) another port",
                listen.port
            )
        })?;
        let port = tcp.local_addr().map_err(|e| format!("cannot tell the port: {e}"))?.port();
        let tcp6 = bind_tcp((Ipv6Addr::LOCALHOST, port).into()).ok();
        let unix = match &listen.unix {
            None => None,
            Some(path) => Some(bind_unix(path).map_err(|e| {
                format!("cannot listen on {}: {e}; give listen.unix another path, or null", path.display())
            })?),
        };
        Ok(Self { tcp, tcp6, unix, port })
    }

    /// The port that was bound.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A proxy that is started again takes over from one that was killed.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The socket is made in a directory of its own, so that its mode is right before anybody can reach it, and then moved to
/// its place, over what a killed proxy left there.
fn bind_unix(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    let nursery = private_directory(path)?.join(format!(".{}", std::process::id()));
    match std::fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is something else than a socket"));
        }
        _ => {}
    }
    let made = nursery.join("s");
    // What a killed process of the same number left. A directory that somebody else made stays, and is not used.
    let _ = std::fs::remove_file(&made);
    let _ = std::fs::remove_dir(&nursery);
    DirBuilder::new().mode(0o700).create(&nursery)?;
    let bound = UnixListener::bind(&made).and_then(|listener| {
        std::fs::set_permissions(&made, Permissions::from_mode(0o600))?;
        std::fs::rename(&made, path)?;
        Ok((listener, SocketFile(path.to_path_buf())))
    });
    let _ = std::fs::remove_file(&made);
    let _ = std::fs::remove_dir(&nursery);
    bound
}

/// What connections are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// There is room for all.
    Stay,
    /// Others wait: end after the next answer, or now if none is under way.
    MakeRoom,
    /// All shall end after what they are doing.
    Stop,
}

/// Serves until it is told to stop.
#[derive(Debug)]
pub(crate) struct Server<C> {
    proxy: Arc<Proxy<C>>,
    places: Arc<Semaphore>,
    count: usize,
    word: watch::Sender<Word>,
}

impl<C: Calls> Server<C> {
    /// Of at most so many connections.
    pub(crate) fn new(proxy: Arc<Proxy<C>>, connections: usize) -> Arc<Self> {
        Arc::new(Self {
            proxy,
            places: Arc::new(Semaphore::new(connections)),
            count: connections,
            word: watch::Sender::new(Word::Stay),
        })
    }

    /// Takes connections from both listeners, until [`Server::stop`].
    pub(crate) async fn run(self: Arc<Self>, listeners: Listeners) {
        let Listeners { tcp, tcp6, unix, port } = listeners;
        let mut word = self.word.subscribe();
        let from_unix = async {
            let Some((listener, _)) = &unix else { return std::future::pending().await };
            loop {
                match listener.accept().await {
                    Ok((socket, _)) => self.spawn(socket, Door::Unix, self.place().await),
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                }
            }
        };
        tokio::select! {
            () = self.take_from(&tcp, port) => {}
            () = self.take_from_some(tcp6.as_ref(), port) => {}
            () = from_unix => {}
            _ = word.wait_for(|word| *word == Word::Stop) => {}
        }
    }

    async fn take_from(self: &Arc<Self>, listener: &TcpListener, port: u16) {
        loop {
            match listener.accept().await {
                Ok((socket, _)) => {
                    // A request is one small write; nothing is gained by waiting for more.
                    let _ = socket.set_nodelay(true);
                    self.spawn(socket, Door::Tcp(port), self.place().await);
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    async fn take_from_some(self: &Arc<Self>, listener: Option<&TcpListener>, port: u16) {
        match listener {
            Some(listener) => self.take_from(listener, port).await,
            None => std::future::pending().await,
        }
    }

    /// Lets every connection finish what it is doing, for at most so long.
    pub(crate) async fn stop(&self, limit: Duration) {
        self.word.send_replace(Word::Stop);
        let all = u32::try_from(self.count).unwrap_or(u32::MAX);
        let _ = tokio::time::timeout(limit, self.places.acquire_many(all)).await;
    }

    /// Waits for a free place; meanwhile the connections are asked to make room.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Some(place);
        }
        self.tell(Word::Stay, Word::MakeRoom);
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        self.tell(Word::MakeRoom, Word::Stay);
        place
    }

    fn tell(&self, before: Word, now: Word) {
        self.word.send_if_modified(|word| {
            let changed = *word == before;
            if changed {
                *word = now;
            }
            changed
        });
    }

    fn spawn<S>(self: &Arc<Self>, socket: S, door: Door, place: Option<OwnedSemaphorePermit>)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let proxy = Arc::clone(&self.proxy);
        let word = self.word.subscribe();
        tokio::spawn(async move {
            serve(proxy, socket, door, word).await;
            drop(place);
        });
    }
}

async fn serve<C, S>(proxy: Arc<Proxy<C>>, socket: S, door: Door, word: watch::Receiver<Word>)
where
    C: Calls,
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (socket, verdicts) = Gated::new(socket, proxy.timeouts.head);
    let used = AtomicBool::new(false);
    let service = service_fn(|request| {
        used.store(true, Ordering::Relaxed);
        let (proxy, verdicts, word) = (Arc::clone(&proxy), verdicts.clone(), word.clone());
        async move {
            let mut answer = proxy.handle(request, door, &verdicts).await;
            if *word.borrow() != Word::Stay {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let mut http = http1::Builder::new();
    // The gate holds each head until it is complete, and times it; hyper's own buffer then needs no more than one.
    http.header_read_timeout(None).max_buf_size(2 * MAX_HEAD);
    let mut connection = pin!(http.serve_connection(socket, service));
    let mut heard = word.clone();
    loop {
        tokio::select! {
            // The function went away, or broke a rule that has been answered: neither is a failure of ours.
            _ = connection.as_mut() => return,
            changed = heard.changed() => {
                let now = if changed.is_ok() { *heard.borrow_and_update() } else { Word::Stop };
                // Clients repeat on a connection that was used before, and take a new one that is closed for an outage.
                if now == Word::Stop || (now == Word::MakeRoom && used.load(Ordering::Relaxed)) {
                    connection.as_mut().graceful_shutdown();
                    let _ = connection.await;
                    return;
                }
            }
        }
    }
}
