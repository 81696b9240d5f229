//! Which Envoy, which launcher, which artefact: from the environment that `cargo xtask` sets, else found as xtask finds them.

use std::path::PathBuf;
use std::sync::OnceLock;

use xtask::envoy::{self, MESHBRIDGE_ENVOY, MESHBRIDGE_ENVOY_OLDEST, MESHBRIDGE_WASM, Which};
use xtask::workspace;

use super::EnvoyError;

type Found = OnceLock<Result<PathBuf, String>>;

/// The Envoy under test: `$MESHBRIDGE_ENVOY`, else the newest supported.
pub fn envoy() -> Result<PathBuf, EnvoyError> {
    static FOUND: Found = OnceLock::new();
    once(&FOUND, || from_environment_or(MESHBRIDGE_ENVOY, |root| envoy::find(root, Which::Newest)))
}

/// The oldest Envoy that is supported: `$MESHBRIDGE_ENVOY_OLDEST`, else the version in `.envoy-version-oldest`.
pub fn oldest_envoy() -> Result<PathBuf, EnvoyError> {
    static FOUND: Found = OnceLock::new();
    once(&FOUND, || from_environment_or(MESHBRIDGE_ENVOY_OLDEST, |root| envoy::find(root, Which::Oldest)))
}

/// The artefact of irsa-signer: `$MESHBRIDGE_WASM`, else `dist/irsa-signer.wasm`.
pub fn wasm() -> Result<PathBuf, EnvoyError> {
    static FOUND: Found = OnceLock::new();
    once(&FOUND, || {
        let path = from_environment_or(MESHBRIDGE_WASM, |root| Ok(workspace::artefact(root, "irsa-signer")))?;
        let missing =
            || format!("{} is not there; run `cargo xtask build` first, or `cargo xtask test`", path.display());
        path.is_file().then_some(()).ok_or_else(missing)?;
        Ok(path)
    })
}

/// func-e, when it is there: `$MESHBRIDGE_FUNC_E`, `target/tools/bin`, the PATH.
pub fn func_e() -> Option<PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND.get_or_init(|| envoy::func_e(&workspace::root().ok()?)).clone()
}

fn once(found: &'static Found, find: impl FnOnce() -> Result<PathBuf, String>) -> Result<PathBuf, EnvoyError> {
    found.get_or_init(find).clone().map_err(EnvoyError::Missing)
}

fn from_environment_or(
    variable: &str,
    find: impl FnOnce(&std::path::Path) -> Result<PathBuf, String>,
) -> Result<PathBuf, String> {
    match std::env::var_os(variable).filter(|value| !value.is_empty()) {
        Some(value) => Ok(value.into()),
        None => find(&workspace::root()?),
    }
}
