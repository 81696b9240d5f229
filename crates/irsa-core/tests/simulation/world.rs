//! The model host: a virtual clock, a queue of events, and the adapter's part for every worker.

use std::collections::{BTreeMap, BTreeSet};

use irsa_core::session::{Answer, NoAnswer, RootStep, Shared};

use crate::aws::{EPOCH_MS, Reply, Sts, StsHealth, TokenHealth, TokenListener};
use crate::books::Books;
use crate::plan::{Action, Defect, Plan};
use crate::rng::Rng;
use crate::rules::Verdict;
use crate::shared::SharedData;
use crate::worker::{Worker, Writing};

/// Something that the host does at a time. `vm` tells a VM from the one that took its place.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Act(Action),
    Tick {
        worker: usize,
        vm: u32,
        armed: u32,
    },
    /// The write that a worker is at takes effect.
    Write {
        worker: usize,
        vm: u32,
    },
    TokenAnswer {
        worker: usize,
        vm: u32,
        reply: Result<Reply, NoAnswer>,
    },
    StsAnswer {
        worker: usize,
        vm: u32,
        reply: Option<Reply>,
        again: bool,
    },
    Stream {
        worker: usize,
        vm: u32,
        id: u32,
        part: Part,
    },
}

/// What becomes of a request after its headers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    Piece,
    End,
    HangUp,
    /// It was answered.
    Done,
}

/// What a schedule came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) sts_calls: u64,
    pub(crate) token_calls: u64,
    pub(crate) issued: u64,
    pub(crate) failed: u64,
    pub(crate) forwarded: u64,
    pub(crate) waited: u64,
    pub(crate) refused: BTreeMap<&'static str, u64>,
    /// When, after everything was healed, the last worker had credentials.
    pub(crate) recovered_after_ms: u64,
    pub(crate) most_in_flight: u64,
}

impl Outcome {
    pub(crate) fn add(&mut self, other: &Self) {
        self.sts_calls += other.sts_calls;
        self.token_calls += other.token_calls;
        self.issued += other.issued;
        self.failed += other.failed;
        self.forwarded += other.forwarded;
        self.waited += other.waited;
        for (reason, number) in &other.refused {
            *self.refused.entry(reason).or_default() += number;
        }
    }
}

pub(crate) struct World<'p> {
    pub(crate) plan: &'p Plan,
    pub(crate) rng: Rng,
    /// By AWS's clock, since the start.
    pub(crate) now_ms: u64,
    skew_ms: i64,
    queue: BTreeMap<(u64, u64), Event>,
    pushed: u64,
    pub(crate) shared: SharedData,
    pub(crate) sts: Sts,
    pub(crate) token: TokenListener,
    pub(crate) workers: Vec<Worker>,
    pub(crate) books: Books,
    /// Access keys of which one signature was computed anew: that is enough, and takes most of the time.
    pub(crate) verified: BTreeSet<String>,
    next_id: u32,
    pub(crate) outcome: Outcome,
}

/// Runs a schedule to its end, or to the first invariant that it breaks.
pub(crate) fn run(plan: &Plan) -> Result<Outcome, crate::rules::Broken> {
    World::new(plan).run()
}

impl<'p> World<'p> {
    fn new(plan: &'p Plan) -> Self {
        let mut world = Self {
            plan,
            rng: Rng::new(plan.seed),
            now_ms: 0,
            skew_ms: plan.skew_ms,
            queue: BTreeMap::new(),
            pushed: 0,
            shared: SharedData::new(plan.cas),
            sts: Sts::new(plan.life_ms),
            token: TokenListener { health: TokenHealth::Ok, rotation: 0 },
            workers: Vec::new(),
            books: Books::new(plan),
            verified: BTreeSet::new(),
            next_id: 0,
            outcome: Outcome::default(),
        };
        for (at, action) in &plan.actions {
            world.push(*at, Event::Act(*action));
        }
        for index in 0..plan.workers + usize::from(plan.main_thread) {
            world.workers.push(Worker::start(plan, 0, index >= plan.workers));
            world.schedule(index, false);
        }
        world
    }

