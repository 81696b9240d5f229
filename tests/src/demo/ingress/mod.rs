//! Act one: the mesh calls AWS.

mod hands_on;
mod stage;
mod steps;
mod traffic;

use std::time::Duration;

pub(super) use hands_on::Kept;
pub(super) use stage::Parts;
use stage::Stage;

use super::Stop;
use super::screen::Screen;

/// How long sessions live in the steps: STS hands out what real ones never are, so that nobody has to wait for an hour.
const LIFETIME: Duration = Duration::from_secs(12);

/// Plays it; what it returns still runs.
pub(super) fn play(parts: &Parts, screen: &mut Screen) -> Result<Kept, Stop> {
    screen.intro("meshbridge demo, act one: the mesh calls AWS", &intro());
    screen.step("What runs, and where");
    let stage = Stage::set(parts, screen)?;
    for (title, step) in steps::ALL {
        screen.step(title);
        step(&stage, screen)?;
    }
    Ok(Kept::new(stage))
}

fn intro() -> String {
    format!(
        "    caller --mTLS--> Envoy + irsa-signer --SigV4, TLS--> S3 | API Gateway -> Lambda
                            '---the pod's OIDC token---> STS

The Envoys are real and run the shipped files of envoy-configs/. AWS is a strict double in this process: it verifies
every token, signature and session, refuses what AWS refuses, and keeps a journal of all that arrives.
Everything is on 127.0.0.1. Sessions live {} s here, so that you see their end; real ones last an hour.",
        LIFETIME.as_secs()
    )
}
