//! What a schedule consists of, and how a random one is drawn from its seed.

use crate::aws::{StsHealth, TokenHealth};
use crate::rng::Rng;
use crate::shared::Cas;

/// Something that happens to the Envoy at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A request reaches this worker.
    Arrive(usize, Kind),
    /// So many requests reach this worker at once.
    Flood(usize, u32),
    /// The worker's VM traps; a new one starts.
    Die(usize),
    /// The worker's thread is stopped for so many milliseconds, and then finds everything that came meanwhile.
    Stall(usize, u64),
    /// Every worker gets the same configuration anew.
    Reload,
    /// The wall clock of the machine jumps.
    Jump(i64),
    Sts(StsHealth),
    Token(TokenHealth),
    /// Kubelet rotates the token.
    Rotate,
    /// Another module overwrites the shared value.
    Corrupt,
}

/// Of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No body.
    Get,
    /// A body of so many pieces, which arrive over time.
    Put(u32),
    /// No body, and the caller hangs up so many milliseconds later.
    HangUp(u64),
}

/// What a host or an adapter must not do. The simulation must notice it, or it must do no harm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Defect {
    #[default]
    None,
    /// Ticks come in a quarter of their period.
    EarlyTicks,
    /// A call goes on for so many milliseconds after its time was up.
    LateAnswers(u64),
    /// Every answer is delivered twice, and STS's a third time half a life later.
    TwiceAnswered,
    /// An adapter that does not look at shared data when a request finds no credentials.
    Blind,
    /// An adapter that does not say that a request is gone.
    SilentHangUps,
}

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) workers: usize,
    /// One more VM, whose token calls get 503, and which no request reaches.
    pub(crate) main_thread: bool,
    pub(crate) s3: bool,
    pub(crate) max_waiting: usize,
    pub(crate) sts_timeout_s: u64,
    /// Of the credentials that STS hands out.
    pub(crate) life_ms: u64,
    /// A tick comes up to so much later than its period says.
    pub(crate) tick_delay_ms: u64,
    /// Between reading shared data and writing it.
    pub(crate) write_delay_ms: u64,
    pub(crate) sts_latency_ms: (u64, u64),
    /// How far the machine's clock is ahead of AWS's.
    pub(crate) skew_ms: i64,
    pub(crate) actions: Vec<(u64, Action)>,
    /// From then on nothing goes wrong any more.
    pub(crate) healed_ms: u64,
    /// How long it goes on after that. `None`: until everything must have recovered.
    pub(crate) then_ms: Option<u64>,
    pub(crate) cas: Cas,
    pub(crate) defect: Defect,
}

/// Which kinds of trouble a random schedule has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// None: how it is nearly always.
    Calm,
    /// Of STS and of the token.
    Faults,
    /// Also VMs that trap and configurations that are loaded anew.
    Deaths,
    /// Also a wrong clock and a clock that jumps.
    Clocks,
}

impl Plan {
    /// Nothing goes wrong.
    pub(crate) fn calm(workers: usize) -> Self {
        Self {
            seed: 1,
            workers,
            main_thread: false,
            s3: true,
            max_waiting: 256,
            sts_timeout_s: 5,
            life_ms: 60_000,
            tick_delay_ms: 0,
            write_delay_ms: 0,
            sts_latency_ms: (300, 800),
            skew_ms: 0,
            actions: Vec::new(),
            healed_ms: 0,
            then_ms: None,
            cas: Cas::Envoy,
            defect: Defect::None,
        }
    }

    pub(crate) fn at(mut self, ms: u64, action: Action) -> Self {
        self.actions.push((ms, action));
        self
    }

    pub(crate) fn random(seed: u64, trouble: Trouble) -> Self {
        let mut rng = Rng::new(seed);
        let workers = usize::try_from(if rng.one_in(4) { rng.within(1, 8) } else { rng.within(1, 3) }).unwrap();
        let healed_ms = rng.within(5_000, 45_000);
        let mut plan = Self {
            seed: rng.next(),
            main_thread: rng.one_in(4),
            s3: rng.one_in(2),
            max_waiting: rng.pick(&[0, 1, 3, 70, 256]),
            sts_timeout_s: rng.pick(&[1, 1, 2, 5]),
            life_ms: rng.within(15_000, 60_000),
            tick_delay_ms: rng.pick(&[0, 0, 30, 500, 3_000]),
            write_delay_ms: rng.pick(&[0, 1, 3, 50]),
            sts_latency_ms: rng.pick(&[(5, 20), (50, 400), (300, 900)]),
            healed_ms,
            ..Self::calm(workers)
        };
        for _ in 0..rng.within(1, 6) {
            let (at, worker) = (rng.within(0, healed_ms), rng.within(0, 7) as usize % workers);
            let action = match rng.within(0, 11) {
                0..=5 => Action::Arrive(worker, Kind::Get),
                6..=8 => Action::Arrive(worker, Kind::Put(rng.within(0, 3) as u32)),
                9..=10 => Action::Arrive(worker, Kind::HangUp(rng.within(0, 9_000))),
                _ => Action::Flood(worker, rng.within(2, 12) as u32),
            };
            plan.actions.push((at, action));
        }
        if trouble != Trouble::Calm {
            plan.draw_trouble(&mut rng, trouble);
        }
        plan
    }

