//! What this act needs to find on this machine.

use std::path::PathBuf;

use xtask::extension::MESHBRIDGE_MTLS_PROXY;
use xtask::{extension, moto, workspace};

use crate::demo::Stop;
use crate::demo::found::{Envoys, Module, failed, kilobytes};

/// All of it is there.
pub(in crate::demo) struct Parts {
    /// The artefact of sni-router.
    pub(super) router: Module,
    /// The extension.
    pub(super) proxy: PathBuf,
    proxy_bytes: u64,
    /// What a layer brings beside the extension, for `AWS_LAMBDA_EXEC_WRAPPER`.
    pub(super) wrapper: PathBuf,
    /// What runs the function.
    pub(super) python: PathBuf,
    /// The client for Python.
    pub(super) client: PathBuf,
    pub(super) envoys: Envoys,
}

impl Parts {
    /// All of them, or one line with the remedy.
    pub(in crate::demo) fn find() -> Result<Self, Stop> {
        let root = workspace::root().map_err(failed)?;
        let router = Module::at(workspace::artefact(&root, "sni-router"), "run `cargo xtask build`")?;
        let proxy = extension::find(&root).map_err(failed)?;
        let there = proxy
            .metadata()
            .map_err(|e| failed(format!("{} cannot be read: {e}; unset ${MESHBRIDGE_MTLS_PROXY}", proxy.display())))?;
        let moto = moto::find(&root).map_err(failed)?;
        Ok(Self {
            router,
            proxy,
            proxy_bytes: there.len(),
            wrapper: root.join("lambda/mtls-proxy/mtls-proxy-wrapper"),
            python: moto.python,
            client: root.join("lambda/clients/python/src"),
            envoys: Envoys::find()?,
        })
    }

    /// The extension, for the screen.
    pub(super) fn extension(&self) -> String {
        format!("{} ({:.1} MB)", self.proxy.display(), kilobytes(self.proxy_bytes) / 1000.0)
    }
}
