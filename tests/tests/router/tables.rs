//! The table changes while connections are open and new ones come.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use e2e::router::{Gateway, LEDGER, Outcome, REPORTS, SOON, Visitor, World};
use serde_json::{Value, json};

use crate::support::assert_all_alive;

const NEW: &str = "staging.payroll.mesh.example.com";

/// A table of so many names, of which one is ledger's and the others are of reports.
fn many(names: usize) -> Value {
    let mut apps: serde_json::Map<String, Value> =
        (1..names).map(|number| (format!("app-{number}"), json!("reports-staging"))).collect();
    apps.insert("ledger".into(), json!("ledger-staging"));
    json!({ "environment": "staging", "suffix": "mesh.example.com", "apps": apps })
}

fn wait_for_names(gateway: &Gateway, names: u64) {
    gateway.wait_until("the number of names", || gateway.metric("names") == names);
}

#[test]
fn a_new_app_is_reached_once_its_cluster_and_its_name_are_there() {
    let world = World::new();
    let gateway = world.gateway();
    let mut guests = vec![gateway.guest(LEDGER), gateway.guest(REPORTS)];
    assert_eq!(gateway.outcome_of(NEW), Outcome::Closed);
    let payroll = world.apps.plain("payroll");
    let mut clusters = world.plan().clusters;
    clusters.push(("payroll-staging".into(), payroll.address()));
    gateway.files.put_clusters(&clusters);
    gateway.wait_until("the cluster", || gateway.envoy.admin_get("/clusters").unwrap().contains("payroll-staging::"));
    assert_eq!(gateway.outcome_of(NEW), Outcome::Closed, "a cluster alone is not reached");
    let mut routes = World::routes();
    routes["apps"]["payroll"] = json!("payroll-staging");
    gateway.put_routes(&routes);
    gateway.wait_for_everywhere(NEW, &Outcome::reached("payroll"));
    assert_all_alive(&mut guests);
    world.assert_secret_kept(&gateway);
}

#[test]
fn a_name_that_is_taken_out_is_closed_and_those_who_are_there_stay() {
    let world = World::new();
    let gateway = world.gateway();
    let mut guests = vec![gateway.guest(REPORTS)];
    let mut routes = World::routes();
    routes["apps"].as_object_mut().unwrap().remove("reports");
    gateway.put_routes(&routes);
    gateway.wait_for_everywhere(REPORTS, &Outcome::Closed);
    assert_eq!(gateway.outcome_of(LEDGER), Outcome::reached("ledger"));
    assert_all_alive(&mut guests);
}

#[test]
fn a_name_that_gets_another_cluster_leads_new_connections_there() {
    let world = World::new();
    let gateway = world.gateway();
    let mut guests = vec![gateway.guest(LEDGER)];
    let mut routes = World::routes();
    routes["apps"]["ledger"] = json!("reports-staging");
    gateway.put_routes(&routes);
    gateway.wait_for_everywhere(LEDGER, &Outcome::reached("reports"));
    assert_all_alive(&mut guests);
    // And back: a table that was in use before is in use again.
    gateway.put_routes(&World::routes());
    gateway.wait_for_everywhere(LEDGER, &Outcome::reached("ledger"));
    assert_all_alive(&mut guests);
}

#[test]
fn the_last_app_can_be_taken_out_too() {
    let world = World::new();
    let gateway = world.gateway();
    gateway.put_routes(&json!({ "routes": [] }));
    gateway.wait_for_everywhere(LEDGER, &Outcome::Closed);
    let line = "the table is empty: every connection is closed";
    gateway.wait_until(line, || gateway.envoy.logs().contains(line));
    assert_eq!(gateway.metric("names"), 0);
}

