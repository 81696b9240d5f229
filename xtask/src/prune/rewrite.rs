//! Writes a module again with fewer functions.

use std::collections::{BTreeSet, HashMap};

use wasm_encoder::reencode::{Error as Reencoding, Reencode, utils};
use wasm_encoder::{CodeSection, ExportSection, Function, FunctionSection, ImportSection, Module};
use wasmparser::{
    CodeSectionReader, ExportSectionReader, ExternalKind, FunctionSectionReader, ImportSectionReader, Parser,
};

use super::functions::{Functions, is_function};

pub(super) struct Rewrite<'k> {
    imported: u32,
    /// Whether a function is written, by its old number.
    written: Vec<bool>,
    /// Whom those who refer to a function will refer to, by its old number. `None`: nobody may refer to it.
    instead: Vec<Option<u32>>,
    /// Whether a function that traps is written after all others.
    traps: bool,
    keep: &'k dyn Fn(&str) -> bool,
}

impl<'k> Rewrite<'k> {
    /// Writes the `live` functions only; references to one that is `trapped` lead to one that traps.
    pub(super) fn to_live(
        module: &Functions<'_>,
        live: &BTreeSet<u32>,
        trapped: &BTreeSet<u32>,
        keep: &'k dyn Fn(&str) -> bool,
    ) -> Self {
        let written: Vec<bool> = (0..module.len()).map(|old| live.contains(&old)).collect();
        let mut instead = renumber(&written);
        let trap = u32::try_from(live.len()).ok();
        for &old in trapped {
            if let Some(instead) = instead.get_mut(old as usize) {
                *instead = trap;
            }
        }
        Self { imported: module.imported, written, instead, traps: !trapped.is_empty(), keep }
    }

    /// Writes each function once that is there twice: of the same type, with the same bytes. `None`: there is none such.
    pub(super) fn to_unlike(module: &Functions<'_>) -> Option<Rewrite<'static>> {
        let mut first = HashMap::new();
        let alike: Vec<u32> = (module.imported..)
            .zip(module.types.iter().zip(&module.bodies))
            .map(|(old, (ty, body))| *first.entry((ty, body.as_bytes())).or_insert(old))
            .collect();
        let representative: Vec<u32> = (0..module.imported).chain(alike).collect();
        let written: Vec<bool> = (0..).zip(&representative).map(|(old, &first)| first == old).collect();
        if written.iter().all(|&written| written) {
            return None;
        }
        let new = renumber(&written);
        let instead = representative.iter().map(|&old| new.get(old as usize).copied().flatten()).collect();
        Some(Rewrite { imported: module.imported, written, instead, traps: false, keep: &|_| true })
    }

    pub(super) fn write(mut self, wasm: &[u8]) -> Result<Vec<u8>, String> {
        let mut out = Module::new();
        self.parse_core_module(&mut out, Parser::new(0), wasm).map_err(|e| {
            format!("the module cannot be written again: {e}; a construct that xtask/src/prune does not know")
        })?;
        Ok(out.finish())
    }

    fn writes(&self, old: u32) -> bool {
        self.written.get(old as usize).copied().unwrap_or(false)
    }
}

/// New numbers for those that are written.
fn renumber(written: &[bool]) -> Vec<Option<u32>> {
    let mut next = 0..;
    written.iter().map(|&written| if written { next.next() } else { None }).collect()
}

type Written = Result<(), Reencoding<String>>;

impl Reencode for Rewrite<'_> {
    type Error = String;

    fn function_index(&mut self, old: u32) -> Result<u32, Reencoding<String>> {
        let new = self.instead.get(old as usize).copied().flatten();
        new.ok_or_else(|| Reencoding::UserError(format!("function {old} is referred to, but was found unreachable")))
    }

    fn parse_import_section(&mut self, out: &mut ImportSection, section: ImportSectionReader<'_>) -> Written {
        let mut functions = 0..;
        for import in section.into_imports() {
            let import = import?;
            if !is_function(import.ty) || functions.next().is_some_and(|old| self.writes(old)) {
                self.parse_import(out, import)?;
            }
        }
        Ok(())
    }

    fn parse_function_section(&mut self, out: &mut FunctionSection, section: FunctionSectionReader<'_>) -> Written {
        for (index, ty) in (self.imported..).zip(section) {
            let ty = self.type_index(ty?)?;
            if self.writes(index) {
                out.function(ty);
            }
        }
        if self.traps {
            // Any type will do: a call through the table under another type traps just as well.
            out.function(0);
        }
        Ok(())
    }

    fn parse_code_section(&mut self, out: &mut CodeSection, section: CodeSectionReader<'_>) -> Written {
        for (index, body) in (self.imported..).zip(section) {
            let body = body?;
            if self.writes(index) {
                self.parse_function_body(out, body)?;
            }
        }
        if self.traps {
            let mut trap = Function::new([]);
            trap.instructions().unreachable().end();
            out.function(&trap);
        }
        Ok(())
    }

    fn parse_export_section(&mut self, out: &mut ExportSection, section: ExportSectionReader<'_>) -> Written {
        for export in section {
            let export = export?;
            if export.kind != ExternalKind::Func || (self.keep)(export.name) {
                utils::parse_export(self, out, export)?;
            }
        }
        Ok(())
    }

    /// Names, producers, target features: nothing that Envoy reads.
    fn parse_custom_section(&mut self, _: &mut Module, _: wasmparser::CustomSectionReader<'_>) -> Written {
        Ok(())
    }

    fn parse_unknown_section(&mut self, _: &mut Module, id: u8, _: &[u8]) -> Written {
        Err(Reencoding::UserError(format!("section {id} is unknown")))
    }
}
