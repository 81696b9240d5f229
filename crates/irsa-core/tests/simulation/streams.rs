//! The requests of the model host, and the judgement on what becomes of each.

use irsa_core::session::Event as Told;
use irsa_core::{Arrival, Body, Placement, Reason, Step};

use crate::plan::{Action, Defect, Kind};
use crate::rules::{Broken, Rule, Verdict, hold, is_for_lack_of_credentials, is_signed, shows_no_secret};
use crate::worker::{CALLER, Request, headers};
use crate::world::{Event, Part, World};

/// What `longest_wait_ms` leaves a tick that comes when the time is up.
const A_TICK_MS: u64 = 1_000;
const FAST_TICK_MS: u64 = 20;
const MOST_PER_TICK: usize = 64;

impl World<'_> {
    pub(crate) fn arrive(&mut self, worker: usize, id: u32, kind: Kind) -> Verdict {
        let free_at =
            self.workers[worker].stalled_until_ms.max(self.now_ms + u64::from(self.workers[worker].writing.is_some()));
        if free_at > self.now_ms {
            self.push(free_at, Event::Act(Action::Arrive(worker, kind)));
            return Ok(());
        }
        self.look_if_needed(worker);
        let now = self.workers[worker].now(self.wall_ms());
        let has_body = matches!(kind, Kind::Put(_));
        let headers = headers(has_body);
        let arrival = Arrival {
            headers: &headers,
            peer_uri: Some(CALLER.as_bytes()),
            body: if has_body { Body::Follows } else { Body::None },
            placement: Placement::Cluster,
            verified_before: None,
        };
        let before = self.workers[worker].ingress.waiting();
        let (exchange, step) = self.workers[worker].ingress.on_headers(now, id, &arrival);
        let request = Request { exchange, headers, waits_since_ms: None, is_decided: false };
        self.workers[worker].requests.insert(id, request);
        self.decide(worker, id, step, before)?;
        let vm = self.workers[worker].vm;
        match kind {
            Kind::Get => {}
            Kind::Put(pieces) => {
                let mut at = self.now_ms;
                for _ in 0..pieces {
                    at += self.rng.within(0, 400);
                    self.push(at, Event::Stream { worker, vm, id, part: Part::Piece });
                }
                at += self.rng.within(0, 400);
                self.push(at, Event::Stream { worker, vm, id, part: Part::End });
            }
            Kind::HangUp(after) => {
                self.push(self.now_ms + after, Event::Stream { worker, vm, id, part: Part::HangUp });
            }
        }
        self.schedule(worker, false);
        Ok(())
    }

    pub(crate) fn stream(&mut self, worker: usize, id: u32, part: Part) -> Verdict {
        if !self.workers[worker].requests.contains_key(&id) {
            return Ok(());
        }
        self.look_if_needed(worker);
        let now = self.workers[worker].now(self.wall_ms());
        let vm = &mut self.workers[worker];
        let before = vm.ingress.waiting();
        let Some(request) = vm.requests.get_mut(&id) else { return Ok(()) };
        let Request { exchange, headers, .. } = request;
        let step = match part {
            Part::Piece => vm.ingress.on_body(now, id, exchange, headers, b"a piece of a body"),
            Part::End => vm.ingress.on_end(now, id, exchange, headers),
            Part::HangUp | Part::Done => {
                vm.requests.remove(&id);
                if self.plan.defect != Defect::SilentHangUps {
                    vm.ingress.leave(id);
                }
                return Ok(());
            }
        };
        self.decide(worker, id, step, before)
    }

    /// What the adapter must do before it hands a request to a core without credentials.
    fn look_if_needed(&mut self, worker: usize) {
        let now = self.workers[worker].now(self.wall_ms());
        if !self.workers[worker].ingress.has_credentials(now) && self.plan.defect != Defect::Blind {
            self.with_shared(worker, |ingress, shared| ingress.keeper().observe(now, shared));
        }
    }

    /// The end of a tick: releases whose wait is over.
    pub(crate) fn after_tick(&mut self, worker: usize) -> Verdict {
        let now = self.workers[worker].now(self.wall_ms());
        let released = self.workers[worker].ingress.released(now);
        hold(Rule::BoundedRelease, released.len() <= MOST_PER_TICK, || format!("{} are released", released.len()))?;
        for id in released {
            let vm = &mut self.workers[worker];
            let request = vm.requests.get_mut(&id).ok_or_else(|| Broken {
                rule: Rule::GoneIsGone,
                what: format!("request {id} of worker {worker} is released after it was gone"),
            })?;
            let step = vm.ingress.release(now, &mut request.exchange, &request.headers);
            let before = vm.ingress.waiting();
            self.decide(worker, id, step, before)?;
        }
        let vm = &mut self.workers[worker];
        let longest_ms = vm.ingress.keeper().longest_wait_ms();
        // Sixty-four at a tick: whoever stands behind others waits for more ticks, which are fast ones.
        let most_ms = longest_ms + A_TICK_MS + FAST_TICK_MS * (self.plan.max_waiting as u64 / 64);
        for (id, request) in &vm.requests {
            let waited = request.waits_since_ms.map_or(0, |since_ms| vm.steady_ms - since_ms);
            hold(Rule::BoundedWait, waited <= most_ms, || format!("request {id} waits for {waited} ms"))?;
        }
        self.report(worker)
    }

    /// Judges a decision. `before`: how many waited before it.
    fn decide(&mut self, worker: usize, id: u32, step: Step, before: usize) -> Verdict {
        let now = self.workers[worker].now(self.wall_ms());
        let until_ms = self.books.valid_until_ms();
        let most = self.plan.max_waiting;
        let true_ms = self.true_ms();
        let (plan, done_at) = (self.plan, self.now_ms + 30);
        let vm = &mut self.workers[worker];
        let aws_ms = vm.ingress.keeper().aws_ms(now);
        let waiting = vm.ingress.waiting();
        hold(Rule::BoundedWaiting, waiting <= most, || format!("{waiting} wait, {most} may"))?;
        let Some(request) = vm.requests.get_mut(&id) else { return Ok(()) };
        let was_decided = request.is_decided;
        let in_vain = |what: &str| {
            let what =
                format!("at {} ms worker {worker} {what}, with credentials until {until_ms} at {aws_ms}", done_at - 30);
            hold(Rule::NeverWaitsInVain, until_ms <= aws_ms, || what)
        };
        match step {
            Step::Pass => return Ok(()),
            Step::Hold => {
                if waiting > before {
                    request.waits_since_ms = Some(vm.steady_ms);
                    self.outcome.waited += 1;
                    in_vain("lets a request wait")?;
                }
                return Ok(());
            }
            Step::Reject(refusal) => {
                shows_no_secret(&format!("{refusal:?} {}", refusal.body()))?;
                *self.outcome.refused.entry(refusal.reason.as_str()).or_default() += 1;
                let has_waited = request.waits_since_ms.is_some() && refusal.reason == Reason::TooManyWaiting;
                hold(Rule::BoundedWaiting, !has_waited, || format!("request {id} waits, and is one too many"))?;
                hold(Rule::BoundedWait, is_for_lack_of_credentials(refusal.reason), || format!("{refusal:?}"))?;
                in_vain(&format!("refuses a request with {}", refusal.reason))?;
            }
            Step::Forward(changes) => {
                shows_no_secret(&format!("{changes:?}"))?;
                let verify = self.verified.insert(changes.access_key_id.clone());
                let expires_ms = is_signed(&changes, &request.headers, plan.s3, &self.sts, verify)?;
                self.outcome.forwarded += 1;
                hold(Rule::NeverUnsigned, aws_ms < expires_ms, || {
                    format!("signed at {aws_ms} by the corrected clock with what expired at {expires_ms}")
                })?;
                // What the clock may be off by: nothing, or what is not corrected, or the way of the answer.
                let tolerated_ms = if plan.has_jumps() { u64::MAX } else { plan.uncorrected_ms() };
                hold(Rule::NeverUnsigned, true_ms.saturating_sub(tolerated_ms) < expires_ms, || {
                    format!("signed at {true_ms} by AWS's clock with what expired at {expires_ms}")
                })?;
                let off_ms = aws_ms.abs_diff(true_ms);
                hold(Rule::ClockIsCorrected, off_ms <= tolerated_ms, || format!("the clock is off by {off_ms} ms"))?;
            }
        }
        request.waits_since_ms = None;
        request.is_decided = true;
        hold(Rule::GoneIsGone, !was_decided, || format!("request {id} of worker {worker} is decided twice"))?;
        let vm = vm.vm;
        self.push(done_at, Event::Stream { worker, vm, id, part: Part::Done });
        Ok(())
    }

    /// What a worker tells of goes into the books, and must hold no secret.
    pub(crate) fn report(&mut self, worker: usize) -> Verdict {
        for event in self.workers[worker].ingress.keeper().take_events() {
            shows_no_secret(&format!("{event:?}"))?;
            if let Told::Issued { expires_ms, .. } = &event {
                let known = self.sts.issued.values().any(|set| set.expires_ms == *expires_ms);
                hold(Rule::NeverUnsigned, known, || format!("nothing expires at {expires_ms}"))?;
            }
            self.books.event(self.now_ms, &event, &mut self.outcome)?;
        }
        Ok(())
    }

    /// Everything was well for long enough: all workers must serve.
    pub(crate) fn check_the_end(&mut self) -> Verdict {
        let is_judged = self.plan.then_ms.is_none();
        for worker in 0..self.plan.workers {
            let now = self.workers[worker].now(self.wall_ms());
            let serves = self.workers[worker].ingress.has_credentials(now);
            if worker == 0 {
                shows_no_secret(&format!("{:?}", self.workers[worker]))?;
            }
            hold(Rule::Recovery, serves || !is_judged, || {
                let keeper = format!("{:?}", self.workers[worker].ingress.keeper());
                format!(
                    "worker {worker} has no credentials {} ms after everything is well: {keeper}",
                    self.outcome.recovered_after_ms
                )
            })?;
            if is_judged && self.workers[worker].writing.is_none() {
                let before = self.outcome.forwarded;
                self.arrive(worker, u32::MAX, Kind::Get)?;
                hold(Rule::Recovery, self.outcome.forwarded == before + 1, || {
                    format!("worker {worker} does not serve")
                })?;
            }
        }
        Ok(())
    }
}