    fn draw_trouble(&mut self, rng: &mut Rng, trouble: Trouble) {
        if trouble == Trouble::Clocks {
            // Longer than what is not corrected: AWS hands out nothing shorter than a quarter of an hour.
            self.life_ms = rng.within(130_000, 300_000);
        }
        if trouble == Trouble::Clocks && rng.one_in(3) {
            // All of it together stays within the day that is corrected.
            let size = if rng.one_in(2) { rng.within(1, 55) } else { rng.within(120, 20_000) } as i64 * 1000;
            self.skew_ms = if rng.one_in(2) { size } else { -size };
        }
        // Half of all outages begin before the first credentials.
        let first = if rng.one_in(2) { 0 } else { self.healed_ms };
        for _ in 0..rng.within(1, 5) {
            let at = rng.within(0, first.max(1)).min(self.healed_ms);
            let worker = rng.within(0, 7) as usize % self.workers;
            let action = match (rng.within(0, 9), trouble) {
                (0..=3, _) => Action::Sts(rng.pick(&StsHealth::FAULTS)),
                (4..=5, _) => Action::Token(rng.pick(&TokenHealth::FAULTS)),
                (6, _) => Action::Rotate,
                (7, Trouble::Deaths | Trouble::Clocks) => Action::Die(worker),
                (8, Trouble::Deaths) => Action::Reload,
                (9, Trouble::Deaths) => Action::Stall(worker, rng.within(0, self.healed_ms - at)),
                (7..=8, Trouble::Clocks) => {
                    let size = rng.pick(&[1, 20, 50, 600, 4_000, 10_000]) * 1000;
                    Action::Jump(if rng.one_in(2) { size } else { -size })
                }
                _ => Action::Sts(StsHealth::Ok),
            };
            let at = match action {
                Action::Stall(..) => at,
                _ if rng.one_in(2) => at,
                _ => rng.within(0, self.healed_ms),
            };
            self.actions.push((at, action));
            // A worker may die at any point of an exchange.
            if trouble == Trouble::Deaths && rng.one_in(3) {
                let action = rng.pick(&[Action::Die(worker), Action::Stall(worker, self.healed_ms - 3_000)]);
                self.actions.push((rng.within(0, 3_000), action));
            }
        }
    }

    /// Whether AWS's clock and the machine's differ, or ever did.
    pub(crate) fn has_clock_trouble(&self) -> bool {
        self.skew_ms != 0 || self.has_jumps()
    }

    pub(crate) fn has_jumps(&self) -> bool {
        self.actions.iter().any(|(_, action)| matches!(action, Action::Jump(_)))
    }

    /// How far a worker's idea of AWS's time may be off in a schedule without jumps: what is too little to be
    /// corrected, or the way of the answer whose `Date` was read.
    pub(crate) fn uncorrected_ms(&self) -> u64 {
        if self.skew_ms.abs() > 61_000 { self.sts_latency_ms.1 + 1_000 } else { self.skew_ms.unsigned_abs() }
    }

    pub(crate) fn has_deaths(&self) -> bool {
        self.actions
            .iter()
            .any(|(_, action)| matches!(action, Action::Die(_) | Action::Stall(..) | Action::Reload | Action::Corrupt))
    }

    pub(crate) fn has_stalls(&self) -> bool {
        self.actions.iter().any(|(_, action)| matches!(action, Action::Stall(..)))
    }

    pub(crate) fn has_faults(&self) -> bool {
        let is_fault = |action: &Action| match action {
            Action::Sts(health) => *health != StsHealth::Ok,
            Action::Token(health) => *health != TokenHealth::Ok,
            _ => false,
        };
        self.main_thread || self.actions.iter().any(|(_, action)| is_fault(action))
    }
}
