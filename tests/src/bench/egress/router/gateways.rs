//! The processes under test: Envoys made from the shipped configuration, and nginx.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::super::cpu;
use super::traffic::{APPS, app_of, name};
use super::variant::{Router, Variant, Which};
use crate::child::Child;
use crate::envoy::{Envoy, EnvoyOptions};
use crate::ingress::Shipped;
use crate::router::FILE;

/// An Envoy with ten thousand clusters takes its time.
const START: Duration = Duration::from_secs(180);
const NGINX_MODULES: [&str; 2] = ["/usr/lib/nginx/modules", "/usr/lib64/nginx/modules"];

/// A thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Worker {
    pid: u32,
    pub(super) tid: u32,
}

impl Worker {
    /// What it has used so far.
    pub(super) fn cpu(self) -> Result<Duration, String> {
        let nanoseconds = cpu::nanoseconds_of_thread(self.pid, self.tid);
        nanoseconds.map(Duration::from_nanos).ok_or_else(|| "this kernel does not tell the CPU of a thread".into())
    }
}

/// A running process with the listeners of its variants.
#[derive(Debug)]
pub(super) enum Gateway {
    Envoy(Envoy),
    Nginx(Nginx),
}

impl Gateway {
    /// Starts what these variants, all of one process, need.
    pub(super) fn start(variants: &[&Variant], apps: &[SocketAddr], dir: &Path) -> Result<Self, String> {
        if variants.iter().any(|variant| variant.process == Which::Nginx) {
            return Nginx::start(variants, apps, dir).map(Self::Nginx);
        }
        let config = bootstrap(variants, apps, dir)?;
        let options = EnvoyOptions { workers: 1, ready_within: START, ..EnvoyOptions::default() };
        Envoy::start(&config, &options).map(Self::Envoy).map_err(|e| e.to_string())
    }

    pub(super) fn address(&self, variant: &Variant) -> Result<SocketAddr, String> {
        match self {
            Self::Envoy(envoy) => envoy.listener(&variant.id).map_err(|e| e.to_string()),
            Self::Nginx(nginx) => nginx.listeners.get(&variant.id).copied().ok_or_else(|| "nginx has no such".into()),
        }
    }

    pub(super) fn pid(&self) -> u32 {
        match self {
            Self::Envoy(envoy) => envoy.pid(),
            Self::Nginx(nginx) => nginx.child.pid(),
        }
    }

    /// The one thread that does the work; what else a process does between times is not counted.
    pub(super) fn worker(&self) -> Result<Worker, String> {
        let pid = self.pid();
        let tid = match self {
            Self::Envoy(_) => cpu::thread_named(pid, "wrk:worker_0").ok_or("Envoy has no worker")?,
            Self::Nginx(_) => pid,
        };
        Ok(Worker { pid, tid })
    }

    /// For a message about a failure.
    pub(super) fn log(&self) -> String {
        match self {
            Self::Envoy(envoy) => envoy.logs(),
            Self::Nginx(nginx) => nginx.child.output(),
        }
    }
}

/// The shipped gateway with a listener for each variant. Taken out: the PROXY protocol's header, which the clients would
/// have to send, and the access log, which the others would need as well.
fn bootstrap(variants: &[&Variant], apps: &[SocketAddr], dir: &Path) -> Result<Value, String> {
    let unwatched = dir.join("unwatched");
    let text =
        Shipped::text(FILE, &[("CHANGE-ME-gateway-pod-name", "bench"), ("/etc/envoy/mesh-gateway", utf8(&unwatched)?)]);
    let mut shipped = Shipped::parse(&text).value().clone();
    let listener = shipped.pointer("/static_resources/listeners/0").cloned().unwrap_or_default();
    let nowhere = shipped.pointer("/static_resources/clusters").and_then(Value::as_array).cloned().unwrap_or_default();
    let listeners = variants.iter().map(|variant| listener_of(variant, &listener, dir));
    let large = variants.iter().any(|variant| variant.process == Which::LargeEnvoy);
    let names = if large { variants.iter().map(|variant| variant.names).max().unwrap_or(0) } else { APPS };
    let model = shipped_cluster()?;
    let clusters = (0..names).filter_map(|place| Some(cluster(&model, &name(place), *apps.get(app_of(place))?)));
    shipped["static_resources"] = json!({
        "listeners": listeners.collect::<Result<Vec<_>, _>>()?,
        "clusters": nowhere.into_iter().chain(clusters).collect::<Vec<_>>(),
    });
    // Ten thousand clusters have a million counters, and whoever flushes them is not the worker.
    shipped["stats_flush_interval"] = json!("299s");
    if let Some(all) = shipped.as_object_mut() {
        all.remove("dynamic_resources");
    }
    Ok(shipped)
}

