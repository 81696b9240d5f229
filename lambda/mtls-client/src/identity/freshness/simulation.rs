//! Weeks in the life of a Lambda: requests now and then, freezes, outages of the source, clocks that jump, an issuer that
//! renews at 45 % of the life. The rules that must hold are checked at every request.

use super::tests::terms;
use super::*;

const DAY_MS: u64 = 86_400_000;
/// The wall clock at the beginning.
const EPOCH_MS: u64 = 1_700_000_000_000;

/// SplitMix64: the same numbers on every machine.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

struct World {
    rng: Rng,
    wall: u64,
    steady: u64,
    freshness: Freshness,
    held: Option<Life>,
    /// The fetch under way: its number, when it ends by the steady clock, whether a freeze has killed its connection.
    flight: Option<(u64, u64, bool)>,
    source_down_until: u64,
    failed_at: Option<u64>,
    started_at: Vec<u64>,
    served: u64,
    refused: u64,
}

impl World {
    fn now(&self) -> Now {
        Now { wall: Duration::from_millis(self.wall), steady: Duration::from_millis(self.steady) }
    }

    /// What the issuer has published by now: a day's certificate, renewed every 45 % of it.
    fn published(&self) -> Life {
        let period = DAY_MS * 45 / 100;
        let issued = EPOCH_MS + (self.wall - EPOCH_MS) / period * period;
        Life { not_before: issued / 1000, not_after: (issued + DAY_MS) / 1000 }
    }

    fn pass(&mut self, millis: u64) {
        self.wall += millis;
        self.steady += millis;
    }

    fn freeze(&mut self, millis: u64) {
        self.wall += millis;
        if let Some((_, _, dead)) = &mut self.flight {
            *dead |= millis > 2000;
        }
    }

    fn land(&mut self) {
        let Some((number, ends, dead)) = self.flight else { return };
        if self.steady < ends {
            return;
        }
        self.flight = None;
        let up = !dead && self.wall >= self.source_down_until;
        let published = self.published();
        if self.freshness.settle(number, up.then_some(published), self.now()) {
            if up {
                self.held = Some(published);
                self.failed_at = None;
            } else {
                self.failed_at = Some(self.wall);
            }
        }
    }

    /// One request, to its end.
    fn request(&mut self) {
        let decision = self.freshness.decide(self.now());
        let mut waited = 0;
        if let Decision::Wait { start, at_most } = decision {
            if start {
                self.start();
            }
            let limit = u64::try_from(at_most.as_millis()).unwrap();
            while self.flight.is_some() && waited < limit {
                self.pass(50);
                waited += 50;
                self.land();
            }
            assert!(waited <= 5000, "nobody waits for longer than the budget");
        }
        let usable = self.held.filter(|life| (life.not_before..=life.not_after).contains(&(self.wall / 1000)));
        match (decision, usable) {
            (Decision::Use, None) => panic!("a pair outside of its time was used"),
            (Decision::Fail, Some(_)) => panic!("refused with a usable pair at hand"),
            (_, Some(_)) => self.served += 1,
            (_, None) => {
                self.refused += 1;
                let source_is_guilty = self.wall < self.source_down_until
                    || self.failed_at.is_some_and(|at| self.wall.saturating_sub(at) <= 10_000)
                    || self.flight.is_some();
                assert!(source_is_guilty, "refused although the source is up and was not asked");
            }
        }
    }

    fn start(&mut self) {
        let phase = self.held.map(|life| life.phase(self.wall / 1000, terms().expiry_margin));
        assert_ne!(phase, Some(Phase::Young), "a young pair is not refreshed");
        if let (Some(Phase::Aged), Some(last)) = (phase, self.started_at.last()) {
            assert!(self.wall - last >= 60_000, "past half life the source is asked once a minute");
        }
        if let Some(at) = self.failed_at {
            assert!(self.wall - at >= 250, "a failing source has its pauses");
        }
        if let Some((_, _, dead)) = self.flight {
            assert!(dead, "one fetch at a time, unless a freeze has killed it");
        }
        self.started_at.push(self.wall);
        let number = self.freshness.start(self.now());
        // Some calls outlast everybody's patience, none the budget.
        let duration = if self.rng.chance(10) { 5000 } else { 20 + self.rng.below(400) };
        self.flight = Some((number, self.steady + duration, false));
    }
}

fn run(seed: u64) -> World {
    let mut world = World {
        rng: Rng(seed),
        wall: EPOCH_MS,
        steady: 0,
        freshness: Freshness::new(terms()),
        held: None,
        flight: None,
        source_down_until: 0,
        failed_at: None,
        started_at: Vec::new(),
        served: 0,
        refused: 0,
    };
    while world.wall < EPOCH_MS + 14 * DAY_MS {
        world.land();
        match world.rng.below(100) {
            0..=59 => world.request(),
            60..=79 => {
                let millis = world.rng.below(20_000);
                world.pass(millis);
            }
            80..=95 => {
                // Mostly minutes, sometimes a weekend.
                let longest = if world.rng.chance(2) { 2 * DAY_MS } else { 1_200_000 };
                let millis = world.rng.below(longest);
                world.freeze(millis);
            }
            96..=97 if world.wall >= world.source_down_until => {
                let longest = if world.rng.chance(5) { DAY_MS } else { 3_600_000 };
                world.source_down_until = world.wall + world.rng.below(longest);
            }
            _ => {
                if world.rng.chance(5) {
                    world.freshness.forget();
                    world.held = None;
                    world.flight = None;
                    world.failed_at = None;
                    world.started_at.clear();
                }
            }
        }
    }
    world
}

#[test]
fn two_weeks_of_a_lambda_hold_every_rule() {
    let (mut served, mut refused, mut fetches) = (0, 0, 0);
    for seed in 0..300 {
        let world = run(seed);
        served += world.served;
        refused += world.refused;
        fetches += world.started_at.len();
    }
    // The schedules are worth something: most requests are served, some outages are felt, few requests fetch.
    assert!(served > 10 * refused, "{served} served, {refused} refused");
    assert!(refused > 100, "{refused} refused");
    assert!(u64::try_from(fetches).unwrap() < served / 3, "{fetches} fetches, {served} served");
}

#[test]
fn half_a_day_without_a_source_refuses_nobody() {
    for seed in 0..50 {
        let mut rng = Rng(seed);
        let mut world = run(seed);
        // A pair that is as fresh as the issuer leaves it at worst: 45 % and half an hour.
        world.source_down_until = 0;
        while world.held != Some(world.published()) {
            world.pass(60_000);
            world.land();
            world.request();
        }
        let left = world.published().not_after * 1000 - world.wall;
        assert!(left >= DAY_MS / 2);
        let (served, refused) = (world.served, world.refused);
        world.source_down_until = u64::MAX;
        let until = world.wall + DAY_MS / 2;
        while world.wall < until {
            world.request();
            let pause = rng.below(600_000);
            world.freeze(pause.min(until - world.wall));
            world.land();
        }
        assert!(world.served > served && world.refused == refused, "seed {seed}");
    }
}