    fn run(mut self) -> Result<Outcome, crate::rules::Broken> {
        let end_ms = self.plan.healed_ms + self.plan.then_ms.unwrap_or_else(|| self.books.recovery_ms());
        let mut is_healed = false;
        while let Some(((at, _), event)) = self.queue.pop_first() {
            if !is_healed && at >= self.plan.healed_ms {
                is_healed = true;
                self.sts.health = StsHealth::Ok;
                self.token.health = TokenHealth::Ok;
            }
            if at > end_ms {
                break;
            }
            self.now_ms = at;
            if is_healed && self.plan.then_ms.is_none() && self.has_recovered() {
                break;
            }
            self.handle(event)?;
        }
        self.outcome.recovered_after_ms = self.now_ms.saturating_sub(self.plan.healed_ms);
        if is_healed || self.plan.healed_ms == 0 {
            self.check_the_end()?;
        }
        Ok(self.outcome)
    }

    pub(crate) fn true_ms(&self) -> u64 {
        EPOCH_MS + self.now_ms
    }

    /// What the machine takes for the time.
    pub(crate) fn wall_ms(&self) -> u64 {
        self.true_ms().saturating_add_signed(self.skew_ms)
    }

    pub(crate) fn push(&mut self, at: u64, event: Event) {
        self.pushed += 1;
        self.queue.insert((at, self.pushed), event);
    }

    fn has_recovered(&mut self) -> bool {
        let wall_ms = self.wall_ms();
        self.workers.iter().filter(|worker| !worker.is_main).all(|worker| {
            worker.ingress.has_credentials(worker.now(wall_ms))
                && worker.requests.is_empty()
                && worker.writing.is_none()
        })
    }

    fn handle(&mut self, event: Event) -> Verdict {
        let (worker, vm) = match event {
            Event::Act(action) => return self.act(action),
            Event::StsAnswer { worker, vm, again, .. } => {
                self.books.in_flight -= u64::from(!again);
                (worker, vm)
            }
            Event::Tick { worker, vm, .. }
            | Event::Write { worker, vm }
            | Event::TokenAnswer { worker, vm, .. }
            | Event::Stream { worker, vm, .. } => (worker, vm),
        };
        if self.workers[worker].vm != vm {
            return Ok(());
        }
        let is_writing = self.workers[worker].writing.is_some() && !matches!(event, Event::Write { .. });
        let free_at = self.workers[worker].stalled_until_ms.max(self.now_ms + u64::from(is_writing));
        if free_at > self.now_ms {
            // The thread is busy; what comes to it has to wait.
            let event = match event {
                Event::StsAnswer { worker, vm, reply, .. } => Event::StsAnswer { worker, vm, reply, again: true },
                event => event,
            };
            self.push(free_at, event);
            return Ok(());
        }
        match event {
            Event::Act(_) => {}
            Event::Tick { armed, .. } => return self.tick(worker, armed),
            Event::Write { .. } => return self.write(worker),
            Event::TokenAnswer { reply, .. } => {
                let now = self.workers[worker].now(self.wall_ms());
                let step = self.workers[worker].ingress.keeper().on_token(now, as_answer(&reply));
                self.drive(worker, step)?;
            }
            Event::StsAnswer { reply, .. } => {
                let now = self.workers[worker].now(self.wall_ms());
                let reply = reply.ok_or(NoAnswer::Unreachable);
                let step = self.workers[worker].ingress.keeper().on_sts(now, as_answer(&reply));
                self.drive(worker, step)?;
            }
            Event::Stream { id, part, .. } => self.stream(worker, id, part)?,
        }
        self.schedule(worker, false);
        Ok(())
    }

    fn act(&mut self, action: Action) -> Verdict {
        match action {
            Action::Arrive(worker, kind) => {
                self.next_id += 1;
                self.arrive(worker, self.next_id, kind)?;
            }
            Action::Flood(worker, number) => {
                for _ in 0..number {
                    self.act(Action::Arrive(worker, crate::plan::Kind::Get))?;
                }
            }
            Action::Die(worker) => self.restart(worker),
            Action::Stall(worker, ms) => {
                self.workers[worker].stalled_until_ms = self.now_ms + ms;
                self.books.died();
            }
            Action::Reload => (0..self.workers.len()).for_each(|worker| self.restart(worker)),
            Action::Jump(ms) => {
                self.skew_ms += ms;
                self.books.jumped();
            }
            Action::Sts(health) => self.sts.health = health,
            Action::Token(health) => self.token.health = health,
            Action::Rotate => self.token.rotation += 1,
            Action::Corrupt => {
                let key = self.workers[0].ingress.keeper().shared_key().to_owned();
                self.shared.overwrite(&key, b"not ours".to_vec());
                self.books.lost();
            }
        }
        Ok(())
    }

