//! What one can try by hand after this act, and what ledger sees of it.

use std::fs;
use std::io;

use super::function::{Lambda, STAGING};
use super::stage::{ARCHIVE, LEDGER, PAYROLL, Stage, USERS};
use super::steps;
use crate::demo::Stop;
use crate::demo::keep::{Command, Running};
use crate::demo::screen::Screen;
use crate::mesh::{Hit, sni};

/// The stage after the last step.
pub(in crate::demo) struct Kept {
    /// None when it was ended.
    stage: Option<Stage>,
    /// How many of ledger's requests have been shown.
    shown: usize,
}

impl Kept {
    pub(super) fn new(stage: Stage) -> Self {
        Self { stage: Some(stage), shown: 0 }
    }
}

impl Running for Kept {
    fn title(&self) -> &'static str {
        "Act two, where the extension's clock is twelve hours ahead:"
    }

    fn commands(&self) -> io::Result<Vec<Command>> {
        self.stage.as_ref().map_or(Ok(Vec::new()), commands)
    }

    fn news(&mut self) -> Vec<String> {
        let Some(stage) = &self.stage else { return Vec::new() };
        let hits = stage.mesh.ledger.hits();
        let new = hits.iter().skip(self.shown).map(in_one_line).collect();
        self.shown = hits.len();
        new
    }

    fn end(&mut self, screen: &mut Screen) -> Result<(), Stop> {
        if let Some(stage) = self.stage.take() {
            screen.step("Lambda takes the functions down, and everything ends");
            steps::shut_down(stage, screen);
        }
        Ok(())
    }
}

fn commands(stage: &Stage) -> io::Result<Vec<Command>> {
    let (reports, mesh) = (&stage.functions.reports, &stage.mesh);
    let at = |path: &str| format!("http://127.0.0.1:{}{path}", reports.port());
    let host = |app: &str| curl(reports, &format!("-H 'Host: {app}' '{}'", at("/v1/balances")));
    // As anybody in front of the gateway may try: a client of TLS with an identity of the mesh.
    let client = mesh.directory("try");
    fs::create_dir_all(&client)?;
    let identity = stage.functions.identity.identity().write_to(&client, "reports")?;
    let direct = |name: &str| {
        let port = mesh.balancer.address().port();
        format!(
            "curl -i -k --cert {} --key {} \\\n    --resolve {name}:{port}:127.0.0.1 'https://{name}:{port}/v1/balances'",
            identity.certificate.display(),
            identity.key.display(),
        )
    };
    let proxy = format!(
        "curl -i --proxy \"http://meshbridge:$(cat {})@127.0.0.1:{}\" \\\n    'http://{LEDGER}.mesh/v1/balances'",
        reports.token_file().display(),
        reports.port(),
    );
    let admin = mesh.gateway.envoy.admin_address();
    let log = mesh.gateway.envoy.dir().join("envoy.log");
    let all = [
        ("as `reports` calls ledger: 200", host(LEDGER)),
        ("the same with the app in the path: 200", curl(reports, &format!("'{}'", at("/~ledger/v1/balances")))),
        ("the same by HTTP_PROXY: 200", proxy),
        (
            "the same over the extension's UNIX socket: 200",
            curl(
                reports,
                &format!("--unix-socket {} -d 'my own words' http://{LEDGER}/echo", reports.socket().display()),
            ),
        ),
        ("without the token: 401", format!("curl -i -H 'Host: {LEDGER}' '{}'", at("/"))),
        ("an app that is not on the extension's list: 403", host(USERS)),
        ("an app whose name leads to another's server: 502", host(PAYROLL)),
        ("`coupons` is not on ledger's list: 403", {
            let coupons = &stage.functions.coupons;
            curl(coupons, &format!("-H 'Host: {LEDGER}' 'http://127.0.0.1:{}/v1/balances'", coupons.port()))
        }),
        ("how the extension's identity is doing: 200", curl(reports, &format!("'{}'", at("/status")))),
        ("past the extension, with the same certificate: 200", direct(&sni(STAGING, LEDGER))),
        ("a name that the gateway does not know: curl ends with an error", direct(&sni(STAGING, ARCHIVE))),
        ("the gateway's counters", format!("curl 'http://{admin}/stats?usedonly&filter=meshbridge_sni'")),
        ("the gateway's access log", format!("grep '^{{' {} | tail -n 3", log.display())),
    ];
    Ok(all.map(|(what, command)| (what.to_owned(), command)).into())
}

fn curl(function: &Lambda, what: &str) -> String {
    let token = function.token_file();
    format!("curl -i -H \"x-meshbridge-token: $(cat {})\" \\\n    {what}", token.display())
}

fn in_one_line(hit: &Hit) -> String {
    let caller = hit.caller.as_deref().unwrap_or("nobody");
    format!("ledger: {} {} of {caller}, {} bytes", hit.method, hit.target, hit.body_length)
}
