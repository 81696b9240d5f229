//! What runs during the demo: the double of AWS and two ingresses, each a real Envoy with a shipped configuration.

use std::fmt::{self, Display};
use std::net::SocketAddr;
use std::panic;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::LIFETIME;
use crate::aws::{Entry, Service};
use crate::client::{Client, Error, Request, Response};
use crate::demo::Stop;
use crate::demo::found::{Envoys, Module, failed};
use crate::demo::screen::{Screen, seconds};
use crate::envoy::{EnvoyOptions, find};
use crate::ingress::{BUCKET, Ingress, Topology, World};

/// How long an ingress may take from its start to its first credentials; a busy machine takes a few seconds.
const READY_WITHIN: Duration = Duration::from_secs(20);
/// The listener that is added to the shipped ones, to see that the filter refuses strangers without help.
const WITHOUT_RBAC: &str = "ingress-without-rbac";

/// What this act needs to find on this machine.
pub(in crate::demo) struct Parts {
    filter: Module,
    envoys: Envoys,
}

impl Parts {
    /// All of them, or one line with the remedy.
    pub(in crate::demo) fn find() -> Result<Self, Stop> {
        let wasm = find::wasm().map_err(failed)?;
        let filter = Module::at(wasm, "run `cargo xtask build`, or unset $MESHBRIDGE_WASM")?;
        Ok(Self { filter, envoys: Envoys::find()? })
    }
}

/// Everything that runs. Dropping it ends both Envoys, then the double.
pub(super) struct Stage {
    pub(super) s3: Gateway,
    pub(super) api: Gateway,
    pub(super) world: World,
}

/// One ingress.
pub(super) struct Gateway {
    pub(super) ingress: Ingress,
    /// The backend's host name, which is the role session's name too.
    pub(super) host: String,
    pub(super) service: Service,
    /// What its allowed caller asks for, all the time.
    pub(super) usual: Request,
    pub(super) live_after: Duration,
    /// From live to readiness 200.
    pub(super) ready_after: Duration,
    /// Calls that STS had got from it by then.
    pub(super) exchanges_until_ready: usize,
    pub(super) pid: u32,
}

impl Stage {
    /// Starts everything, shows it, and returns when both ingresses have their first credentials.
    pub(super) fn set(parts: &Parts, screen: &mut Screen) -> Result<Self, Stop> {
        let world = World::new();
        let aws = &world.aws;
        aws.sts_control().hand_out_lifetime(Some(LIFETIME));
        screen.saw("mesh", "trust domain mesh.example.org, with certificates for the ingress, `web` and `other`");
        screen.saw("AWS (double)", format!("{} at {}", aws.sts_hostname(), aws.sts()));
        screen.saw("", format!("{} at {}", aws.s3().bucket_hostname(BUCKET), aws.s3().addr()));
        screen.saw("", format!("{} at {}, Lambda behind", aws.api_gateway().hostname(), aws.api_gateway().addr()));
        screen.saw("filter", &parts.filter);
        screen.saw("Envoy", parts.envoys.two_of_them());

        let (s3, api) = thread::scope(|scope| {
            let s3 = scope.spawn(|| Gateway::start(&world, Topology::S3));
            let api = scope.spawn(|| Gateway::start(&world, Topology::ApiGateway));
            let limit = READY_WITHIN * 3;
            screen.wait_until("two Envoys start", limit, || s3.is_finished() && api.is_finished())?;
            let s3 = s3.join().unwrap_or_else(|e| panic::resume_unwind(e))?;
            Ok((s3, api.join().unwrap_or_else(|e| panic::resume_unwind(e))?))
        })?;
        for (gateway, file) in [(&s3, "ingress-s3.yaml"), (&api, "ingress-api-gateway.yaml")] {
            let (at, live) = (gateway.ingress.address(), seconds(gateway.live_after));
            screen.saw(
                &format!("{} ingress", gateway.title()),
                format!("https://{at}, envoy-configs/{file}, live after {live}"),
            );
        }
        Ok(Self { s3, api, world })
    }

    pub(super) fn gateways(&self) -> [&Gateway; 2] {
        [&self.s3, &self.api]
    }

    /// What arrived at one service of AWS while something was done.
    pub(super) fn watched<T>(&self, service: Service, act: impl FnOnce() -> T) -> (T, Vec<Entry>) {
        let before = self.world.aws.journal().of(service).len();
        let outcome = act();
        (outcome, self.world.aws.journal().of(service).split_off(before))
    }

    /// What stands in every step's score: nothing ever left unsigned.
    pub(super) fn unsigned_at_aws(&self) -> usize {
        self.world.aws.journal().unsigned().len()
    }
}