fn listener_of(variant: &Variant, shipped: &Value, dir: &Path) -> Result<Value, String> {
    let mut listener = shipped.clone();
    listener["name"] = json!(variant.id);
    listener["stat_prefix"] = json!(variant.id);
    if let Some(all) = listener.as_object_mut() {
        all.remove("access_log");
    }
    let filters = listener.pointer_mut("/listener_filters").and_then(Value::as_array_mut);
    filters
        .ok_or("the shipped gateway has no listener filters")?
        .retain(|filter| filter.get("name").and_then(Value::as_str) != Some("envoy.filters.listener.proxy_protocol"));
    let chain = listener.pointer_mut("/filter_chains/0/filters").and_then(Value::as_array_mut);
    let [router, tcp_proxy] = &mut chain.ok_or("the shipped gateway has no filters")?[..] else {
        return Err("the shipped gateway has other filters than sni-router and tcp_proxy".into());
    };
    match &variant.router {
        Router::Ours(artefact) => {
            let file = routes(variant, artefact, dir)?;
            router["name"] = json!(variant.id);
            router["config_discovery"]["config_source"]["path_config_source"] = json!({ "path": file });
        }
        _ => {
            *router = json!({
                "name": "envoy.filters.network.sni_cluster",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.network.sni_cluster.v3.SniCluster",
                },
            });
        }
    }
    if variant.router == Router::None {
        tcp_proxy["typed_config"]["cluster"] = json!(name(0));
        if let Some(filters) = listener.pointer_mut("/filter_chains/0/filters").and_then(Value::as_array_mut) {
            filters.remove(0);
        }
    }
    Ok(listener)
}

/// The shipped table's file with the variant's names, in a VM of its own.
fn routes(variant: &Variant, artefact: &Path, dir: &Path) -> Result<PathBuf, String> {
    let text = Shipped::text(
        "mesh-gateway-routes.yaml",
        &[("CHANGE-ME.example.com", "example.com"), ("/etc/envoy/sni-router.wasm", utf8(artefact)?)],
    );
    let mut file: Value = yaml_serde::from_str(&text).map_err(|e| e.to_string())?;
    let table: Vec<Value> = (0..variant.names)
        .map(|place| {
            let cluster = if variant.process == Which::LargeEnvoy { place } else { app_of(place) };
            json!({ "sni": name(place), "cluster": name(cluster) })
        })
        .collect();
    let resource = file.pointer_mut("/resources/0").ok_or("the shipped table has no resource")?;
    resource["name"] = json!(variant.id);
    let config = resource.pointer_mut("/typed_config/config").ok_or("the shipped table has no filter")?;
    config["name"] = json!(variant.id);
    config["vm_config"]["vm_id"] = json!(variant.id);
    config["configuration"]["value"] = json!(json!({ "routes": table }).to_string());
    let path = dir.join(format!("{}.yaml", variant.id));
    fs::write(&path, file.to_string()).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(path)
}

fn shipped_cluster() -> Result<Value, String> {
    let text = Shipped::text(
        "mesh-gateway-clusters.yaml",
        &[("CHANGE-ME-ledger.staging.svc", "ledger.invalid"), ("CHANGE-ME-reports.staging.svc", "reports.invalid")],
    );
    let file: Value = yaml_serde::from_str(&text).map_err(|e| e.to_string())?;
    let mut cluster = file.pointer("/resources/0").cloned().ok_or("the shipped clusters are none")?;
    if let Some(all) = cluster.as_object_mut() {
        all.remove("@type");
        all.remove("dns_lookup_family");
    }
    cluster["type"] = json!("STATIC");
    Ok(cluster)
}

