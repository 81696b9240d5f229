//! One worker's part in keeping the credentials fresh: a state machine that is told of events and says what to do.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::ToString;
use alloc::vec::Vec;

use sts::{AssumeRole, StsError, WebIdentityToken, read_answer};

use super::clock::{ClockOffset, Now, parse_http_date};
use super::outage::{Event, Failure, Outage};
use super::schedule::LONGEST_PAUSE_MS;
use super::slot::{Live, Shared, Slot, Write};
use super::step::{Answer, NoAnswer, Prospect, RootStep, StsCall, TokenCall};
use super::terms::{TOKEN_TIMEOUT_MS, Terms};

/// A worker whose token call failed lets the others try first, until one succeeds: Envoy's main thread, where an
/// internal listener cannot be called, has a VM too. Longer than a slow tick, so that the others do come first; and
/// twice as long for the worker that tried last, so that two such workers take turns.
const HANDICAP_MS: u64 = 1_500;
/// Reading the token costs nothing and leaves no trace at STS: after so many failures the pauses grow no longer.
const MOST_TOKEN_FAILURES: u32 = 3;
/// Credentials that were obtained this far in the future mean that the clock went back.
const CLOCK_WENT_BACK_MS: u64 = 60_000;

/// One worker's state of one session.
#[derive(Debug)]
pub struct Keeper {
    terms: Terms,
    /// The shared value as it was last seen, and its version.
    slot: Slot,
    version: Option<u32>,
    /// Since when, by the steady clock, the present fence has been seen leased.
    leased_since_ms: u64,
    /// What this worker signs with. Survives the loss of the shared value.
    live: Option<Rc<Live>>,
    attempt: Option<Attempt>,
    outcome: Option<Outcome>,
    /// What the last [`Keeper::settle`] wants the shared value to become.
    settling: Option<Slot>,
    /// The fence of this worker's last token call, if that failed.
    token_failed: Option<u64>,
    /// Since when, by the steady clock, an attempt is wanted that nobody is at.
    due_since_ms: Option<u64>,
    events: Vec<Event>,
}

#[derive(Debug)]
struct Attempt {
    fence: u64,
    since_ms: u64,
    /// The same by the wall clock, which goes on while this thread is stopped.
    since_wall_ms: u64,
    stage: Stage,
}

impl Attempt {
    fn new(fence: u64, now: Now, stage: Stage) -> Self {
        Self { fence, since_ms: now.steady_ms, since_wall_ms: now.wall_ms, stage }
    }
}

#[derive(Debug)]
enum Stage {
    Claiming,
    ReadingToken,
    /// Kept only so that STS's message can be searched for it.
    AtSts(WebIdentityToken),
}

#[derive(Debug)]
struct Outcome {
    fence: u64,
    result: Result<Issue, Failure>,
}

#[derive(Debug)]
struct Issue {
    live: Rc<Live>,
    offset: ClockOffset,
}

impl Keeper {
    /// A worker that knows nothing yet.
    #[must_use]
    pub fn new(terms: Terms) -> Self {
        Self {
            terms,
            slot: Slot::default(),
            version: None,
            leased_since_ms: 0,
            live: None,
            attempt: None,
            outcome: None,
            settling: None,
            token_failed: None,
            due_since_ms: None,
            events: Vec::new(),
        }
    }

    /// Until when, by AWS's clock, a session has credentials, judged by its shared value alone; else why it has none.
    pub(crate) fn peek(now: Now, shared: Shared<'_>) -> Result<u64, Option<Outage>> {
        let slot = shared.value.and_then(Slot::decode).unwrap_or_default();
        let live = slot.live.as_ref().filter(|live| live.expires_ms > slot.offset.aws_ms(now));
        live.map(|live| live.expires_ms).ok_or(slot.outage)
    }

    /// The key of the shared value.
    #[must_use]
    pub fn shared_key(&self) -> &str {
        &self.terms.key
    }

