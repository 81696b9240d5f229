//! An artefact that traps on purpose: the real one, of which one callback was replaced by `unreachable`.

use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{CodeSection, Function, Instruction, Module};
use wasmparser::{ExternalKind, FunctionBody, Parser, Payload, TypeRef};

/// The module with the body of an exported function replaced by a trap.
///
/// # Panics
/// When the module has no such export.
pub fn trap_in(module: &[u8], export: &str) -> Vec<u8> {
    let mut imported = 0;
    let mut wanted = None;
    for payload in Parser::new(0).parse_all(module) {
        match payload.expect("a module") {
            Payload::ImportSection(imports) => {
                let imports = imports.into_imports().map(|import| import.expect("an import"));
                imported = imports.filter(|import| matches!(import.ty, TypeRef::Func(_))).count();
            }
            Payload::ExportSection(exports) => {
                let mut exports = exports.into_iter().map(|export| export.expect("an export"));
                let found = exports.find(|found| found.name == export && found.kind == ExternalKind::Func);
                wanted = Some(found.unwrap_or_else(|| panic!("no export {export}")).index);
            }
            _ => {}
        }
    }
    let wanted = usize::try_from(wanted.expect("exports")).expect("an index");
    let mut out = Module::new();
    let mut saboteur = Saboteur { wanted: wanted - imported, next: 0 };
    saboteur.parse_core_module(&mut out, Parser::new(0), module).expect("a module that can be written again");
    out.finish()
}

struct Saboteur {
    wanted: usize,
    next: usize,
}

impl Reencode for Saboteur {
    type Error = std::convert::Infallible;

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), Error<Self::Error>> {
        let is_wanted = self.next == self.wanted;
        self.next += 1;
        if !is_wanted {
            return utils::parse_function_body(self, code, body);
        }
        let mut trap = Function::new([]);
        trap.instruction(&Instruction::Unreachable);
        trap.instruction(&Instruction::End);
        code.function(&trap);
        Ok(())
    }
}
