//! The life of the proxy: bind, make the token, start the fetch, register, then serve until it ends.

use std::future::Future;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

use crate::calls::Calls;
use crate::clock::Clock;
use crate::config::{Config, Invocations};
use crate::journal::Journal;
use crate::lambda::{Api, ApiError, Event, Extension, Fatal, Initialization};
use crate::proxy::{Listeners, Proxy, Server};
use crate::token::Token;

/// What requests get to end when the proxy is told to. (Extensions API: 2 seconds for runtime and extensions together.)
const GRACE: Duration = Duration::from_secs(1);
/// What is left of a shutdown's deadline for the process to go.
const MARGIN: Duration = Duration::from_millis(100);
/// For a report to Lambda, before the process goes.
const REPORT_LIMIT: Duration = Duration::from_secs(1);
/// Between two tries when the connection for `next` broke, and how many there are.
const RETRY_PAUSE: Duration = Duration::from_millis(50);
const RETRIES: u32 = 5;

/// Where the proxy runs.
#[derive(Clone, Debug)]
pub(crate) enum Host {
    /// As an extension.
    Lambda {
        /// The Extensions API.
        api: Api,
        /// The file's name, under which Lambda knows the extension.
        name: String,
        /// Whether a snapshot is taken.
        initialization: Initialization,
    },
    /// On any other machine, in the foreground.
    Foreground,
}

/// Serves until a signal or Lambda ends it.
///
/// # Errors
/// In words, when it cannot begin or go on. Lambda has been told by then.
pub(crate) async fn run<C: Calls>(config: &Config, calls: C, host: &Host) -> Result<(), String> {
    let begun = begin(config, calls);
    match host {
        Host::Foreground => {
            let begun = begun.map_err(|fatal| fatal.message)?;
            wake(&begun.proxy, config).map_err(|fatal| fatal.message)?;
            announce(config, begun.port);
            begun.serve(std::future::pending()).await
        }
        Host::Lambda { api, name, initialization } => {
            let snapshot = *initialization == Initialization::SnapStart;
            let begun = begun.and_then(|begun| {
                if !snapshot {
                    wake(&begun.proxy, config)?;
                }
                Ok(begun)
            });
            let begun = match begun {
                Ok(begun) => begun,
                Err(fatal) => return Err(fail_init(api, name, fatal).await),
            };
            // Under SnapStart the first invocation is the only thing that tells an extension of the restore.
            let all = snapshot || config.invocations == Invocations::Follow;
            let events: &[&str] = if all { &["INVOKE", "SHUTDOWN"] } else { &[] };
            let extension = api.register(name, events).await.map_err(|e| format!("cannot register: {e}"))?;
            let proxy = Arc::clone(&begun.proxy);
            begun.serve(follow(&extension, config, &proxy, snapshot)).await
        }
    }
}

/// Tells Lambda that this extension cannot begin; gives back what to say in the log. A report needs a registration.
pub(crate) async fn fail_init(api: &Api, name: &str, fatal: Fatal) -> String {
    let report = async { api.register(name, &[]).await?.init_error(&fatal).await };
    match tokio::time::timeout(REPORT_LIMIT, report).await {
        Ok(Ok(())) => fatal.message,
        Ok(Err(error)) => format!("{}\n(and Lambda could not be told: {error})", fatal.message),
        Err(_) => format!("{}\n(and Lambda could not be told in time)", fatal.message),
    }
}

/// What is there before anybody is told.
struct Begun<C> {
    proxy: Arc<Proxy<C>>,
    server: Arc<Server<C>>,
    port: u16,
    serving: JoinHandle<()>,
    signals: [Signal; 2],
    token_file: PathBuf,
}

/// From here on connections are taken; their requests wait until the proxy is awake.
fn begin<C: Calls>(config: &Config, calls: C) -> Result<Begun<C>, Fatal> {
    let listeners =
        Listeners::bind(&config.listen).map_err(|message| Fatal { kind: "Extension.ListenFailed", message })?;
    let ended_by =
        |kind| signal(kind).map_err(|e| Fatal { kind: "Extension.UnknownReason", message: format!("no signals: {e}") });
    let signals = [ended_by(SignalKind::terminate())?, ended_by(SignalKind::interrupt())?];
    let (app, environment) = (config.app.as_str(), config.environment.as_str());
    let journal = Arc::new(Journal::new(app, environment, Clock::system(), Box::new(std::io::stdout())));
    let proxy = Arc::new(Proxy::new(config, calls, journal, Clock::system()));
    let server = Server::new(Arc::clone(&proxy), config.max_connections);
    let port = listeners.port();
    let serving = tokio::spawn(Arc::clone(&server).run(listeners));
    Ok(Begun { proxy, server, port, serving, signals, token_file: config.token.file.clone() })
}

