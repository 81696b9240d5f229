//! What is compared.

use std::path::PathBuf;

/// A gateway between clients and apps.
#[derive(Clone, Debug)]
pub(super) struct Variant {
    /// Of its listener; also a file's name.
    pub(super) id: String,
    /// For people.
    pub(super) label: String,
    pub(super) process: Which,
    pub(super) router: Router,
    /// How many names clients ask for.
    pub(super) names: usize,
}

/// The process that it is part of. Each has one worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// An Envoy with a cluster for each app.
    Envoy,
    /// An Envoy with a cluster for each name.
    LargeEnvoy,
    Nginx,
}

/// What picks the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Router {
    /// Nothing: all go to one app.
    None,
    /// Envoy's own `sni_cluster`: the name is the cluster.
    SniCluster,
    /// sni-router from this artefact.
    Ours(PathBuf),
    /// nginx with `ssl_preread` and a map.
    SslPreread,
}

const FEW: usize = 10;
const MANY: usize = 10_000;

/// All variants; the first artefact is the one that is judged.
pub(super) fn all(artefacts: &[PathBuf], with_nginx: bool) -> Vec<Variant> {
    let mut all = Vec::new();
    let mut add = |label: String, process, router, names| {
        all.push(Variant { id: format!("variant-{}", all.len()), label, process, router, names });
    };
    add("no router".into(), Which::Envoy, Router::None, 1);
    add("sni_cluster, 10 names".into(), Which::Envoy, Router::SniCluster, FEW);
    for (number, file) in artefacts.iter().enumerate() {
        let label = match number {
            0 => "sni-router".into(),
            _ => file.file_stem().unwrap_or_default().to_string_lossy(),
        };
        add(format!("{label}, 10 names"), Which::Envoy, Router::Ours(file.clone()), FEW);
        add(format!("{label}, 10,000 names"), Which::Envoy, Router::Ours(file.clone()), MANY);
    }
    if with_nginx {
        add("nginx ssl_preread, 10 names".into(), Which::Nginx, Router::SslPreread, FEW);
        add("nginx ssl_preread, 10,000 names".into(), Which::Nginx, Router::SslPreread, MANY);
    }
    add("sni_cluster, 10,000 clusters".into(), Which::LargeEnvoy, Router::SniCluster, MANY);
    if let Some(file) = artefacts.first() {
        add("sni-router, 10,000 clusters".into(), Which::LargeEnvoy, Router::Ours(file.clone()), MANY);
    }
    all
}

impl Variant {
    /// Whether this is what the other is to be compared with.
    pub(super) fn is_baseline_of(&self, other: &Self) -> bool {
        let large = other.process == Which::LargeEnvoy;
        self.router == Router::SniCluster && (self.process == Which::LargeEnvoy) == large
    }
}