    /// How long a request may wait for the first credentials.
    #[must_use]
    pub fn longest_wait_ms(&self) -> u64 {
        self.terms.longest_wait_ms()
    }

    /// AWS's time as far as it is known, in milliseconds since 1970.
    #[must_use]
    pub fn aws_ms(&self, now: Now) -> u64 {
        self.slot.offset.aws_ms(now)
    }

    /// The credentials to sign with, if they are valid now.
    #[must_use]
    pub fn current(&self, now: Now) -> Option<&Rc<Live>> {
        self.live.as_ref().filter(|live| live.expires_ms > self.aws_ms(now))
    }

    /// Whether an attempt by this worker is under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.attempt.is_some() || self.outcome.is_some()
    }

    /// Whether nobody has tried to get credentials yet.
    #[must_use]
    pub fn is_untried(&self) -> bool {
        self.live.is_none() && self.slot.failures == 0
    }

    /// What happened since the last call, for logs and metrics.
    pub fn take_events(&mut self) -> Vec<Event> {
        core::mem::take(&mut self.events)
    }

    /// Whether a request without credentials has anything to wait for until `deadline_ms` of the steady clock.
    #[must_use]
    pub fn prospect(&self, now: Now, deadline_ms: u64) -> Prospect {
        let left_ms = deadline_ms.saturating_sub(now.steady_ms);
        let next = self.next_attempt_in_ms(now);
        if left_ms > 0 && (self.slot.leased || next <= left_ms) {
            Prospect::Wait
        } else {
            Prospect::None(self.slot.outage)
        }
    }

    /// Looks at the shared value, and adopts what is better there.
    pub fn observe(&mut self, now: Now, shared: Shared<'_>) {
        if shared.version.is_some() && shared.version == self.version {
            return;
        }
        // A value that was lost takes what this worker knows of AWS's clock with it no more than its credentials.
        let lost = || Slot { offset: self.slot.offset, ..Slot::default() };
        let slot = shared.value.and_then(Slot::decode).unwrap_or_else(lost);
        if slot.leased && (!self.slot.leased || slot.fence != self.slot.fence) {
            self.leased_since_ms = now.steady_ms;
        }
        self.slot = slot;
        self.version = shared.version;
        self.adopt();
    }

    fn adopt(&mut self) {
        if let Some(shared) = &self.slot.live
            && self.live.as_ref().is_none_or(|mine| mine.expires_ms <= shared.expires_ms)
        {
            self.live = Some(Rc::clone(shared));
        }
    }

    /// A tick of the root context, with the shared value as it is now.
    pub fn on_tick(&mut self, now: Now, shared: Shared<'_>) -> RootStep {
        self.observe(now, shared);
        if self.outcome.is_some() {
            return RootStep::Settle;
        }
        if let Some(attempt) = &self.attempt {
            // The host answers every call; should one be lost all the same, the attempt is given up with its lease.
            if now.steady_ms.saturating_sub(attempt.since_ms) <= self.terms.lease_ms() {
                return RootStep::Rest;
            }
            self.attempt = None;
        }
        if !self.may_claim(now) {
            return RootStep::Rest;
        }
        self.due_since_ms = None;
        let fence = self.slot.fence.wrapping_add(1);
        self.attempt = Some(Attempt::new(fence, now, Stage::Claiming));
        // Should the shared value have been lost, what this worker still has goes with the claim.
        let live = self.slot.live.clone().or_else(|| self.live.clone());
        let claim = Slot { fence, leased: true, live, ..self.slot.clone() };
        RootStep::Claim(Write { value: claim.encode(), expect: shared.expect() })
    }

    /// Whether the lease was written. If it was not, another worker was faster, and the next tick shows its lease.
    pub fn on_claim(&mut self, now: Now, written: bool) -> RootStep {
        match self.attempt.take() {
            Some(Attempt { fence, stage: Stage::Claiming, .. }) if written => {
                self.slot.fence = fence;
                self.slot.leased = true;
                self.leased_since_ms = now.steady_ms;
                self.attempt = Some(Attempt::new(fence, now, Stage::ReadingToken));
                RootStep::ReadToken(TokenCall { timeout_ms: TOKEN_TIMEOUT_MS })
            }
            _ => RootStep::Rest,
        }
    }

    /// The answer to [`RootStep::ReadToken`].
    pub fn on_token(&mut self, now: Now, answer: Result<Answer<'_>, NoAnswer>) -> RootStep {
        // An answer that nobody waits for must not end the attempt that is under way.
        let is_awaited = |attempt: &mut Attempt| matches!(attempt.stage, Stage::ReadingToken);
        let Some(attempt) = self.attempt.take_if(is_awaited) else {
            return RootStep::Rest;
        };
        let fence = attempt.fence;
        let token = if now.wall_ms.abs_diff(attempt.since_wall_ms) > self.terms.latest_sts_call_ms() {
            // This thread was stopped: another worker may be about to take over, or have done so.
            Err(Failure::no_token("the answer of the token listener was seen too late".into()))
        } else {
            read_token(answer)
        };
        match token {
            Ok(token) => {
                self.events.push(Event::TokenRead);
                self.token_failed = None;
                let body = AssumeRole {
                    role_arn: &self.terms.role_arn,
                    session_name: &self.terms.session_name,
                    duration_seconds: self.terms.duration_seconds,
                    policy: self.terms.policy.as_deref(),
                }
                .form_body(&token);
                self.attempt = Some(Attempt { stage: Stage::AtSts(token), ..attempt });
                RootStep::CallSts(StsCall { body, timeout_ms: self.terms.sts_timeout_ms })
            }
            Err(failure) => {
                self.token_failed = Some(fence);
                self.outcome = Some(Outcome { fence, result: Err(failure) });
                RootStep::Settle
            }
        }
    }

    /// The answer to [`RootStep::CallSts`].
    pub fn on_sts(&mut self, now: Now, answer: Result<Answer<'_>, NoAnswer>) -> RootStep {
        let is_awaited = |attempt: &mut Attempt| matches!(attempt.stage, Stage::AtSts(_));
        let Some(Attempt { fence, stage: Stage::AtSts(token), .. }) = self.attempt.take_if(is_awaited) else {
            return RootStep::Rest;
        };
        let result = match answer {
            Ok(answer) => self.read_issue(now, answer, &token).map_err(Failure::from),
            Err(NoAnswer::UnknownCluster) => Err(StsError::unreachable("envoy has no such cluster").into()),
            Err(NoAnswer::Unreachable) => Err(StsError::unreachable("no answer in time").into()),
        };
        self.outcome = Some(Outcome { fence, result });
        RootStep::Settle
    }

    /// Makes of the shared value, as it is now, what it must become. `None` when there is nothing to write.
    pub fn settle(&mut self, now: Now, shared: Shared<'_>) -> Option<Write> {
        self.observe(now, shared);
        let outcome = self.outcome.as_ref()?;
        let mut slot = self.slot.clone();
        let mine = slot.leased && slot.fence == outcome.fence;
        if mine {
            slot.leased = false;
        }
        match &outcome.result {
            Ok(issue) => {
                // Good credentials are good whoever holds the lease by now; the longer-lived ones stay.
                if slot.live.as_ref().is_none_or(|live| live.expires_ms < issue.live.expires_ms) {
                    slot.live = Some(Rc::clone(&issue.live));
                }
                slot.offset = issue.offset;
                slot.failures = 0;
                slot.next_attempt_ms = 0;
                slot.outage = None;
            }
            Err(_) if !mine => {
                // Another worker took over: its attempt is the one that counts.
                self.outcome = None;
                return None;
            }
            Err(failure) => {
                slot.failures = slot.failures.saturating_add(1);
                slot.outage = Some(failure.outage);
                let failures = match failure.outage {
                    Outage::NoToken => slot.failures.min(MOST_TOKEN_FAILURES),
                    Outage::StsDenied | Outage::StsUnavailable => slot.failures,
                };
                let pause_ms = self.terms.spread.pause_ms(failure.retry, failures, slot.fence);
                slot.next_attempt_ms = now.wall_ms.saturating_add(pause_ms);
            }
        }
        let write = Write { value: slot.encode(), expect: shared.expect() };
        self.settling = Some(slot);
        Some(write)
    }

    /// Whether what [`Keeper::settle`] returned was written.
    pub fn on_settled(&mut self, now: Now, written: bool) {
        let (Some(slot), true) = (self.settling.take(), written) else { return };
        // The host does not tell the new version: the next look reads the value anew.
        self.version = None;
        self.slot = slot;
        self.adopt();
        let event = match self.outcome.take().map(|outcome| outcome.result) {
            Some(Ok(Issue { live, offset })) => {
                Event::Issued { expires_ms: live.expires_ms, clock_offset_s: offset.seconds() }
            }
            Some(Err(Failure { outage, code, message, .. })) => {
                Event::Failed { outage, code, message, retry_in_ms: self.next_attempt_in_ms(now) }
            }
            None => return,
        };
        self.events.push(event);
    }

    fn may_claim(&mut self, now: Now) -> bool {
        let lease_is_held =
            self.slot.leased && now.steady_ms.saturating_sub(self.leased_since_ms) < self.terms.lease_ms();
        if lease_is_held || self.next_attempt_in_ms(now) > 0 || !self.is_due(now) {
            self.due_since_ms = None;
            return false;
        }
        let due_since_ms = *self.due_since_ms.get_or_insert(now.steady_ms);
        let handicap_ms = match self.token_failed {
            None => 0,
            Some(fence) if fence == self.slot.fence => 2 * HANDICAP_MS,
            Some(_) => HANDICAP_MS,
        };
        now.steady_ms.saturating_sub(due_since_ms) >= handicap_ms
    }

    /// Whether new credentials are wanted.
    fn is_due(&self, now: Now) -> bool {
        let aws_ms = self.aws_ms(now);
        self.live.as_ref().is_none_or(|live| {
            aws_ms >= self.terms.spread.refresh_at(live.obtained_ms, live.expires_ms)
                || aws_ms.saturating_add(CLOCK_WENT_BACK_MS) < live.obtained_ms
        })
    }

    fn next_attempt_in_ms(&self, now: Now) -> u64 {
        let pause = self.slot.next_attempt_ms.saturating_sub(now.wall_ms);
        // A longer pause is never written: the wall clock went back since.
        if pause > LONGEST_PAUSE_MS { 0 } else { pause }
    }

    fn read_issue(&mut self, now: Now, answer: Answer<'_>, token: &WebIdentityToken) -> Result<Issue, StsError> {
        let issued = read_answer(answer.status, answer.body, token)?;
        let offset = match answer.date.and_then(parse_http_date) {
            Some(date) => ClockOffset::measured(date, now).unwrap_or_else(|| {
                self.events.push(Event::ClockBeyondCorrection);
                ClockOffset::default()
            }),
            None => self.slot.offset,
        };
        let obtained_ms = offset.aws_ms(now);
        issued.check_valid_at(obtained_ms / 1000)?;
        let expires_ms = issued.expires_at.saturating_mul(1000);
        Ok(Issue { live: Rc::new(Live { credentials: issued.credentials, obtained_ms, expires_ms }), offset })
    }
}

fn read_token(answer: Result<Answer<'_>, NoAnswer>) -> Result<WebIdentityToken, Failure> {
    match answer {
        Ok(answer) if answer.status == 200 => {
            WebIdentityToken::parse(answer.body).map_err(|error| Failure::no_token(error.to_string()))
        }
        Ok(answer) => Err(Failure::no_token(format!("the token listener answered with status {}", answer.status))),
        Err(NoAnswer::UnknownCluster) => {
            Err(Failure::no_token("envoy has no cluster of the name token.cluster".into()))
        }
        Err(NoAnswer::Unreachable) => Err(Failure::no_token("the token listener did not answer".into())),
    }
}