impl Gateway {
    fn start(world: &World, topology: Topology) -> Result<Self, Stop> {
        let mut shipped = world.shipped(topology);
        let listeners = shipped.value_mut()["static_resources"]["listeners"].as_array_mut();
        let listeners = listeners.expect("the shipped configuration has listeners");
        listeners.push(without_rbac(&listeners[0]));
        // Two pods would each have a pipe of this name; here they share a directory.
        let config = match topology {
            Topology::S3 => shipped.value().to_string(),
            Topology::ApiGateway => shipped.value().to_string().replace("/token.sock", "/token-api.sock"),
        };
        let config: Value = serde_json::from_str(&config).expect("it was JSON before");
        // An access log that can be read at once; Envoy's default is to write it every ten seconds.
        let quick = ["--file-flush-interval-msec", "200"].map(str::to_owned).to_vec();
        let begun = Instant::now();
        let ingress = world.launch(&config, &EnvoyOptions { extra_args: quick, ..EnvoyOptions::default() });
        let live_after = begun.elapsed();
        while !ingress.probe().is_ok_and(|probe| probe.status == 200) {
            if begun.elapsed() > live_after + READY_WITHIN {
                let log = ingress.log_tail();
                return Err(Stop::Failed(format!(
                    "no credentials within {}; Envoy says:\n{log}",
                    seconds(READY_WITHIN)
                )));
            }
            thread::sleep(Duration::from_millis(10));
        }
        let ready_after = begun.elapsed() - live_after;
        let (host, service, usual) = match topology {
            Topology::S3 => (world.aws.s3().bucket_hostname(BUCKET), Service::S3, get_note()),
            Topology::ApiGateway => (world.aws.api_gateway().hostname().to_owned(), Service::ExecuteApi, get_orders()),
        };
        let exchanges_until_ready = world.aws.sts_control().calls_of_session(&host);
        let pid = ingress.envoy.pid();
        Ok(Self { ingress, host, service, usual, live_after, ready_after, exchanges_until_ready, pid })
    }

    pub(super) fn title(&self) -> &'static str {
        if self.service == Service::S3 { "S3" } else { "API" }
    }

    /// Asks as the allowed caller.
    pub(super) fn ask(&self, request: &Request) -> Asked {
        Asked::of(&self.ingress.web(), request)
    }

    /// A caller at the same listener, without its RBAC.
    pub(super) fn past_rbac(&self, world: &World, uri: &str) -> Client {
        let at = self.ingress.envoy.listener(WITHOUT_RBAC).unwrap_or_else(|e| panic!("{e}"));
        let identity = world.pki().mesh_client(&[uri]).expect("a certificate");
        Client::tls(at, "ingress.mesh", &world.pki().mesh_ca_pem()).with_identity(&identity)
    }

    /// One of the filter's metrics. Older Envoys (seen: 1.36) put the cluster's name in front of an upstream filter's.
    pub(super) fn metric(&self, name: &str) -> u64 {
        let ending = format!("wasmcustom.meshbridge_irsa.{}.{name}", self.host.replace('.', "_"));
        let stats = self.ingress.envoy.stats("wasmcustom").unwrap_or_else(|e| panic!("{e}"));
        let found = stats.iter().find(|(known, _)| known.ends_with(&ending));
        *found.unwrap_or_else(|| panic!("no metric {ending} among {:?}", stats.keys())).1
    }

    /// Some of Envoy's counters, summed up.
    pub(super) fn sum(&self, counters: &str) -> u64 {
        self.ingress.envoy.stats(counters).unwrap_or_else(|e| panic!("{e}")).values().sum()
    }

    /// Where kubelet asks.
    pub(super) fn readiness_address(&self) -> SocketAddr {
        self.ingress.envoy.listener("readiness").unwrap_or_else(|e| panic!("{e}"))
    }

    /// The readiness probe's status.
    pub(super) fn readiness(&self) -> u16 {
        self.ingress.probe().map_or(0, |probe| probe.status)
    }
}

/// The shipped listener once more, without its first lock.
fn without_rbac(listener: &Value) -> Value {
    let mut copy = listener.clone();
    copy["name"] = json!(WITHOUT_RBAC);
    let filters = copy.pointer_mut("/filter_chains/0/filters/0/typed_config/http_filters");
    let filters = filters.and_then(Value::as_array_mut).expect("the shipped listener has HTTP filters");
    filters.retain(|filter| filter["name"] != "envoy.filters.http.rbac");
    copy
}

/// A key with blanks and brackets; a blank cannot stand on the wire, brackets can, and S3 wants them encoded in what is signed.
pub(super) const NOTE: &str = "notes/hello (1).txt";
/// The same as callers write it.
pub(super) const NOTE_PATH: &str = "/notes/hello%20(1).txt";

pub(super) fn get_note() -> Request {
    Request::new("GET", NOTE_PATH).host("ingress.mesh")
}

/// Without a body: the filter's metric `held` counts those that wait for their hash, beside those that wait for credentials.
fn get_orders() -> Request {
    Request::new("GET", "/prod/orders").host("ingress.mesh")
}

/// The caller also claims to be somebody else.
pub(super) fn post_order() -> Request {
    Request::new("POST", "/prod/orders?rush=yes")
        .host("ingress.mesh")
        .header("content-type", "application/json")
        .header("x-mesh-caller", "spiffe://mesh.example.org/admin")
        .body(r#"{"item":"tea"}"#)
}

/// One request's answer, and how long it took.
pub(super) struct Asked {
    pub(super) answer: Result<Response, Error>,
    pub(super) took: Duration,
}

impl Asked {
    pub(super) fn of(client: &Client, request: &Request) -> Self {
        let begun = Instant::now();
        let answer = client.send(request);
        Self { answer, took: begun.elapsed() }
    }

    /// The status, or `no answer`.
    pub(super) fn status(&self) -> String {
        self.answer.as_ref().map_or("no answer".to_owned(), |answer| answer.status.to_string())
    }

    /// The filter's own reason, or `-`.
    pub(super) fn reason(&self) -> &str {
        self.answer.as_ref().ok().and_then(|answer| answer.header("x-meshbridge-error")).unwrap_or("-")
    }

    /// The body, or why there is none.
    pub(super) fn text(&self) -> String {
        self.answer.as_ref().map_or_else(ToString::to_string, |answer| answer.text().trim().to_owned())
    }
}

impl Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.status(), seconds(self.took))
    }
}
