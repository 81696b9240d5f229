//! Takes exports out of a wasm module, and with them every function, import and custom section that nothing reaches any more.
//!
//! Each exported `proxy_on_*` callback costs Envoy a crossing into the VM even when its body is empty, and the SDK exports them
//! all. The linker cannot drop them (they are its roots), so it is done here, after it. walrus could do it too: its outcome was as
//! small (131,923 bytes against 132,024 of 161,107) and it takes twice as long to compile, which is waited for on every new machine.

use std::collections::BTreeSet;

use wasm_encoder::reencode::{Error as Reencoding, Reencode, utils};
use wasm_encoder::{CodeSection, ExportSection, FunctionSection, ImportSection, Module};
use wasmparser::{
    BinaryReader, CodeSectionReader, ConstExpr, ElementItems, ElementKind, Export, ExportSectionReader, ExternalKind,
    FunctionBody, FunctionSectionReader, ImportSectionReader, Operator, Parser, Payload, TypeRef, Validator,
};

/// Reads `wasm`, keeps the exports that `keep` accepts (and all that are no functions), and returns what is left, validated.
///
/// The same input gives the same bytes, and the output pruned again is itself.
pub fn prune(wasm: &[u8], keep: impl Fn(&str) -> bool) -> Result<Vec<u8>, String> {
    let module = Functions::read(wasm)?;
    let live = module.reachable(&keep)?;
    let mut pruner = Pruner { new_index: renumber(module.len(), &live), imported: module.imported, keep: &keep };
    let mut out = Module::new();
    pruner.parse_core_module(&mut out, Parser::new(0), wasm).map_err(|e| {
        format!("the module cannot be written again: {e}; a construct that xtask/src/prune.rs does not know")
    })?;
    let out = out.finish();
    Validator::new()
        .validate_all(&out)
        .map_err(|e| format!("the pruned module is not valid wasm: {e}; this is a mistake of xtask/src/prune.rs"))?;
    Ok(out)
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

/// The functions of a module, and who refers to whom.
struct Functions<'a> {
    imported: u32,
    bodies: Vec<FunctionBody<'a>>,
    exports: Vec<Export<'a>>,
    /// Named by the start section, an element segment or a global: alive whatever is exported, because a call through
    /// the table can reach any of its entries.
    rooted: Vec<u32>,
}

impl<'a> Functions<'a> {
    fn read(wasm: &'a [u8]) -> Result<Self, String> {
        let mut it = Functions { imported: 0, bodies: Vec::new(), exports: Vec::new(), rooted: Vec::new() };
        for payload in Parser::new(0).parse_all(wasm) {
            match payload.map_err(unreadable)? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        if is_function(import.map_err(unreadable)?.ty) {
                            it.imported += 1;
                        }
                    }
                }
                Payload::GlobalSection(section) => {
                    for global in section {
                        it.root_const(&global.map_err(unreadable)?.init_expr)?;
                    }
                }
                Payload::ExportSection(section) => {
                    it.exports = section.into_iter().collect::<Result<_, _>>().map_err(unreadable)?;
                }
                Payload::StartSection { func, .. } => it.rooted.push(func),
                Payload::ElementSection(section) => {
                    for element in section {
                        it.root_element(&element.map_err(unreadable)?)?;
                    }
                }
                Payload::CodeSectionEntry(body) => it.bodies.push(body),
                _ => {}
            }
        }
        Ok(it)
    }

    fn root_element(&mut self, element: &wasmparser::Element<'_>) -> Result<(), String> {
        if let ElementKind::Active { offset_expr, .. } = &element.kind {
            self.root_const(offset_expr)?;
        }
        match &element.items {
            ElementItems::Functions(indices) => {
                for index in indices.clone() {
                    self.rooted.push(index.map_err(unreadable)?);
                }
            }
            ElementItems::Expressions(_, expressions) => {
                for expression in expressions.clone() {
                    self.root_const(&expression.map_err(unreadable)?)?;
                }
            }
        }
        Ok(())
    }

    fn root_const(&mut self, expression: &ConstExpr<'_>) -> Result<(), String> {
        for operator in expression.get_operators_reader() {
            if let Operator::RefFunc { function_index } = operator.map_err(unreadable)? {
                self.rooted.push(function_index);
            }
        }
        Ok(())
    }

    fn len(&self) -> u32 {
        self.imported + u32::try_from(self.bodies.len()).unwrap_or(u32::MAX - self.imported)
    }

    fn reachable(&self, keep: &dyn Fn(&str) -> bool) -> Result<BTreeSet<u32>, String> {
        let exported = self.exports.iter().filter(|e| e.kind == ExternalKind::Func && keep(e.name)).map(|e| e.index);
        let mut todo: Vec<u32> = self.rooted.iter().copied().chain(exported).collect();
        let mut live = BTreeSet::new();
        while let Some(index) = todo.pop() {
            if !live.insert(index) {
                continue;
            }
            let Some(body) = index.checked_sub(self.imported).and_then(|i| self.bodies.get(i as usize)) else {
                continue;
            };
            for operator in body.get_operators_reader().map_err(unreadable)? {
                match operator.map_err(unreadable)? {
                    Operator::Call { function_index }
                    | Operator::ReturnCall { function_index }
                    | Operator::RefFunc { function_index } => todo.push(function_index),
                    _ => {}
                }
            }
        }
        Ok(live)
    }
}

