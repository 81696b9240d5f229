//! Takes out of a wasm module what Envoy never calls, and all functions, imports and custom sections that only that reached.
//!
//! Each exported `proxy_on_*` callback costs Envoy a crossing into the VM even when its body is empty, and the SDK exports them
//! all; its traits bring some two hundred methods that stand in tables and that nobody calls. The linker can drop neither (they are
//! its roots), so it is done here, after it. walrus could do it too: its outcome was as small and it takes twice as long to compile,
//! which is waited for on every new machine.

mod functions;
mod rewrite;

use std::collections::BTreeSet;

use wasmparser::{BinaryReader, Parser, Payload, Validator};

use functions::Functions;
use rewrite::Rewrite;

/// What [`prune`] left.
#[derive(Debug)]
pub struct Pruned {
    /// The module, validated.
    pub wasm: Vec<u8>,
    /// Symbols of the functions whose entries in the tables trap now, sorted.
    pub trapped: Vec<String>,
    /// Symbol and size of each function that was left before those that are alike became one, largest first.
    pub sizes: Vec<(String, usize)>,
}

/// Reads `wasm`, keeps the exports that `keep` accepts (and all that are no functions), and makes every entry of the tables trap
/// whose function has a symbol that `uncalled` accepts: unless something that stays refers to it otherwise than by a table.
///
/// Functions that are alike become one; entries of the tables stay apart, so pointers to them stay different.
/// The same input gives the same bytes, and the output pruned again is itself.
pub fn prune(wasm: &[u8], keep: impl Fn(&str) -> bool, uncalled: impl Fn(&str) -> bool) -> Result<Pruned, String> {
    let module = Functions::read(wasm)?;
    let live = module.reachable(&keep, &uncalled)?;
    let trapped: BTreeSet<u32> = module.tabled.iter().copied().filter(|index| !live.contains(index)).collect();
    let mut out = Rewrite::to_live(&module, &live, &trapped, &keep).write(wasm)?;
    // Callers that differed in which of two like functions they call are alike once these are one.
    while let Some(rewrite) = Rewrite::to_unlike(&Functions::read(&out)?) {
        out = rewrite.write(&out)?;
    }
    Validator::new()
        .validate_all(&out)
        .map_err(|e| format!("the pruned module is not valid wasm: {e}; this is a mistake of xtask/src/prune"))?;
    let name = |index: u32| module.names.get(&index).map(|&name| name.to_owned());
    let mut trapped: Vec<String> = trapped.into_iter().filter_map(name).collect();
    trapped.sort();
    let size = |index: u32| module.body(index).map_or(0, |body| body.as_bytes().len());
    let mut sizes: Vec<_> = live.into_iter().filter_map(|index| Some((name(index)?, size(index)))).collect();
    sizes.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    Ok(Pruned { wasm: out, trapped, sizes })
}

/// A function import: module and name.
pub type Import = (String, String);

/// What a module asks for and offers: function imports, and the names of all exports.
pub fn interface(wasm: &[u8]) -> Result<(Vec<Import>, Vec<String>), String> {
    let mut imports = Vec::new();
    let mut exports = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.map_err(unreadable)? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.map_err(unreadable)?;
                    imports.push((import.module.to_owned(), import.name.to_owned()));
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    exports.push(export.map_err(unreadable)?.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}

/// Whether `bytes` begin like a core wasm module, for an error that names the real mistake.
pub fn looks_like_wasm(bytes: &[u8]) -> bool {
    BinaryReader::new(bytes, 0).read_bytes(4).is_ok_and(|magic| magic == b"\0asm")
}

fn unreadable(e: wasmparser::BinaryReaderError) -> String {
    format!("not a readable wasm module: {e}")
}

#[cfg(test)]
mod tests;
