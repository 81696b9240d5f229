//! The filters' artefacts: what each may import, must export and may weigh, and the table that says what came out.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::prune::{self, Pruned};
use crate::sdk;

/// What is declared about a filter. A new filter is a new entry in [`FILTERS`].
#[derive(Debug)]
pub struct Filter {
    /// The package, and the stem of the artefact in `dist/`.
    pub package: &'static str,
    /// Callbacks that the filter implements, beside [`ALWAYS`]. Each one costs a crossing from Envoy into the VM.
    pub callbacks: &'static [&'static str],
    /// The host functions that it imports from module `env`, no more and no fewer: what it can do to an Envoy.
    pub imports: &'static [&'static str],
    /// The most that the artefact may weigh.
    pub max_bytes: usize,
}

/// Every filter that `cargo xtask build` makes.
pub const FILTERS: &[Filter] = &[IRSA_SIGNER, SNI_ROUTER];

const IRSA_SIGNER: Filter = Filter {
    package: "irsa-signer",
    callbacks: &[
        "proxy_on_tick",
        "proxy_on_request_headers",
        "proxy_on_request_body",
        "proxy_on_request_trailers",
        "proxy_on_http_call_response",
    ],
    imports: &[
        "proxy_add_header_map_value",
        "proxy_continue_stream",
        "proxy_define_metric",
        "proxy_get_buffer_bytes",
        "proxy_get_current_time_nanoseconds",
        "proxy_get_header_map_pairs",
        "proxy_get_header_map_value",
        "proxy_get_property",
        "proxy_get_shared_data",
        "proxy_http_call",
        "proxy_increment_metric",
        "proxy_log",
        "proxy_record_metric",
        "proxy_remove_header_map_value",
        "proxy_replace_header_map_value",
        "proxy_send_local_response",
        "proxy_set_effective_context",
        "proxy_set_property",
        "proxy_set_shared_data",
        "proxy_set_tick_period_milliseconds",
    ],
    // The design's aim is 150,000. A ratchet: what is saved stays saved.
    max_bytes: 194_000,
};

const SNI_ROUTER: Filter = Filter {
    package: "sni-router",
    callbacks: &["proxy_on_new_connection"],
    imports: &[
        "proxy_call_foreign_function",
        "proxy_close_stream",
        "proxy_define_metric",
        "proxy_get_buffer_bytes",
        "proxy_get_current_time_nanoseconds",
        "proxy_get_property",
        "proxy_increment_metric",
        "proxy_log",
        "proxy_record_metric",
        "proxy_set_property",
    ],
    max_bytes: 100_000,
};

/// Exports that every filter keeps: the ABI's version and entry, its allocator, and the making, configuring and freeing of
/// contexts. Envoy takes every callback as optional, but contexts are freed in `proxy_on_delete`, and without
/// `proxy_on_memory_allocate` (or `malloc`) it refuses the module.
pub const ALWAYS: &[&str] = &[
    "_initialize",
    "malloc",
    "proxy_abi_version_0_2_1",
    "proxy_on_memory_allocate",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_vm_start",
    "proxy_on_configure",
];

/// A finished artefact, with what is said of it.
#[derive(Debug)]
pub struct Artefact {
    /// The bytes that belong in `dist/`.
    pub wasm: Vec<u8>,
    /// Size of the linker's output.
    pub raw_bytes: usize,
    /// Function imports as `module.name`, sorted.
    pub imports: Vec<String>,
    /// All exports, sorted.
    pub exports: Vec<String>,
    /// Exports that were taken out, sorted.
    pub removed: Vec<String>,
    /// Methods of the SDK's traits that trap now, sorted.
    pub trapped: Vec<String>,
    /// Symbol and size of its functions, largest first.
    pub sizes: Vec<(String, usize)>,
}

impl Filter {
    /// Prunes the linker's output.
    pub fn finish(&self, raw: &[u8]) -> Result<Artefact, String> {
        if !prune::looks_like_wasm(raw) {
            return Err(format!(
                "what cargo built for {} is not wasm; is its target wasm32-unknown-unknown?",
                self.package
            ));
        }
        let Pruned { wasm, trapped, sizes } =
            prune::prune(raw, |export| self.keeps(export), |symbol| sdk::accessor(symbol).is_some())?;
        let (imports, exports) = prune::interface(&wasm)?;
        let before: BTreeSet<String> = prune::interface(raw)?.1.into_iter().collect();
        let after: BTreeSet<String> = exports.into_iter().collect();
        let imports: BTreeSet<String> = imports.into_iter().map(|(module, name)| format!("{module}.{name}")).collect();
        Ok(Artefact {
            wasm,
            raw_bytes: raw.len(),
            imports: imports.into_iter().collect(),
            removed: before.difference(&after).cloned().collect(),
            exports: after.into_iter().collect(),
            sizes,
            trapped: trapped
                .iter()
                .filter_map(|symbol| sdk::accessor(symbol))
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
        })
    }

