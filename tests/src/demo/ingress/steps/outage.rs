//! STS goes away past a refresh, then past the credentials' end, and comes back.

use std::panic;
use std::thread;
use std::time::{Duration, Instant};

use super::nothing_unsigned;
use crate::aws::{Fault, Service};
use crate::demo::Stop;
use crate::demo::ingress::LIFETIME;
use crate::demo::ingress::stage::{Asked, Gateway, Stage};
use crate::demo::ingress::traffic::{Tally, Traffic};
use crate::demo::screen::{Look, Screen, seconds};

/// Callers of each ingress that ask all the time.
const CALLERS: usize = 2;
/// The longest pause of the filter between two attempts, and time for the exchange.
const ONE_BACK_OFF: Duration = Duration::from_secs(33);
/// The filter holds a request for the shipped timeout of STS, and a second more; a busy machine takes longer.
const REFUSED_WITHIN: Duration = Duration::from_secs(15);
/// How the filter counts an exchange that failed because STS was not there.
const FAILED: &str = "exchange.failed.sts-unavailable";

pub(super) fn past_a_refresh(stage: &Stage, screen: &mut Screen) -> Result<(), Stop> {
    let (sts, gateways) = (stage.world.aws.sts_control(), stage.gateways());
    let held: u64 = gateways.iter().map(|gateway| gateway.metric("held")).sum();
    let traffic = gateways.map(|gateway| Traffic::start(CALLERS, &gateway.ingress.web(), &gateway.usual));
    let served = || format!("{} requests served", traffic.iter().map(Traffic::served).sum::<u64>());
    screen.note(&format!("{CALLERS} callers of each ingress ask all the time from now on"));

    let ends = gateways.map(|gateway| gateway.metric("expires_at"));
    let refreshed = || gateways.iter().zip(ends).all(|(gateway, end)| gateway.metric("expires_at") > end);
    let begun = Instant::now();
    let waiting = "a refresh while STS is there";
    if screen.wait(waiting, LIFETIME, || if refreshed() { Look::There(()) } else { Look::NotYet(served()) })?.is_none()
    {
        return Err(Stop::Failed(format!("no refresh within {}; see {}", seconds(LIFETIME), logs(stage))));
    }
    screen.saw("refresh", format!("both ingresses have new sessions after {}; {}", seconds(begun.elapsed()), served()));

    sts.set(Fault::Down);
    let failures = gateways.map(|gateway| gateway.metric(FAILED));
    screen.saw("STS", "is taken away: connections to it are closed at once");
    let ends = gateways.map(|gateway| gateway.metric("expires_at"));
    let waiting = "the credentials near their end";
    let near_the_end = || {
        // Up to a second before: by then they could end under way.
        let now = stage.world.aws.clock().unix();
        let near = |end: &u64| now + 1 >= *end;
        traffic.iter().zip(&ends).filter(|(_, end)| near(end)).for_each(|(traffic, _)| traffic.stop());
        if ends.iter().all(near) { Look::There(()) } else { Look::NotYet(served()) }
    };
    screen.wait(waiting, LIFETIME * 2, near_the_end)?;
    let tally = traffic.into_iter().map(Traffic::finish).fold(Tally::default(), Tally::and);

    let failed = gateways.iter().zip(failures).map(|(gateway, before)| gateway.metric(FAILED) - before);
    let failed: Vec<u64> = failed.collect();
    screen.saw("metrics", format!("{FAILED}: S3 +{}, API +{}", failed[0], failed[1]));
    screen.saw("log", line_about_refresh(&stage.s3));
    let (count, slowest) = (tally.served, seconds(tally.slowest));
    screen.saw("requests", format!("{count} served, {} lost, slowest {slowest}", tally.lost.len()));
    screen.holds("a refresh failed at both, and the metrics say so", failed.iter().all(|count| *count > 0), "none");
    let log_says = gateways.iter().all(|gateway| gateway.ingress.envoy.logs().contains("the present ones stay in use"));
    screen.holds("so do the logs", log_says, "no such line");
    screen.holds("requests were served", count > 0, "none");
    let first =
        tally.lost.first().map_or("0".to_owned(), |first| format!("{}, the first by {first}", tally.lost.len()));
    screen.expect("requests lost", 0, first);
    let waited = gateways.iter().map(|gateway| gateway.metric("held")).sum::<u64>() - held;
    screen.expect("requests that had to wait", 0, waited);
    nothing_unsigned(stage, screen);
    Ok(())
}

