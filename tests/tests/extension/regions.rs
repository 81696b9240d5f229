//! Two regions, each of which can fail.

use e2e::egress::{Extension, World};
use e2e::mesh::{App, Svid};
use e2e::secrets::{Fault, HOME, OTHER, Target};
use serde_json::json;

use crate::support::{assert_answered, assert_failure};

struct Regions {
    world: World,
    home: Svid,
    other: Svid,
    ledger: App,
}

impl Regions {
    /// The pair of each region is of this age and has so many hours to come.
    fn new(home: (u32, u32), other: (u32, u32)) -> Self {
        let world = World::without_identity();
        let (home, other) = (world.identity(home.0, home.1), world.identity(other.0, other.1));
        world.publish(HOME, &home);
        world.publish(OTHER, &other);
        let ledger = world.app("ledger");
        Self { world, home, other, ledger }
    }

    fn start(&self) -> Extension {
        self.world.plan().with_identity("regions", json!([HOME, OTHER])).upstream(&self.ledger).start()
    }

    /// The certificate that the app saw last.
    fn shown(&self) -> String {
        self.ledger.hits().last().and_then(|hit| hit.certificate_sha256.clone()).unwrap_or_default()
    }
}

#[test]
fn its_own_region_comes_first_and_the_other_is_not_asked() {
    let regions = Regions::new((1, 23), (1, 23));
    let extension = regions.start();
    assert_answered(&extension.get("ledger", "/"));
    assert_eq!(regions.shown(), regions.home.certificate_sha256());
    assert_eq!(regions.world.secrets.calls().count(|call| call.region == OTHER), 0);
}

#[test]
fn the_other_region_serves_when_its_own_fails_in_any_way() {
    for fault in [Fault::Denied, Fault::Throttled, Fault::NotFound, Fault::Internal, Fault::Garbled, Fault::HangUp] {
        let regions = Regions::new((1, 23), (1, 23));
        regions.world.secrets.fail(Target::region(HOME), fault);
        let extension = regions.start();
        assert_answered(&extension.get("ledger", "/"));
        assert_eq!(regions.shown(), regions.other.certificate_sha256(), "{fault:?}");
    }
}

#[test]
fn the_other_region_serves_when_its_own_hangs() {
    let regions = Regions::new((1, 23), (1, 23));
    regions.world.secrets.fail(Target::region(HOME), Fault::Hang);
    let extension = regions.start();
    assert_answered(&extension.get("ledger", "/"));
    assert_eq!(regions.shown(), regions.other.certificate_sha256());
}

#[test]
fn a_region_whose_issuer_has_stopped_gives_way_to_the_one_that_lasts_longer() {
    let regions = Regions::new((20, 4), (1, 23));
    let extension = regions.start();
    assert_answered(&extension.get("ledger", "/"));
    assert_eq!(regions.shown(), regions.other.certificate_sha256());
}

#[test]
fn a_pair_that_ends_sooner_never_replaces_the_one_at_hand() {
    let regions = Regions::new((13, 11), (14, 10));
    let extension = regions.start();
    assert_answered(&extension.get("ledger", "/"));
    assert_eq!(regions.shown(), regions.home.certificate_sha256());
    // Its own region is lost, and the other has an older pair.
    regions.world.secrets.fail(Target::region(HOME), Fault::NotFound);
    let before = regions.world.secrets.calls().count(|call| call.region == OTHER);
    extension.environment.skip(std::time::Duration::from_secs(61));
    assert_answered(&extension.get("ledger", "/"));
    assert!(regions.world.secrets.calls().count(|call| call.region == OTHER) > before, "it looked");
    assert_eq!(regions.shown(), regions.home.certificate_sha256());
}

#[test]
fn a_stale_region_is_seen_through_when_the_other_is_up_to_date() {
    let regions = Regions::new((13, 11), (13, 11));
    let extension = regions.start();
    assert_answered(&extension.get("ledger", "/"));
    regions.world.secrets.make_stale(HOME);
    let next = regions.world.identity(0, 24);
    regions.world.publish(HOME, &next);
    regions.world.publish(OTHER, &next);
    extension.environment.skip(std::time::Duration::from_secs(61));
    assert_answered(&extension.get("ledger", "/"));
    crate::support::wait_until("the new pair", || {
        assert_answered(&extension.get("ledger", "/"));
        regions.shown() == next.certificate_sha256()
    });
}

#[test]
fn when_both_fail_the_own_regions_reason_is_told() {
    let regions = Regions::new((1, 23), (1, 23));
    regions.world.secrets.fail(Target::region(HOME), Fault::Denied);
    regions.world.secrets.fail(Target::region(OTHER), Fault::NotFound);
    let extension = regions.start();
    assert_failure(&extension.get("ledger", "/"), 502, "access-denied");
    regions.world.secrets.heal();
    extension.wait_for_recovery("ledger");
}
