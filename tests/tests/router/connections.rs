//! The life of a connection: silence, halves, thousands at once, and apps that are not there.

use e2e::router::{Gateway, HANG_UP, LEDGER, Outcome, PROXY_HEADER, REPORTS, Recorded, Visitor, World};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;

use crate::support::assert_all_alive;

#[test]
fn who_says_too_little_for_too_long_is_closed() {
    let world = World::new();
    let gateway = world.gateway();
    let hello = Recorded::Chrome.bytes();
    let said = [
        &b""[..],
        &PROXY_HEADER[..20],
        PROXY_HEADER,
        &[PROXY_HEADER, &hello[..3]].concat(),
        &[PROXY_HEADER, &hello[..hello.len() - 1]].concat(),
        &[PROXY_HEADER, &Recorded::Go.hello().in_records_of(100)[..500]].concat(),
    ];
    let mut silent: Vec<Visitor> = said
        .iter()
        .map(|said| {
            let mut visitor = Visitor::bare(gateway.address());
            visitor.send(said);
            visitor
        })
        .collect();
    gateway.wait_until("them to be waited for", || gateway.listener_stat("downstream_pre_cx_active") == 6);
    // Others are served meanwhile.
    assert_eq!(gateway.outcome_of(LEDGER), Outcome::reached("ledger"));
    for visitor in &mut silent {
        assert_eq!(visitor.outcome(), Outcome::Closed);
    }
    assert_eq!(gateway.listener_stat("downstream_pre_cx_timeout"), 6);
    assert_eq!((gateway.metric("routed"), gateway.refused()), (1, 0));
    world.assert_secret_kept(&gateway);
}

#[test]
fn who_has_been_routed_may_be_silent() {
    let world = World::new();
    let mut plan = world.plan();
    plan.listener()["listener_filters_timeout"] = json!("1s");
    let gateway = world.start(plan);
    let mut guest = gateway.guest(LEDGER);
    let mut silent = gateway.visitor();
    assert_eq!(silent.outcome(), Outcome::Closed, "so much time has passed");
    assert!(guest.echoes("still here"));
}

#[test]
fn a_connection_without_a_byte_is_ended_at_both_ends() {
    let world = World::new();
    let mut plan = world.plan();
    plan.tcp_proxy()["idle_timeout"] = json!("1s");
    let gateway = world.start(plan);
    let mut guest = gateway.guest(LEDGER);
    assert_eq!(guest.line(), None);
    gateway.wait_until("the app's end", || active(&gateway, "ledger-staging") == 0);
    assert_eq!(gateway.stat("tcp.gateway.idle_timeout"), 1);
}

#[test]
fn a_client_that_has_said_all_still_hears_the_answer() {
    let world = World::new();
    let gateway = world.gateway();
    let hello = Recorded::Go.bytes();
    let mut visitor = gateway.visitor();
    visitor.send(&hello);
    assert_eq!(visitor.outcome(), Outcome::reached("ledger"));
    visitor.finish();
    assert_eq!(visitor.line(), Some(format!("{} bytes", hello.len())), "said by the app after the client's end");
    assert_eq!(visitor.line(), None);
    gateway.wait_until("the app's end", || active(&gateway, "ledger-staging") == 0);
}

#[test]
fn an_app_that_has_said_all_still_hears_the_client() {
    let world = World::new();
    let gateway = world.gateway();
    let mut guest = gateway.guest(LEDGER);
    guest.send(HANG_UP);
    assert_eq!(guest.line(), None, "the app's end");
    guest.send("the client goes on").finish();
    gateway.wait_until("the app to hear it", || {
        world.ledger.heard().iter().any(|heard| heard.ends_with(b"the client goes on"))
    });
    gateway.wait_until("both ends", || active(&gateway, "ledger-staging") == 0);
}

#[test]
fn a_client_that_vanishes_leaves_nothing_behind() {
    let world = World::new();
    let gateway = world.gateway();
    let guests: Vec<Visitor> = (0..20).map(|_| gateway.guest(LEDGER)).collect();
    assert_eq!(active(&gateway, "ledger-staging"), 20);
    drop(guests);
    gateway.wait_until("their ends", || {
        active(&gateway, "ledger-staging") == 0 && gateway.listener_stat("downstream_cx_active") == 0
    });
}

#[test]
fn two_thousand_idle_connections_live_side_by_side() {
    let before = raise_the_limit_of_files();
    let world = World::new();
    let gateway = world.gateway();
    const GUESTS: usize = 2_000;
    let mut guests: Vec<Visitor> =
        (0..GUESTS).map(|number| gateway.guest(if number % 2 == 0 { LEDGER } else { REPORTS })).collect();
    assert_eq!(active(&gateway, "ledger-staging") + active(&gateway, "reports-staging"), GUESTS as u64);
    assert_eq!((gateway.metric("routed"), gateway.refused()), (GUESTS as u64, 0));
    assert_all_alive(&mut guests);
    // And none of them is in the way of a new one.
    assert_eq!(gateway.outcome_of(LEDGER), Outcome::reached("ledger"));
    drop(guests);
    gateway.wait_until("their ends", || gateway.listener_stat("downstream_cx_active") == 0);
    assert_eq!(gateway.traps(), 0, "{before:?}");
    world.assert_secret_kept(&gateway);
}