#[test]
fn a_table_with_mistakes_is_refused_as_a_whole_and_the_old_one_stays() {
    let world = World::new();
    let gateway = world.gateway();
    let mut guests = vec![gateway.guest(LEDGER), gateway.guest(REPORTS)];
    let right = json!({ "sni": NEW, "cluster": "secret" });
    let wrong = [
        (json!({ "routes": [right, { "sni": "*.mesh.example.com", "cluster": "secret" }] }), "routes[1].sni: \"*.mesh"),
        (json!({ "routes": [right, { "sni": LEDGER, "cluster": "" }] }), "routes[1].cluster: \"\" is empty"),
        (json!({ "routes": [right, { "sni": NEW, "cluster": "x" }] }), "stands in the table already"),
        (json!({ "routes": [right, { "sni": "10.0.0.1", "cluster": "x" }] }), "is an address"),
        (json!({ "routes": [right], "wildcards": true }), "wildcards: is not a field"),
        (json!({ "routes": [right], "apps": { "ledger": "x" } }), "environment: is missing"),
        (json!([right]), "configuration: is a list, not an object"),
        (json!("routes"), "configuration: is a text, not an object"),
        (json!({}), "configuration: has no routes"),
    ];
    for (routes, mistake) in &wrong {
        gateway.put_routes(routes);
        gateway.envoy.wait_for_log(mistake, SOON).unwrap();
        assert_eq!(gateway.outcome_of(NEW), Outcome::Closed, "{mistake}");
    }
    gateway.wait_until("the last refusal", || gateway.table_stat("update_rejected") >= wrong.len() as u64);
    // Files that are no tables at all.
    for (number, file) in ["", "resources: [", "{}", "resources: []", "resources: 1"].iter().enumerate() {
        gateway.files.put("routes.yaml", file);
        // Whatever Envoy makes of it, it has looked at it when it has taken the next one.
        let mut routes = World::routes();
        routes["routes"] = json!([{ "sni": format!("after.wrong.file-{number}"), "cluster": "ledger-staging" }]);
        for name in [LEDGER, REPORTS] {
            assert!(matches!(gateway.outcome_of(name), Outcome::Reached(_)), "{file:?}: {name}");
        }
        gateway.put_routes(&routes);
        let name = format!("after.wrong.file-{number}");
        gateway.wait_for_everywhere(&name, &Outcome::reached("ledger"));
    }
    assert_all_alive(&mut guests);
    assert_eq!(gateway.traps(), 0);
    world.assert_secret_kept(&gateway);
}

#[test]
fn ten_thousand_names_are_taken_without_a_dropped_connection() {
    let world = World::new();
    let gateway = world.gateway();
    let mut guests: Vec<Visitor> = (0..50).map(|_| gateway.guest(LEDGER)).collect();
    for names in [10_000, 10, 10_000] {
        gateway.put_routes(&many(names));
        wait_for_names(&gateway, names as u64);
        let last = format!("staging.app-{}.mesh.example.com", names - 1);
        gateway.wait_for_everywhere(&last, &Outcome::reached("reports"));
        for number in (1..names).step_by(names / 10) {
            let name = format!("STAGING.app-{number}.mesh.example.com");
            assert_eq!(gateway.outcome_of(&name), Outcome::reached("reports"), "{name}");
        }
        assert_eq!(gateway.outcome_of(LEDGER), Outcome::reached("ledger"));
        assert_eq!(gateway.outcome_of("staging.app-10000.mesh.example.com"), Outcome::Closed);
        assert_all_alive(&mut guests);
    }
    assert_eq!(gateway.traps(), 0);
    world.assert_secret_kept(&gateway);
}