fn renumber(count: u32, live: &BTreeSet<u32>) -> Vec<Option<u32>> {
    let mut next = 0;
    (0..count)
        .map(|old| {
            live.contains(&old).then(|| {
                next += 1;
                next - 1
            })
        })
        .collect()
}

struct Pruner<'k> {
    new_index: Vec<Option<u32>>,
    imported: u32,
    keep: &'k dyn Fn(&str) -> bool,
}

impl Pruner<'_> {
    fn lives(&self, old: u32) -> bool {
        matches!(self.new_index.get(old as usize), Some(Some(_)))
    }
}

type Written = Result<(), Reencoding<String>>;

impl Reencode for Pruner<'_> {
    type Error = String;

    fn function_index(&mut self, old: u32) -> Result<u32, Reencoding<String>> {
        let new = self.new_index.get(old as usize).copied().flatten();
        new.ok_or_else(|| Reencoding::UserError(format!("function {old} is referred to, but was found unreachable")))
    }

    fn parse_import_section(&mut self, out: &mut ImportSection, section: ImportSectionReader<'_>) -> Written {
        let mut function = 0;
        for import in section.into_imports() {
            let import = import?;
            if is_function(import.ty) {
                function += 1;
                if !self.lives(function - 1) {
                    continue;
                }
            }
            self.parse_import(out, import)?;
        }
        Ok(())
    }

    fn parse_function_section(&mut self, out: &mut FunctionSection, section: FunctionSectionReader<'_>) -> Written {
        for (index, ty) in (self.imported..).zip(section) {
            let ty = self.type_index(ty?)?;
            if self.lives(index) {
                out.function(ty);
            }
        }
        Ok(())
    }

    fn parse_code_section(&mut self, out: &mut CodeSection, section: CodeSectionReader<'_>) -> Written {
        for (index, body) in (self.imported..).zip(section) {
            let body = body?;
            if self.lives(index) {
                self.parse_function_body(out, body)?;
            }
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

fn is_function(ty: TypeRef) -> bool {
    matches!(ty, TypeRef::Func(_) | TypeRef::FuncExact(_))
}

fn unreadable(e: wasmparser::BinaryReaderError) -> String {
    format!("not a readable wasm module: {e}")
}

/// Whether `bytes` begin like a core wasm module, for an error that names the real mistake.
pub fn looks_like_wasm(bytes: &[u8]) -> bool {
    BinaryReader::new(bytes, 0).read_bytes(4).is_ok_and(|magic| magic == b"\0asm")
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{
        CodeSection, ConstExpr, CustomSection, ElementSection, Elements, EntityType, ExportKind, ExportSection,
        Function, FunctionSection, ImportSection, MemorySection, MemoryType, Module, RefType, TableSection, TableType,
        TypeSection,
    };

    use super::*;

    /// Imports a, b, c; functions 3 `on_used` (calls b), 4 `on_unused` (calls c and 5), 5 (helper), 6 in the table (calls a).
    fn sample() -> Vec<u8> {
        let mut module = Module::new();
        let mut types = TypeSection::new();
        types.ty().function([], []);
        module.section(&types);
        let mut imports = ImportSection::new();
        for name in ["a", "b", "c"] {
            imports.import("env", name, EntityType::Function(0));
        }
        module.section(&imports);
        let mut functions = FunctionSection::new();
        for _ in 0..4 {
            functions.function(0);
        }
        module.section(&functions);
        let mut tables = TableSection::new();
        tables.table(TableType {
            element_type: RefType::FUNCREF,
            minimum: 1,
            maximum: None,
            table64: false,
            shared: false,
        });
        module.section(&tables);
        let mut memories = MemorySection::new();
        memories.memory(MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None });
        module.section(&memories);
        let mut exports = ExportSection::new();
        exports.export("memory", ExportKind::Memory, 0);
        exports.export("on_used", ExportKind::Func, 3);
        exports.export("on_unused", ExportKind::Func, 4);
        module.section(&exports);
        let mut elements = ElementSection::new();
        elements.active(None, &ConstExpr::i32_const(0), Elements::Functions([6].as_slice().into()));
        module.section(&elements);
        let mut code = CodeSection::new();
        for calls in [&[1][..], &[2, 5], &[], &[0]] {
            let mut f = Function::new([]);
            for &callee in calls {
                f.instructions().call(callee);
            }
            f.instructions().end();
            code.function(&f);
        }
        module.section(&code);
        module.section(&CustomSection { name: "producers".into(), data: b"someone".as_slice().into() });
        module.finish()
    }

    fn body_count(wasm: &[u8]) -> usize {
        Functions::read(wasm).unwrap().bodies.len()
    }

    #[test]
    fn drops_an_export_with_the_functions_and_imports_that_only_it_reached() {
        let out = prune(&sample(), |name| name != "on_unused").unwrap();
        let (imports, exports) = interface(&out).unwrap();
        assert_eq!(imports, [("env".into(), "a".into()), ("env".into(), "b".into())]);
        assert_eq!(exports, ["memory", "on_used"]);
        assert_eq!(body_count(&out), 2, "on_used, and the one that the table holds");
    }

    #[test]
    fn keeps_what_a_call_through_the_table_could_reach() {
        let out = prune(&sample(), |_| false).unwrap();
        assert_eq!(interface(&out).unwrap(), (vec![("env".into(), "a".into())], vec!["memory".into()]));
        assert_eq!(body_count(&out), 1);
    }

    #[test]
    fn keeping_everything_drops_custom_sections_only() {
        let out = prune(&sample(), |_| true).unwrap();
        assert_eq!(interface(&out).unwrap().0.len(), 3);
        assert_eq!(body_count(&out), 3 + 1);
        assert!(!out.windows(9).any(|w| w == b"producers"));
    }

    #[test]
    fn is_deterministic_and_idempotent() {
        let keep = |name: &str| name != "on_unused";
        let once = prune(&sample(), keep).unwrap();
        assert_eq!(once, prune(&sample(), keep).unwrap());
        assert_eq!(once, prune(&once, keep).unwrap());
    }

    #[test]
    fn refuses_what_is_not_wasm() {
        let refusal = prune(b"MZ nothing of the kind", |_| true).unwrap_err();
        assert!(refusal.starts_with("not a readable wasm module"), "{refusal}");
        assert!(!looks_like_wasm(b"MZ n"));
        assert!(looks_like_wasm(&sample()));
    }
}
