//! Two regions that can each fail.

use std::sync::Arc;
use std::time::Duration;

use mtls_client::{Client, Reason, SourceFault};

use crate::support::{
    Alpn, ClientAuth, LEDGER, MemorySource, OWN, Pki, Server, ServerOptions, Svid, TestClock, fetch, ledger, settings,
};

struct Regions {
    pki: Pki,
    clock: Arc<TestClock>,
    source: MemorySource,
    client: Client,
    server: Server,
}

impl Regions {
    async fn new() -> Self {
        let (pki, clock, source) = (Pki::new(), TestClock::new(), MemorySource::new(2));
        let mut settings = settings(&clock);
        settings.refresh_every = Duration::ZERO;
        let client = Client::new(source.clone(), settings);
        let options = ServerOptions { alpn: Alpn::Http2, client_auth: ClientAuth::Required };
        let server = Server::start(&pki.svid(LEDGER), &pki, options).await;
        Self { pki, clock, source, client, server }
    }

    fn window(&self, from: i64, to: i64) -> Svid {
        let now = self.clock.unix_seconds();
        self.pki.svid_with(OWN, now.saturating_add_signed(from), now.saturating_add_signed(to), |_| ())
    }

    /// The replica that the identity of the next request is from.
    async fn used(&self) -> usize {
        fetch(&self.client, &ledger(self.server.address), "/hello").await.unwrap();
        self.client.status().identity.unwrap().replica
    }
}

#[tokio::test]
async fn the_nearest_region_is_enough_when_its_pair_is_young() {
    let regions = Regions::new().await;
    regions.source.publish(0, &regions.window(-10, 1000));
    regions.source.publish(1, &regions.window(-10, 5000));
    assert_eq!(regions.used().await, 0);
    assert_eq!((regions.source.documents(), regions.source.keys()), (1, 1));
}

#[tokio::test]
async fn the_other_region_serves_when_the_nearest_fails_in_any_way() {
    for fault in [
        SourceFault::Missing,
        SourceFault::AccessDenied,
        SourceFault::Throttled,
        SourceFault::Unavailable,
        SourceFault::Invalid,
    ] {
        let regions = Regions::new().await;
        regions.source.publish(1, &regions.window(-10, 1000));
        regions.source.fail(0, fault);
        assert_eq!(regions.used().await, 1, "{fault:?}");
        assert!(regions.client.status().failure.is_none());
    }
    let regions = Regions::new().await;
    regions.source.publish(1, &regions.window(-10, 1000));
    regions.source.publish(0, &regions.window(-1000, -1));
    assert_eq!(regions.used().await, 1, "expired");
    regions.source.publish(0, &Pki::new().svid(OWN));
    assert_eq!(regions.used().await, 1, "another root");
}

#[tokio::test]
async fn a_region_that_hangs_leaves_time_for_the_other() {
    let (pki, clock, source) = (Pki::new(), TestClock::new(), MemorySource::new(2));
    let mut settings = settings(&clock);
    settings.fetch_budget = Duration::from_secs(10);
    let client = Client::new(source.clone(), settings);
    source.publish(1, &pki.svid(OWN));
    source.hang(0);
    let options = ServerOptions { alpn: Alpn::Http2, client_auth: ClientAuth::Required };
    let server = Server::start(&pki.svid(LEDGER), &pki, options).await;
    fetch(&client, &ledger(server.address), "/hello").await.unwrap();
    assert_eq!(client.status().identity.unwrap().replica, 1);
}

#[tokio::test]
async fn the_other_regions_pair_is_taken_when_the_nearest_is_older_than_it_should_be() {
    let regions = Regions::new().await;
    regions.source.publish(0, &regions.window(-1000, 900));
    regions.source.publish(1, &regions.window(-500, 1400));
    assert_eq!(regions.used().await, 1);
    // The nearest has caught up. It is taken when the one at hand is no longer young.
    regions.source.publish(0, &regions.window(-10, 9000));
    assert_eq!(regions.used().await, 1);
    regions.clock.freeze(600);
    assert_eq!(regions.used().await, 0);
}

#[tokio::test]
async fn an_old_pair_of_the_nearest_region_is_better_than_none_or_an_older_one() {
    let regions = Regions::new().await;
    regions.source.publish(0, &regions.window(-1000, 900));
    assert_eq!(regions.used().await, 0);
    regions.source.publish(1, &regions.window(-1000, 800));
    assert_eq!(regions.used().await, 0);
}

#[tokio::test]
async fn when_all_regions_fail_the_nearest_tells_why() {
    let regions = Regions::new().await;
    regions.source.fail(0, SourceFault::AccessDenied);
    regions.source.fail(1, SourceFault::Missing);
    let error = fetch(&regions.client, &ledger(regions.server.address), "/hello").await.unwrap_err();
    assert_eq!(error.kind(), Reason::AccessDenied, "{error}");
    assert!(error.message().contains("replica 0"), "{error}");
}
