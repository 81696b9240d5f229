//! The calls that the model host makes for a worker: for the token, and to STS.

use irsa_core::session::{NoAnswer, StsCall};

use crate::aws::{EPOCH_MS, Reply, StsHealth, TokenHealth, TokenListener};
use crate::plan::Defect;
use crate::rules::{Rule, Verdict, hold, shows_no_secret};
use crate::world::{Event, World};

impl World<'_> {
    pub(crate) fn read_token(&mut self, worker: usize, timeout_ms: u64) -> Verdict {
        self.outcome.token_calls += 1;
        self.books.attempt(self.now_ms)?;
        let latency = self.rng.within(1, 40);
        let (after, reply) = if self.workers[worker].is_main {
            (latency, Ok(Reply { status: 503, date: None, body: b"upstream connect error".to_vec() }))
        } else {
            match (self.token.answer(), self.token.health) {
                (Some(reply), _) => {
                    self.books.token_of.insert(worker, TokenListener::token(self.token.rotation));
                    (latency, Ok(reply))
                }
                (None, TokenHealth::UnknownCluster) => (0, Err(NoAnswer::UnknownCluster)),
                (None, _) => (timeout_ms, Err(NoAnswer::Unreachable)),
            }
        };
        let vm = self.workers[worker].vm;
        let event = Event::TokenAnswer { worker, vm, reply };
        if self.plan.defect == Defect::TwiceAnswered {
            self.push(self.now_ms + after + 1, event.clone());
        }
        self.push(self.now_ms + after, event);
        Ok(())
    }

    pub(crate) fn call_sts(&mut self, worker: usize, call: &StsCall) -> Verdict {
        self.outcome.sts_calls += 1;
        shows_no_secret(&format!("{call:?}"))?;
        self.books.call_begins(&mut self.outcome)?;
        let token = self.books.token_of.get(&worker).cloned().unwrap_or_default();
        let asks = core::str::from_utf8(call.body.expose()).unwrap();
        hold(Rule::FreshToken, asks.ends_with(&format!("&WebIdentityToken={token}")), || {
            format!("worker {worker} was last given {token} but sent {asks}")
        })?;
        let (least, most) = self.plan.sts_latency_ms;
        let latency = self.rng.within(least, most).min(call.timeout_ms - 1);
        let reply = self.sts.answer(EPOCH_MS + self.now_ms + latency / 2, &token);
        let after = match (&reply, self.sts.health) {
            (Some(_), _) => latency,
            (None, StsHealth::Slow) => call.timeout_ms,
            (None, _) => latency.min(50),
        };
        let after = if let Defect::LateAnswers(ms) = self.plan.defect { after + ms } else { after };
        let vm = self.workers[worker].vm;
        if self.plan.defect == Defect::TwiceAnswered {
            let again = Event::StsAnswer { worker, vm, reply: reply.clone(), again: true };
            self.push(self.now_ms + after + 1, again.clone());
            self.push(self.now_ms + after + self.plan.life_ms / 2, again);
        }
        self.push(self.now_ms + after, Event::StsAnswer { worker, vm, reply, again: false });
        Ok(())
    }
}