#[test]
fn tables_change_under_load_and_no_connection_is_dropped_or_lost() {
    let world = World::new();
    let gateway = world.gateway();
    let (done, served) = (AtomicBool::new(false), AtomicUsize::new(0));
    let is_done = || done.load(Ordering::Relaxed);
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for _ in 0..2 {
            // Open before the first change, and in use throughout.
            threads.push(scope.spawn(|| {
                let mut guests: Vec<Visitor> = (0..20).map(|_| gateway.guest(LEDGER)).collect();
                while !is_done() {
                    assert_all_alive(&mut guests);
                }
            }));
            // New all the time.
            threads.push(scope.spawn(|| {
                while !is_done() {
                    assert_eq!(gateway.outcome_of(LEDGER), Outcome::reached("ledger"));
                    assert_eq!(gateway.outcome_of("secret"), Outcome::Closed);
                    served.fetch_add(1, Ordering::Relaxed);
                }
            }));
        }
        let ended = || threads.iter().any(std::thread::ScopedJoinHandle::is_finished);
        for round in 0..12 {
            // Tables of different sizes, and every third one is wrong.
            let names = [10_000, 100, 3_000][round % 3];
            let before = (gateway.table_stat("config_reload"), gateway.table_stat("update_rejected"));
            if round % 3 == 1 {
                gateway.files.put_routes("{\"routes\": [{}]}", &e2e::router::artefact());
                gateway.wait_until("the refusal", || gateway.table_stat("update_rejected") > before.1 || ended());
            } else {
                gateway.put_routes(&many(names + round));
                gateway.wait_until("the table", || gateway.table_stat("config_reload") > before.0 || ended());
            }
            let connections = served.load(Ordering::Relaxed);
            gateway.wait_until("traffic", || served.load(Ordering::Relaxed) > connections + 20 || ended());
        }
        done.store(true, Ordering::Relaxed);
        for thread in threads {
            thread.join().unwrap();
        }
    });
    let served = served.load(Ordering::Relaxed) as u64;
    assert_eq!(gateway.metric("routed"), served + 40);
    assert_eq!((gateway.refused(), gateway.metric("refused.unknown-name"), gateway.traps()), (served, served, 0));
    world.assert_secret_kept(&gateway);
}

/// Each table stays for as long as a connection that it routed, and goes with the last of them.
#[test]
fn tables_that_nobody_needs_any_more_leave_their_memory_to_the_next_ones() {
    const TABLES: usize = 20;
    let world = World::new();
    let gateway = world.gateway();
    let mut resident = Vec::new();
    for generation in 0..3 {
        let mut guests = Vec::new();
        for number in 0..TABLES {
            let names = 5_000 + generation * TABLES + number;
            gateway.put_routes(&many(names));
            wait_for_names(&gateway, names as u64);
            guests.push(gateway.guest(LEDGER));
        }
        assert_all_alive(&mut guests);
        drop(guests);
        gateway.wait_until("their ends", || gateway.listener_stat("downstream_cx_active") == 0);
        resident.push(resident_kb(&gateway));
    }
    assert_eq!(gateway.traps(), 0);
    // Those of two generations, at two workers, would be twice as much.
    assert!(resident[2] < resident[0] + 18_000, "{resident:?} kB");
}

fn resident_kb(gateway: &Gateway) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.envoy.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn kubelets_way_of_replacing_files_is_noticed() {
    let world = World::new();
    let plan = world.plan();
    let mount = world.mount();
    // `..data` is a link to a directory with the files, the files are links into `..data`.
    let files = e2e::router::Files::new(mount.with_file_name("generation-0"));
    files.put_clusters(&plan.clusters);
    files.put_routes(&plan.routes, &plan.wasm);
    std::fs::create_dir(&mount).unwrap();
    let link = |from: &str, to: &str| std::os::unix::fs::symlink(to, mount.join(from)).unwrap();
    link("..data", "../generation-0");
    link("routes.yaml", "..data/routes.yaml");
    link("clusters.yaml", "..data/clusters.yaml");
    let gateway = world.launch(plan, files);
    assert_eq!(gateway.outcome_of(NEW), Outcome::Closed);
    let next = e2e::router::Files::new(mount.with_file_name("generation-1"));
    next.put_clusters(&world.plan().clusters);
    next.put_routes(
        &json!({ "routes": [{ "sni": NEW, "cluster": "ledger-staging" }] }).to_string(),
        &e2e::router::artefact(),
    );
    link("..data_tmp", "../generation-1");
    std::fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
    gateway.wait_for_everywhere(NEW, &Outcome::reached("ledger"));
    assert_eq!(gateway.outcome_of(LEDGER), Outcome::Closed);
}