    /// Everything that is wrong with the artefact, each with its remedy.
    pub fn problems(&self, artefact: &Artefact) -> Vec<String> {
        let mut found = Vec::new();
        let listed = |import: &str| import.strip_prefix("env.").is_some_and(|name| self.imports.contains(&name));
        for import in artefact.imports.iter().filter(|import| !listed(import)) {
            found.push(format!(
                "{} imports {import}, which is not on its list; do without it, or add it to FILTERS in xtask/src/artefact.rs",
                self.package
            ));
        }
        for name in self.imports {
            if !artefact.imports.iter().any(|import| import.strip_prefix("env.") == Some(name)) {
                found.push(format!(
                    "{} does not import env.{name}, which is on its list; take it out of FILTERS in xtask/src/artefact.rs",
                    self.package
                ));
            }
        }
        if artefact.wasm.len() > self.max_bytes {
            found.push(format!(
                "{} weighs {} bytes, at most {} are allowed; make it smaller, or argue for a new bar; its largest functions are{}",
                self.package,
                artefact.wasm.len(),
                self.max_bytes,
                artefact.largest(25)
            ));
        }
        for required in ["_initialize", "memory", "proxy_abi_version_0_2_1", "proxy_on_context_create"] {
            if !artefact.exports.iter().any(|export| export == required) {
                found.push(format!(
                    "{} does not export {required}, so Envoy cannot load it; does its lib.rs have proxy_wasm::main! in it?",
                    self.package
                ));
            }
        }
        found
    }

    /// Callbacks that the filter's `sources` implement although their exports are taken out: they would silently never be called.
    pub fn unreachable_callbacks(&self, sources: &str) -> Vec<String> {
        CALLBACKS
            .iter()
            .filter(|(method, export)| sources.contains(&format!("fn {method}(")) && !self.keeps(export))
            .map(|(method, export)| {
                format!(
                    "{} implements {method}, but {export} is not among its callbacks, so Envoy would never call it; \
                     add it to FILTERS in xtask/src/artefact.rs",
                    self.package
                )
            })
            .collect()
    }

    /// Methods of the SDK's traits that the filter's `sources` call although they trap now.
    pub fn trapped_calls(&self, artefact: &Artefact, sources: &str) -> Vec<String> {
        artefact
            .trapped
            .iter()
            .filter(|method| sources.contains(&format!(".{method}(")))
            .map(|method| {
                format!(
                    "{} calls {method} of the SDK's traits, which was taken out; call proxy_wasm::hostcalls in its host.rs instead",
                    self.package
                )
            })
            .collect()
    }

    /// Callbacks that are kept although the filter's `sources` do not implement them: a crossing each, for nothing.
    pub fn idle_callbacks(&self, sources: &str) -> Vec<&'static str> {
        let implemented =
            |callback: &str| CALLBACKS.iter().any(|(m, e)| *e == callback && sources.contains(&format!("fn {m}(")));
        self.callbacks.iter().copied().filter(|callback| !implemented(callback)).collect()
    }

    fn keeps(&self, export: &str) -> bool {
        ALWAYS.contains(&export) || self.callbacks.contains(&export)
    }
}

/// Methods of the SDK's traits, and the export through which Envoy reaches each.
const CALLBACKS: &[(&str, &str)] = &[
    ("on_done", "proxy_on_done"),
    ("on_log", "proxy_on_log"),
    ("on_tick", "proxy_on_tick"),
    ("on_queue_ready", "proxy_on_queue_ready"),
    ("on_new_connection", "proxy_on_new_connection"),
    ("on_downstream_data", "proxy_on_downstream_data"),
    ("on_downstream_close", "proxy_on_downstream_connection_close"),
    ("on_upstream_data", "proxy_on_upstream_data"),
    ("on_upstream_close", "proxy_on_upstream_connection_close"),
    ("on_http_request_headers", "proxy_on_request_headers"),
    ("on_http_request_body", "proxy_on_request_body"),
    ("on_http_request_trailers", "proxy_on_request_trailers"),
    ("on_http_response_headers", "proxy_on_response_headers"),
    ("on_http_response_body", "proxy_on_response_body"),
    ("on_http_response_trailers", "proxy_on_response_trailers"),
    ("on_http_call_response", "proxy_on_http_call_response"),
    ("on_grpc_call_response", "proxy_on_grpc_receive"),
    ("on_grpc_stream_initial_metadata", "proxy_on_grpc_receive_initial_metadata"),
    ("on_grpc_stream_message", "proxy_on_grpc_receive"),
    ("on_grpc_stream_trailing_metadata", "proxy_on_grpc_receive_trailing_metadata"),
    ("on_grpc_stream_close", "proxy_on_grpc_close"),
    ("on_foreign_function", "proxy_on_foreign_function"),
];