/// Makes the token, and starts to fetch the identity.
fn wake<C: Calls>(proxy: &Proxy<C>, config: &Config) -> Result<(), Fatal> {
    let file = &config.token.file;
    let token = match &config.token.given {
        Some(token) => Ok(token.clone()),
        None => Token::random(),
    };
    let written = token.and_then(|token| token.write(file).map(|()| token));
    let token = written.map_err(|e| Fatal {
        kind: "Extension.TokenFailed",
        message: format!("{} cannot be written: {e}; give token.file another path", file.display()),
    })?;
    proxy.wake(token);
    proxy.calls.warm();
    Ok(())
}

impl<C: Calls> Begun<C> {
    /// Serves until `end` says how long requests may still take, or a signal comes.
    async fn serve(self, end: impl Future<Output = Result<Duration, String>>) -> Result<(), String> {
        let [mut terminated, mut interrupted] = self.signals;
        let outcome = tokio::select! {
            outcome = end => outcome,
            _ = terminated.recv() => Ok(GRACE),
            _ = interrupted.recv() => Ok(GRACE),
        };
        let grace = outcome.as_ref().copied().unwrap_or_default();
        self.server.stop(grace).await;
        let _ = self.serving.await;
        self.proxy.forget_token_file(&self.token_file);
        outcome.map(drop)
    }
}

/// Follows Lambda's events until the shutdown.
async fn follow<C: Calls>(
    extension: &Extension,
    config: &Config,
    proxy: &Proxy<C>,
    mut asleep: bool,
) -> Result<Duration, String> {
    loop {
        match next(extension).await {
            Ok(Event::Invoke { deadline_ms }) => {
                if std::mem::take(&mut asleep) {
                    proxy.calls.restored();
                    if let Err(fatal) = wake(proxy, config) {
                        return Err(fail(extension, fatal).await);
                    }
                }
                if config.invocations == Invocations::Follow {
                    proxy.invocation_ends_at(deadline_ms);
                }
            }
            Ok(Event::Shutdown { deadline_ms }) => {
                let left = Duration::from_millis(deadline_ms).saturating_sub(Clock::system().wall());
                return Ok(left.saturating_sub(MARGIN).min(GRACE));
            }
            Err(error) => {
                let message = format!("no next event: {error}");
                return Err(fail(extension, Fatal { kind: "Extension.NextFailed", message }).await);
            }
        }
    }
}

/// The next event. A connection that broke is made again: only an answer is final.
async fn next(extension: &Extension) -> Result<Event, ApiError> {
    for _ in 0..RETRIES {
        match extension.next().await {
            Err(ApiError::Unreachable(_)) => tokio::time::sleep(RETRY_PAUSE).await,
            other => return other,
        }
    }
    extension.next().await
}

async fn fail(extension: &Extension, fatal: Fatal) -> String {
    // Whether it hears of it or not, the process ends.
    let _ = tokio::time::timeout(REPORT_LIMIT, extension.exit_error(&fatal)).await;
    fatal.message
}

/// Tells a person how to call.
fn announce(config: &Config, port: u16) {
    let first = config.upstreams.first().map(|upstream| upstream.app.as_str()).unwrap_or_default();
    let file = config.token.file.display();
    let unix = config.listen.unix.as_ref().map(|path| format!(" and {}", path.display())).unwrap_or_default();
    let _ = writeln!(
        std::io::stderr(),
        "mtls-proxy: {} listens on http://127.0.0.1:{port}{unix}; call it so, and end it with Ctrl-C:\n  \
         curl -H \"x-meshbridge-token: $(cat {file})\" http://127.0.0.1:{port}/~{first}/",
        config.spiffe_id.as_str(),
    );
}

#[cfg(test)]
mod tests;
