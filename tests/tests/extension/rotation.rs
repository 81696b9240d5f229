//! Identities that change while requests run: none is lost, and every answer is whole.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use e2e::client::{Client, Request};
use e2e::egress::{Extension, World};
use e2e::mesh::pattern;
use e2e::secrets::HOME;

use crate::support::wait_until;

/// Callers that never stop, and compare every byte of every answer.
struct Load {
    running: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
    callers: Vec<JoinHandle<()>>,
}

impl Load {
    fn start(extension: &Extension, callers: usize) -> Self {
        let (running, served) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
        let callers = (0..callers)
            .map(|caller| {
                let (client, token) = (extension.client(), extension.token());
                let (running, served) = (Arc::clone(&running), Arc::clone(&served));
                thread::spawn(move || call(&client, &token, caller, &running, &served))
            })
            .collect();
        Self { running, served, callers }
    }

    /// Waits until so many more requests have been served.
    fn serve(&self, more: usize) {
        let goal = self.served.load(Ordering::SeqCst) + more;
        wait_until("requests to be served", || {
            assert!(self.callers.iter().all(|caller| !caller.is_finished()), "a caller has seen a failure");
            self.served.load(Ordering::SeqCst) >= goal
        });
    }

    fn finish(self) -> usize {
        self.running.store(false, Ordering::SeqCst);
        for caller in self.callers {
            caller.join().unwrap();
        }
        self.served.load(Ordering::SeqCst)
    }
}

fn call(client: &Client, token: &str, caller: usize, running: &AtomicBool, served: &AtomicUsize) {
    let mut connection = client.connect().unwrap();
    let mut round = caller;
    while running.load(Ordering::SeqCst) {
        round += 1;
        let length = 1 + (round * 7919) % 20_000;
        let request =
            |method: &str, path: &str| Request::new(method, path).host("ledger").header("x-meshbridge-token", token);
        let (request, expected) = if round.is_multiple_of(2) {
            (request("GET", &format!("/bytes/{length}")), pattern(length))
        } else {
            (request("POST", "/echo").body(pattern(length)), pattern(length))
        };
        let answer = connection.send(&request).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.body == expected, "{length} bytes came back as {} other ones", answer.body.len());
        served.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn rotation_under_load_loses_no_request_and_changes_no_byte() {
    let world = World::without_identity();
    // Past half of their lives, so that each look finds the next one.
    let mut identities = vec![world.identity(20, 4)];
    world.publish(HOME, &identities[0]);
    let ledger = world.app("ledger");
    let extension = world.plan().upstream(&ledger).start();
    let load = Load::start(&extension, 8);
    load.serve(50);
    let shown = |certificate: &str| ledger.was_called_with(certificate);
    for round in 0..8 {
        let next = world.identity(20, 5 + round);
        world.publish(HOME, &next);
        let certificate = next.certificate_sha256();
        identities.push(next);
        // The next look is due in a minute.
        extension.environment.skip(Duration::from_secs(61));
        wait_until("the new certificate", || shown(&certificate));
        load.serve(25);
    }
    let served = load.finish();
    let hits = ledger.hits();
    assert_eq!(hits.len(), served, "each request arrived once");
    let seen: BTreeSet<_> = hits.into_iter().filter_map(|hit| hit.certificate_sha256).collect();
    let published: BTreeSet<_> = identities.iter().map(e2e::mesh::Svid::certificate_sha256).collect();
    assert_eq!(seen, published);
}

#[test]
fn freezes_under_load_lose_no_request() {
    let world = World::new();
    let ledger = world.app("ledger");
    let mut extension = world.plan().upstream(&ledger).start();
    let load = Load::start(&extension, 4);
    for _ in 0..10 {
        load.serve(10);
        extension.environment.freeze();
        extension.environment.thaw_after(Duration::from_secs(30));
    }
    load.serve(10);
    let served = load.finish();
    assert_eq!(ledger.hits().len(), served, "each request arrived once");
}
