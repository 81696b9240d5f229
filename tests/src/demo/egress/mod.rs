//! Act two: AWS Lambda calls the mesh.

mod balancer;
mod function;
mod hands_on;
mod parts;
mod stage;
mod steps;

pub(super) use hands_on::Kept;
pub(super) use parts::Parts;

use super::Stop;
use super::screen::Screen;
use stage::{Mesh, Stage};

/// Plays it; what it returns still runs.
pub(super) fn play(parts: &Parts, screen: &mut Screen) -> Result<Kept, Stop> {
    screen.intro("meshbridge demo, act two: AWS Lambda calls the mesh", INTRO);
    screen.step("What runs, and where");
    let mesh = Mesh::set(parts, screen)?;
    screen.step("A function starts, and the extension fetches its identity");
    let functions = steps::cold_start(&mesh, parts, screen)?;
    let mut stage = Stage { functions, mesh };
    for (title, step) in steps::ALL {
        screen.step(title);
        step(&mut stage, screen)?;
    }
    Ok(Kept::new(stage))
}

const INTRO: &str =
    "    function --HTTP--> mtls-proxy --mTLS--> load balancer --> Envoy + sni-router --> ledger's own Envoy --> ledger
                           '---SigV4---> Secrets Manager

The function, the extension and the Envoys are real processes; the gateway runs the shipped files of envoy-configs/.
Lambda is a fake environment to the letter of its APIs, Secrets Manager is moto behind a front that verifies signatures
and asks IAM's question, and the load balancer is in this process. The clock of the Lambda is moved where hours pass.";
