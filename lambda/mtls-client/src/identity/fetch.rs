//! One fetch: the document, the key that it names, and the proof; the nearest replica first, then the others.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use spiffe_id::SpiffeIdBuf;
use tokio::time::Instant;

use super::freshness::Phase;
use super::pair::Pair;
use crate::clock::Clock;
use crate::error::{Error, Reason};
use crate::source::{AnySource, SourceError, SourceFault};

/// What a fetch needs.
pub(crate) struct Fetch<'a> {
    pub(crate) source: &'a dyn AnySource,
    pub(crate) expected: &'a SpiffeIdBuf,
    pub(crate) provider: &'a CryptoProvider,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) held: Option<Arc<Pair>>,
    pub(crate) budget: Duration,
    /// Before everything is asked once more.
    pub(crate) pause: Duration,
    pub(crate) expiry_margin: Duration,
}

/// What a fetch found.
#[derive(Debug)]
pub(crate) enum Found {
    /// A pair that is to replace the one at hand.
    New(Box<Pair>),
    /// The one at hand is still the best.
    Held(Arc<Pair>),
}

impl Found {
    fn pair(&self) -> &Pair {
        match self {
            Self::New(pair) => pair,
            Self::Held(pair) => pair,
        }
    }
}

impl Fetch<'_> {
    /// Takes the nearest replica's pair when it is as young as it should be. When it is missing, refused, or past half of
    /// its life, the other replicas are asked too, and of all proven pairs the one that lasts longest is taken: each
    /// region has an issuer of its own, and one of them may have stopped.
    ///
    /// A pair that ends earlier than the one at hand never replaces it, as long as that one is in its time.
    ///
    /// When there is nothing at hand and the failure may pass by itself, everything is asked once more within the budget.
    ///
    /// # Errors
    /// When no replica has a proven pair: why the nearest has none.
    pub(crate) async fn run(self) -> Result<Found, Error> {
        let begun = Instant::now();
        let mut outcome = self.round(self.budget).await;
        let left = self.budget.saturating_sub(begun.elapsed()).saturating_sub(self.pause);
        if let Err(error) = &outcome
            && matches!(error.kind(), Reason::Throttled | Reason::IdentityUnavailable)
            && self.usable().is_none()
            && left >= self.budget / 2
        {
            tokio::time::sleep(self.pause).await;
            outcome = self.round(left).await;
        }
        self.source.finished();
        outcome
    }

    async fn round(&self, budget: Duration) -> Result<Found, Error> {
        let replicas = self.source.replicas();
        // One replica that hangs must leave time for the next.
        let share = budget / u32::try_from(replicas).unwrap_or(u32::MAX);
        let mut best: Option<Found> = None;
        let mut failure: Option<Error> = None;
        for replica in 0..replicas {
            match self.replica(replica, share).await {
                Ok(found) => {
                    let life = found.pair().life();
                    if best.as_ref().is_none_or(|best| best.pair().life().not_after < life.not_after) {
                        best = Some(found);
                    }
                    if life.phase(self.clock.now().unix_seconds(), self.expiry_margin) == Phase::Young {
                        break;
                    }
                }
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        match (best, self.usable(), failure) {
            (Some(best), Some(held), _) if best.pair().life().not_after < held.life().not_after => {
                Ok(Found::Held(Arc::clone(held)))
            }
            (Some(best), _, _) => Ok(best),
            (None, _, Some(failure)) => Err(failure),
            (None, _, None) => Err(SourceError::new(SourceFault::Missing, "the source has no replica").into()),
        }
    }

    /// The pair at hand, in its time.
    fn usable(&self) -> Option<&Arc<Pair>> {
        self.held.as_ref().filter(|held| held.check_time(self.clock.now()).is_ok())
    }

    async fn replica(&self, replica: usize, share: Duration) -> Result<Found, Error> {
        within(replica, share, async {
            let document = self.source.document(replica).await?;
            if let Some(held) = self.held.as_ref().filter(|held| held.is_from(&document)) {
                // Its key is known. Nothing but its time can have changed.
                held.check_time(self.clock.now())?;
                return Ok(Found::Held(Arc::clone(held)));
            }
            let key = self.source.key(replica, &document.key_version).await?;
            Pair::prove(document, &key, replica, self.expected, self.provider, self.clock.now())
                .map(|pair| Found::New(Box::new(pair)))
        })
        .await
    }
}

async fn within<T>(replica: usize, limit: Duration, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
        let message = format!(
            "replica {replica} of the source did not answer within {limit:?}; check the network and the service"
        );
        Err(SourceError::new(SourceFault::Unavailable, message).into())
    })
}