pub(super) fn past_expiry(stage: &Stage, screen: &mut Screen) -> Result<(), Stop> {
    let ended = || stage.gateways().iter().all(|gateway| gateway.readiness() == 503);
    screen.wait_until("the credentials end", LIFETIME, ended)?;
    for gateway in stage.gateways() {
        screen.expect(&format!("{}: readiness", gateway.title()), 503, gateway.readiness());
    }
    let arrived = || [Service::S3, Service::ExecuteApi].map(|service| stage.world.aws.journal().of(service).len());
    let before = arrived();
    let asked = ask_all_at_once(stage, screen)?;
    for (name, asked) in &asked {
        screen.saw(&format!("{name} ingress"), format!("{asked}: {}", asked.reason()));
    }
    screen.note("each was held for sts.timeout_seconds + 1 s or less (6 s as shipped), in the hope that STS returns");
    let good = |asked: &Asked| asked.status() == "503" && asked.reason() == "no-credentials";
    let count = asked.iter().filter(|(_, asked)| good(asked)).count();
    screen.expect("refused with 503 no-credentials", asked.len(), count);
    screen.expect("requests of these at AWS", 0, arrived().iter().sum::<usize>() - before.iter().sum::<usize>());
    nothing_unsigned(stage, screen);
    Ok(())
}

pub(super) fn return_of_sts(stage: &Stage, screen: &mut Screen) -> Result<(), Stop> {
    // Ordinary sessions from now on.
    stage.world.aws.sts_control().hand_out_lifetime(None);
    stage.world.aws.sts_control().set(Fault::Healthy);
    let begun = Instant::now();
    let mut back = [None, None];
    let all_back = || {
        for (gateway, back) in stage.gateways().iter().zip(&mut back) {
            if back.is_none() && gateway.readiness() == 200 {
                *back = Some(begun.elapsed());
            }
        }
        back.iter().all(Option::is_some)
    };
    screen.wait_until("the next attempt of each ingress", ONE_BACK_OFF, all_back)?;
    for (gateway, back) in stage.gateways().iter().zip(back) {
        let name = gateway.title();
        let after = back.map_or("not back".to_owned(), |after| format!("back after {}", seconds(after)));
        let asked = gateway.ask(&gateway.usual);
        let life = gateway.metric("expires_at").saturating_sub(stage.world.aws.clock().unix());
        screen.saw(&format!("{name} ingress"), format!("{after}, new session for {life} s; a request -> {asked}"));
        let claim = format!("{name}: service within one back-off (30 s at most)");
        screen.holds(&claim, back.is_some(), format!("nothing for {}", seconds(ONE_BACK_OFF)));
        screen.expect(&format!("{name}: a request"), 200, asked.status());
        screen.expect(&format!("{name}: still the same process"), gateway.pid, gateway.ingress.envoy.pid());
    }
    nothing_unsigned(stage, screen);
    Ok(())
}

/// Three callers at each ingress, all at the same time, because each may be held for some seconds.
fn ask_all_at_once(stage: &Stage, screen: &mut Screen) -> Result<Vec<(&'static str, Asked)>, Stop> {
    thread::scope(|scope| {
        let ask = |gateway| move || (Gateway::title(gateway), gateway.ask(&gateway.usual));
        let callers = stage.gateways().into_iter().flat_map(|gateway| [gateway; 3]);
        let callers: Vec<_> = callers.map(|gateway| scope.spawn(ask(gateway))).collect();
        let answered = || callers.iter().all(|caller| caller.is_finished());
        screen.wait_until(&format!("answers to {} requests", callers.len()), REFUSED_WITHIN, answered)?;
        Ok(callers.into_iter().map(|caller| caller.join().unwrap_or_else(|e| panic::resume_unwind(e))).collect())
    })
}

/// What the filter said of a refresh that failed.
fn line_about_refresh(gateway: &Gateway) -> String {
    let log = gateway.ingress.envoy.logs();
    let line = log.lines().rev().find(|line| line.contains("the present ones stay in use")).unwrap_or("no such line");
    let words = line.rsplit("irsa-signer: ").next().unwrap_or(line);
    words.replace(" could not be refreshed", "\ncould not be refreshed").replace("; ", ";\n")
}

fn logs(stage: &Stage) -> String {
    stage.gateways().map(|gateway| gateway.ingress.envoy.dir().join("envoy.log").display().to_string()).join(", ")
}