impl Artefact {
    /// SHA-256 of the bytes, in hex.
    pub fn sha256(&self) -> String {
        Sha256::digest(&self.wasm).iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    fn largest(&self, count: usize) -> String {
        self.sizes.iter().take(count).fold(String::new(), |mut text, (symbol, bytes)| {
            let _ = write!(text, "\n  {bytes:>6}  {:#}", rustc_demangle::demangle(symbol));
            text
        })
    }

    /// The table that `build` prints.
    pub fn report(&self, filter: &Filter, path: &str) -> String {
        let mut text = String::new();
        let list = |names: &[String]| names.join(", ").replace("env.", "").replace("proxy_", "");
        let rows = [
            ("artefact", path.to_owned()),
            ("bytes raw", self.raw_bytes.to_string()),
            ("bytes after", format!("{} (at most {})", self.wasm.len(), filter.max_bytes)),
            ("imports", format!("{}: {}", self.imports.len(), list(&self.imports))),
            ("exports", format!("{}: {}", self.exports.len(), list(&self.exports))),
            ("trapping", format!("{} methods of the SDK's traits", self.trapped.len())),
            ("removed", format!("{}: {}", self.removed.len(), list(&self.removed))),
            ("sha256", self.sha256()),
        ];
        for (name, value) in rows {
            let _ = writeln!(text, "  {name:<12} {value}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artefact(bytes: usize, imports: &[&str], exports: &[&str]) -> Artefact {
        Artefact {
            wasm: vec![0; bytes],
            raw_bytes: bytes,
            imports: imports.iter().map(|&s| s.to_owned()).collect(),
            exports: exports.iter().map(|&s| s.to_owned()).collect(),
            removed: Vec::new(),
            trapped: Vec::new(),
            sizes: vec![("_ZN6filter4huge17h0123456789abcdefE".into(), bytes)],
        }
    }

    const ENTRY: [&str; 4] = ["_initialize", "memory", "proxy_abi_version_0_2_1", "proxy_on_context_create"];

    fn listed() -> Vec<String> {
        FILTERS[0].imports.iter().map(|name| format!("env.{name}")).collect()
    }

    #[test]
    fn accepts_the_listed_imports_and_the_full_weight() {
        let imports = listed();
        let imports: Vec<&str> = imports.iter().map(String::as_str).collect();
        assert_eq!(FILTERS[0].problems(&artefact(194_000, &imports, &ENTRY)), Vec::<String>::new());
    }

    #[test]
    fn names_every_problem_at_once() {
        let imports = ["env.proxy_grpc_call", "wasi_snapshot_preview1.fd_write", "wasi.proxy_log"];
        let found = FILTERS[0].problems(&artefact(194_001, &imports, &ENTRY[..3])).join("\n");
        let others = [
            "194001 bytes",
            "194001  filter::huge",
            "does not export proxy_on_context_create",
            "does not import env.proxy_log",
        ];
        for expected in [&imports[..], &others].concat() {
            assert!(found.contains(expected), "{expected} is missing in:\n{found}");
        }
    }

    #[test]
    fn a_call_of_a_method_that_traps_is_a_problem() {
        let trapping = Artefact { trapped: vec!["done".into(), "get_property".into()], ..artefact(0, &[], &ENTRY) };
        let found = FILTERS[0].trapped_calls(&trapping, "hostcalls::get_property(path); self.done();");
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("calls done"), "{}", found[0]);
    }

    #[test]
    fn a_callback_that_is_implemented_but_not_exported_is_a_problem() {
        let filter = &FILTERS[0];
        let found = filter.unreachable_callbacks("fn on_http_response_headers(&mut self) {} fn on_tick(&mut self) {}");
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("proxy_on_response_headers"), "{}", found[0]);
    }

    #[test]
    fn a_callback_that_is_exported_but_not_implemented_is_named() {
        let sources = "fn on_tick(fn on_http_request_headers(fn on_http_request_body(fn on_http_request_trailers(";
        assert_eq!(FILTERS[0].idle_callbacks(sources), ["proxy_on_http_call_response"]);
    }

    #[test]
    fn sha256_is_the_usual_one() {
        let empty = artefact(0, &[], &[]);
        assert_eq!(empty.sha256(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
