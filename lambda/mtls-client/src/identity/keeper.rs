//! Joins the rules of freshness, the fetch and the requests that wait for it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use tokio::sync::watch;

use super::fetch::{Fetch, Found};
use super::freshness::{Decision, Freshness, Terms};
use super::pair::Pair;
use crate::clock::Now;
use crate::error::{Error, Reason};
use crate::settings::Settings;
use crate::source::AnySource;
use crate::status::{IdentityStatus, Status};

/// Cheap to clone; clones are one keeper.
#[derive(Clone)]
pub(crate) struct Keeper(Arc<Shared>);

struct Shared {
    settings: Arc<Settings>,
    source: Box<dyn AnySource>,
    provider: Arc<CryptoProvider>,
    state: Mutex<State>,
}

struct State {
    freshness: Freshness,
    held: Option<Arc<Pair>>,
    /// Pairs accepted so far.
    generations: u64,
    failure: Option<Error>,
    /// Closed when the fetch under way has ended.
    landed: Option<watch::Receiver<()>>,
}

impl Keeper {
    pub(crate) fn new(settings: Arc<Settings>, source: Box<dyn AnySource>, provider: Arc<CryptoProvider>) -> Self {
        let state = State {
            freshness: Freshness::new(Terms::from(&*settings)),
            held: None,
            generations: 0,
            failure: None,
            landed: None,
        };
        Self(Arc::new(Shared { settings, source, provider, state: Mutex::new(state) }))
    }

    /// Starts a fetch unless there is a pair or a fetch already.
    pub(crate) fn warm(&self) {
        let now = self.now();
        let mut state = self.state();
        if matches!(state.freshness.decide(now), Decision::Wait { start: true, .. }) {
            self.start(&mut state, now);
        }
    }

    /// The pair to use for a request, after as much waiting as the rules ask for.
    pub(crate) async fn pair(&self) -> Result<Arc<Pair>, Error> {
        let (mut landed, at_most) = {
            let now = self.now();
            let mut state = self.state();
            match state.freshness.decide(now) {
                Decision::Use | Decision::Fail => return state.verdict(now),
                Decision::Wait { start, at_most } => {
                    let landed = match state.landed.clone() {
                        Some(landed) if !start => landed,
                        _ => self.start(&mut state, now),
                    };
                    (landed, at_most)
                }
            }
        };
        // The sender sends nothing: it is dropped when the fetch has ended.
        let in_time = tokio::time::timeout(at_most, landed.changed()).await.is_ok();
        let verdict = self.state().verdict(self.now());
        if in_time { verdict } else { verdict.map_err(|error| late(error, at_most)) }
    }

    /// See [`Freshness::forget`].
    pub(crate) fn restored(&self) {
        let mut state = self.state();
        state.freshness.forget();
        state.held = None;
        state.failure = None;
        state.landed = None;
        drop(state);
        self.0.source.restored();
    }

    pub(crate) fn status(&self) -> Status {
        let now = self.now();
        let state = self.state();
        Status {
            identity: state.held.as_ref().map(|pair| IdentityStatus {
                spiffe_id: pair.svid.spiffe_id.clone(),
                not_before: pair.svid.not_before,
                not_after: pair.svid.not_after,
                generation: pair.generation,
                replica: pair.replica,
            }),
            failure: state.failure.clone(),
            fetching: state.freshness.is_fetching(now),
        }
    }

    /// The fetch is a task of its own: it goes on when the request that started it is dropped.
    fn start(&self, state: &mut State, now: Now) -> watch::Receiver<()> {
        let number = state.freshness.start(now);
        let (landing, landed) = watch::channel(());
        state.landed = Some(landed.clone());
        let keeper = self.clone();
        let held = state.held.clone();
        tokio::spawn(async move {
            let outcome = keeper.fetch(held).await;
            keeper.land(number, outcome);
            drop(landing);
        });
        landed
    }

    async fn fetch(&self, held: Option<Arc<Pair>>) -> Result<Found, Error> {
        let Shared { settings, source, provider, .. } = &*self.0;
        Fetch {
            source: &**source,
            expected: &settings.spiffe_id,
            provider,
            clock: &*settings.clock,
            held,
            budget: settings.fetch_budget,
            pause: settings.first_pause,
            expiry_margin: settings.expiry_margin,
        }
        .run()
        .await
    }

    fn land(&self, number: u64, outcome: Result<Found, Error>) {
        let now = self.now();
        let mut state = self.state();
        let life = outcome.as_ref().ok().map(|found| match found {
            Found::New(pair) => pair.life(),
            Found::Held(pair) => pair.life(),
        });
        if !state.freshness.settle(number, life, now) {
            return;
        }
        state.landed = None;
        match outcome {
            Ok(Found::Held(_)) => state.failure = None,
            Ok(Found::New(mut pair)) => {
                state.generations += 1;
                pair.generation = state.generations;
                state.held = Some(Arc::from(pair));
                state.failure = None;
            }
            Err(error) => state.failure = Some(error),
        }
    }

    fn now(&self) -> Now {
        self.0.settings.clock.now()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing within the lock panics; if it did, the state would still be whole between its assignments.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The pair at hand if it is in its time, else why there is none.
    fn verdict(&self, now: Now) -> Result<Arc<Pair>, Error> {
        let Some(held) = &self.held else {
            return Err(self.failure.clone().unwrap_or_else(|| {
                Error::new(Reason::IdentityUnavailable, "the identity is not there yet; repeat the call")
            }));
        };
        match (held.check_time(now), &self.failure) {
            (Ok(()), _) => Ok(Arc::clone(held)),
            (Err(error), Some(failure)) if error.kind() == Reason::IdentityExpired => {
                let message = format!("{}; the last try for a newer one: {}", error.message(), failure.message());
                Err(Error::new(Reason::IdentityExpired, message))
            }
            (Err(error), _) => Err(error),
        }
    }
}

fn late(error: Error, waited: Duration) -> Error {
    match error.kind() {
        Reason::IdentityUnavailable => {
            let message =
                format!("the identity could not be fetched within {waited:?}; check the network and the service");
            Error::new(Reason::IdentityUnavailable, message)
        }
        _ => error,
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").field("status", &self.status()).finish_non_exhaustive()
    }
}
