//! Freeze, thaw, and the clock of processes that run already.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use e2e::lambda::{Options, Runtime};

use crate::support::{Puppet, Starting, patient, site, started, text_of, wait_for};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Speaks for itself through files: where the API is, and its own time, again and again.
const TICKING: &str = r#"#!/bin/bash
printf %s "$AWS_LAMBDA_RUNTIME_API" >"$TMPDIR/api"
while :; do
  echo "$EPOCHSECONDS $((++count))" >"$TMPDIR/beside"
  mv "$TMPDIR/beside" "$TMPDIR/now"
  sleep 0.01
done
"#;

fn ticking() -> (Starting, Puppet) {
    let site = site(&[]);
    site.install_script("ticking", TICKING).unwrap();
    let starting = Starting::begin(site, patient());
    let puppet = starting.puppet("ticking");
    (starting, puppet)
}

/// Seconds since 1970 as the process saw them, and how often it had looked.
fn tick(file: &Path) -> (u64, u64) {
    let text = text_of(file);
    let (time, count) = text.trim().split_once(' ').unwrap();
    (time.parse().unwrap(), count.parse().unwrap())
}

fn unix(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

fn state_of(pid: u32) -> String {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(')').unwrap().1.trim_start()[..1].to_owned()
}

#[test]
fn a_frozen_process_does_nothing_and_a_thawed_one_sees_that_time_has_passed() {
    let (starting, mut puppet) = ticking();
    let now = starting.temporary.join("now");
    puppet.register(&[]);
    puppet.next();
    let mut environment = starting.finish();
    let before = unix(environment.clock().shared().now());
    assert!(tick(&now).0.abs_diff(before) < 120);

    environment.freeze();
    assert_eq!(state_of(environment.pid_of("ticking")), "T");
    let (_, count) = tick(&now);

    environment.thaw_after(DAY);
    let after = wait_for("a tick after the thaw", || Some(tick(&now)).filter(|(_, ticks)| *ticks > count + 1)).0;
    assert!(after >= before + DAY.as_secs(), "{after} is not a day after {before}");
    assert!(after.abs_diff(unix(environment.clock().shared().now())) < 120, "doubles and processes agree on the time");
}

#[test]
fn an_invocation_thaws_what_was_frozen_and_its_deadline_goes_by_the_moved_clock() {
    let deadline = Runtime::Closure(std::sync::Arc::new(|event| Ok(event.deadline_ms.to_string().into_bytes())));
    let (mut environment, _puppet, _next) = started(&[], Options { runtime: deadline, ..patient() });
    let before = unix(environment.clock().shared().now());
    environment.freeze();
    environment.thaw_after(DAY);
    environment.freeze();
    let outcome = environment.invoke("");
    let deadline: u64 = std::str::from_utf8(outcome.payload()).unwrap().parse().unwrap();
    let expected = (before + DAY.as_secs() + 30) * 1000;
    assert!(deadline >= expected && deadline < expected + 120_000, "{deadline} for {expected}");
}