fn cluster(model: &Value, name: &str, app: SocketAddr) -> Value {
    let mut cluster = model.clone();
    cluster["name"] = json!(name);
    let address = json!({ "address": app.ip().to_string(), "port_value": app.port() });
    cluster["load_assignment"] = json!({
        "cluster_name": name,
        "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": { "socket_address": address } } }] }],
    });
    cluster
}

fn utf8(path: &Path) -> Result<&str, String> {
    path.to_str().ok_or_else(|| format!("{} is not UTF-8", path.display()))
}

/// One process of nginx, which is its own worker.
#[derive(Debug)]
pub(super) struct Nginx {
    child: Child,
    listeners: BTreeMap<String, SocketAddr>,
}

impl Nginx {
    /// nginx's version, if it is installed with its module for streams.
    pub(super) fn version() -> Option<String> {
        module()?;
        let output = Command::new("nginx").arg("-v").output().ok()?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        text.trim().rsplit('/').next().map(str::to_owned).filter(|_| output.status.success())
    }

    fn start(variants: &[&Variant], apps: &[SocketAddr], dir: &Path) -> Result<Self, String> {
        // It takes no port 0, so another process may be faster than it.
        let mut tried = Err("never started".to_owned());
        for _ in 0..5 {
            tried = Self::try_start(variants, apps, dir);
            if tried.is_ok() {
                break;
            }
        }
        tried.map_err(|e| format!("nginx: {e}"))
    }

    fn try_start(variants: &[&Variant], apps: &[SocketAddr], dir: &Path) -> Result<Self, String> {
        let told = |e: io::Error| e.to_string();
        let mut listeners = BTreeMap::new();
        for variant in variants {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr());
            listeners.insert(variant.id.clone(), free.map_err(told)?);
        }
        let config = dir.join("nginx.conf");
        fs::write(&config, nginx_conf(variants, &listeners, apps, dir)?).map_err(told)?;
        let mut command = Command::new("nginx");
        command.arg("-c").arg(&config).arg("-p").arg(dir).arg("-e").arg("stderr");
        let mut child = Child::spawn(command, &dir.join("nginx.log")).map_err(told)?;
        let deadline = Instant::now() + START;
        while let Some(missing) = listeners.values().find(|address| TcpStream::connect(address).is_err()) {
            if child.ended().is_some() || Instant::now() > deadline {
                return Err(format!("it does not listen on {missing}: {}", child.output()));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(Self { child, listeners })
    }
}

fn module() -> Option<PathBuf> {
    NGINX_MODULES.iter().map(|dir| Path::new(dir).join("ngx_stream_module.so")).find(|path| path.is_file())
}

/// As much as it can the same as the shipped gateway: timeouts, half-closed connections, no access log.
fn nginx_conf(
    variants: &[&Variant],
    listeners: &BTreeMap<String, SocketAddr>,
    apps: &[SocketAddr],
    dir: &Path,
) -> Result<String, String> {
    let module = module().ok_or("its module for streams is not installed")?;
    let mut conf = format!(
        "load_module {};\ndaemon off;\nmaster_process off;\nworker_processes 1;\npid {};\nerror_log stderr error;\n\
         events {{ worker_connections 16000; multi_accept off; }}\nstream {{\n\
         map_hash_max_size 32768; map_hash_bucket_size 128;\npreread_timeout 5s; proxy_timeout 400s;\n\
         proxy_connect_timeout 3s; proxy_half_close on; tcp_nodelay on;\n",
        module.display(),
        dir.join("nginx.pid").display()
    );
    let failed = |_| "a configuration in memory".to_owned();
    for (number, app) in apps.iter().enumerate() {
        writeln!(conf, "upstream app{number} {{ server {app}; }}").map_err(failed)?;
    }
    for (number, variant) in variants.iter().enumerate() {
        writeln!(conf, "map $ssl_preread_server_name $upstream{number} {{").map_err(failed)?;
        for place in 0..variant.names {
            writeln!(conf, "{} app{};", name(place), app_of(place)).map_err(failed)?;
        }
        let listen = listeners.get(&variant.id).ok_or("a listener that is not there")?;
        let server =
            format!("}}\nserver {{ listen {listen} backlog=4096; ssl_preread on; proxy_pass $upstream{number}; }}");
        writeln!(conf, "{server}").map_err(failed)?;
    }
    conf.push_str("}\n");
    Ok(conf)
}