/// Each guest takes two files here and two in Envoy, which inherits the limit.
fn raise_the_limit_of_files() -> Rlimit {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    limit
}

#[test]
fn more_connections_than_there_may_be_are_closed_at_once() {
    let world = World::new();
    let mut plan = world.plan();
    let limit = "/overload_manager/resource_monitors/0/typed_config/max_active_downstream_connections";
    *plan.shipped.value_mut().pointer_mut(limit).unwrap() = json!(4);
    let gateway = world.start(plan);
    let mut guests: Vec<Visitor> = (0..3).map(|_| gateway.guest(LEDGER)).collect();
    // Who says nothing is counted as well.
    let silent = Visitor::bare(gateway.address());
    gateway.wait_until("the silent one", || gateway.listener_stat("downstream_pre_cx_active") == 1);
    assert_eq!(gateway.outcome_of(LEDGER), Outcome::Closed);
    assert_eq!(gateway.listener_stat("downstream_global_cx_overflow"), 1);
    assert_eq!(gateway.health(), 200, "a full gateway is not sick");
    assert_all_alive(&mut guests);
    drop(silent);
    gateway.wait_until("room for another", || gateway.outcome_of(LEDGER) == Outcome::reached("ledger"));
    world.assert_secret_kept(&gateway);
}

#[test]
fn one_app_cannot_use_up_the_connections_of_another() {
    let world = World::new();
    let gateway = world.gateway();
    let text = std::fs::read_to_string(gateway.files.dir().join("clusters.yaml")).unwrap();
    assert!(text.contains("\"max_connections\":4096"), "{text}");
    gateway.files.put("clusters.yaml", &text.replace("\"max_connections\":4096", "\"max_connections\":2"));
    gateway.wait_until("the limit", || {
        gateway.envoy.admin_get("/clusters").unwrap().contains("ledger-staging::default_priority::max_connections::2\n")
    });
    let mut guests = vec![gateway.guest(LEDGER), gateway.guest(LEDGER)];
    gateway.wait_until("an app that is full", || gateway.outcome_of(LEDGER) == Outcome::Closed);
    assert_eq!(gateway.outcome_of(REPORTS), Outcome::reached("reports"));
    assert!(gateway.stat("cluster.ledger-staging.upstream_cx_overflow") >= 1);
    assert_all_alive(&mut guests);
    world.assert_secret_kept(&gateway);
}

#[test]
fn an_app_that_is_down_closes_its_own_connections_only_and_serves_when_it_is_back() {
    let world = World::new();
    let (socket, address) = world.apps.nobody();
    let mut plan = world.plan();
    plan.clusters[0].1 = address;
    let gateway = world.start(plan);
    let mut guest = gateway.guest(REPORTS);
    for _ in 0..5 {
        assert_eq!(gateway.outcome_of(LEDGER), Outcome::Closed);
    }
    assert_eq!(gateway.stat("cluster.ledger-staging.upstream_cx_connect_fail"), 5);
    assert!(guest.echoes("not my app"));
    drop(socket);
    let ledger = world.apps.plain_at("ledger", address);
    assert_eq!(gateway.outcome_of(LEDGER), Outcome::reached("ledger"));
    // And down again, after it had served.
    let mut last = gateway.guest(LEDGER);
    ledger.stop();
    gateway.wait_until("nobody to listen", || gateway.outcome_of(LEDGER) == Outcome::Closed);
    assert!(last.echoes("those who are there stay") && guest.echoes("not my app"));
    gateway.wait_until("the access log", || {
        gateway.access_log().iter().any(|entry| entry["flags"] == "UF,URX" || entry["flags"] == "UF")
    });
    world.assert_secret_kept(&gateway);
}

#[test]
fn the_load_balancer_learns_when_to_send_nobody_here_any_more() {
    let world = World::new();
    let gateway = world.gateway();
    assert_eq!(gateway.health(), 200);
    gateway.envoy.admin_post("/healthcheck/fail").unwrap();
    assert_eq!(gateway.health(), 503);
    // Those whom it sends all the same are served.
    assert_eq!(gateway.outcome_of(LEDGER), Outcome::reached("ledger"));
    gateway.envoy.admin_post("/healthcheck/ok").unwrap();
    assert_eq!(gateway.health(), 200);
}

fn active(gateway: &Gateway, cluster: &str) -> u64 {
    gateway.stat(&format!("cluster.{cluster}.upstream_cx_active"))
}