    fn restart(&mut self, worker: usize) {
        let Worker { vm, is_main, .. } = self.workers[worker];
        self.workers[worker] = Worker::start(self.plan, vm + 1, is_main);
        self.books.died();
        self.schedule(worker, false);
    }

    /// Starts the timer of a worker, when its period changed or the last one has fired.
    pub(crate) fn schedule(&mut self, worker: usize, fired: bool) {
        let wanted = self.workers[worker].ingress.tick_ms();
        if !fired && self.workers[worker].period_ms == wanted {
            return;
        }
        let Worker { vm, ref mut armed, ref mut period_ms, .. } = self.workers[worker];
        *period_ms = wanted;
        *armed += 1;
        let armed = *armed;
        // The longer, the rarer.
        let late = match self.plan.tick_delay_ms {
            0 => 0,
            most if self.rng.one_in(10.max(most / 30)) => self.rng.within(0, most),
            _ => 0,
        };
        let after = if self.plan.defect == Defect::EarlyTicks { wanted / 4 } else { wanted };
        self.push(self.now_ms + after + late, Event::Tick { worker, vm, armed });
    }

    fn tick(&mut self, worker: usize, armed: u32) -> Verdict {
        if self.workers[worker].armed != armed {
            return Ok(());
        }
        self.workers[worker].steady_ms += self.workers[worker].period_ms;
        let now = self.workers[worker].now(self.wall_ms());
        let step = self.with_shared(worker, |ingress, shared| ingress.on_tick(now, shared));
        self.drive(worker, step)?;
        if self.workers[worker].writing.is_none() {
            self.after_tick(worker)?;
        }
        self.schedule(worker, true);
        Ok(())
    }

    pub(crate) fn with_shared<T>(
        &mut self,
        worker: usize,
        look: impl FnOnce(&mut irsa_core::Ingress, Shared<'_>) -> T,
    ) -> T {
        let ingress = &mut self.workers[worker].ingress;
        let (value, version) = self.shared.get(ingress.keeper().shared_key());
        look(ingress, Shared { value: value.as_deref(), version })
    }

    /// Carries out what a worker's core wants.
    fn drive(&mut self, worker: usize, step: RootStep) -> Verdict {
        match step {
            RootStep::Rest => {}
            RootStep::Claim(write) => self.begin_write(worker, Writing::Claim(write)),
            RootStep::Settle => {
                let now = self.workers[worker].now(self.wall_ms());
                if let Some(write) = self.with_shared(worker, |ingress, shared| ingress.keeper().settle(now, shared)) {
                    self.begin_write(worker, Writing::Settle(write));
                }
            }
            RootStep::ReadToken(call) => self.read_token(worker, call.timeout_ms)?,
            RootStep::CallSts(call) => self.call_sts(worker, &call)?,
        }
        self.report(worker)
    }

    fn begin_write(&mut self, worker: usize, writing: Writing) {
        let vm = self.workers[worker].vm;
        self.workers[worker].writing = Some(writing);
        let after = self.rng.within(0, self.plan.write_delay_ms);
        self.push(self.now_ms + after, Event::Write { worker, vm });
    }

    fn write(&mut self, worker: usize) -> Verdict {
        let Some(writing) = self.workers[worker].writing.take() else { return Ok(()) };
        let now = self.workers[worker].now(self.wall_ms());
        let key = self.workers[worker].ingress.keeper().shared_key().to_owned();
        let step = match writing {
            Writing::Claim(write) => {
                let written = self.shared.set(&key, &write);
                self.workers[worker].ingress.keeper().on_claim(now, written)
            }
            Writing::Settle(write) => {
                let written = self.shared.set(&key, &write);
                self.workers[worker].ingress.keeper().on_settled(now, written);
                if written { RootStep::Rest } else { RootStep::Settle }
            }
        };
        self.drive(worker, step)?;
        if self.workers[worker].writing.is_none() {
            self.after_tick(worker)?;
        }
        self.schedule(worker, false);
        Ok(())
    }
}

fn as_answer(reply: &Result<Reply, NoAnswer>) -> Result<Answer<'_>, NoAnswer> {
    reply.as_ref().map_err(|no| *no).map(|reply| Answer {
        status: reply.status,
        date: reply.date.as_deref().map(str::as_bytes),
        body: &reply.body,
    })
}
