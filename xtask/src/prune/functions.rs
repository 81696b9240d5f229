//! The functions of a module, and who refers to whom.

use std::collections::{BTreeMap, BTreeSet};

use wasmparser::{
    ConstExpr, ElementItems, ElementKind, Export, ExternalKind, FunctionBody, KnownCustom, Name, Operator, Parser,
    Payload, TypeRef,
};

use super::unreadable;

/// Functions are numbered as in the module: the imported ones first.
#[derive(Default)]
pub(super) struct Functions<'a> {
    pub(super) imported: u32,
    /// The type of each function that is not imported.
    pub(super) types: Vec<u32>,
    pub(super) bodies: Vec<FunctionBody<'a>>,
    pub(super) exports: Vec<Export<'a>>,
    /// From the name section, as far as there is one.
    pub(super) names: BTreeMap<u32, &'a str>,
    /// In a table: a call through it can reach any of its entries.
    pub(super) tabled: Vec<u32>,
    /// Named by the start section or a global: alive whatever is exported.
    rooted: Vec<u32>,
}

impl<'a> Functions<'a> {
    pub(super) fn read(wasm: &'a [u8]) -> Result<Self, String> {
        let mut it = Functions::default();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload.map_err(unreadable)? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        if is_function(import.map_err(unreadable)?.ty) {
                            it.imported += 1;
                        }
                    }
                }
                Payload::FunctionSection(section) => {
                    it.types = section.into_iter().collect::<Result<_, _>>().map_err(unreadable)?;
                }
                Payload::GlobalSection(section) => {
                    for global in section {
                        it.rooted.extend(referred(&global.map_err(unreadable)?.init_expr)?);
                    }
                }
                Payload::ExportSection(section) => {
                    it.exports = section.into_iter().collect::<Result<_, _>>().map_err(unreadable)?;
                }
                Payload::StartSection { func, .. } => it.rooted.push(func),
                Payload::ElementSection(section) => {
                    for element in section {
                        it.read_element(&element.map_err(unreadable)?)?;
                    }
                }
                Payload::CodeSectionEntry(body) => it.bodies.push(body),
                Payload::CustomSection(section) => {
                    if let KnownCustom::Name(names) = section.as_known() {
                        it.read_names(names)?;
                    }
                }
                _ => {}
            }
        }
        Ok(it)
    }

    fn read_element(&mut self, element: &wasmparser::Element<'_>) -> Result<(), String> {
        if let ElementKind::Active { offset_expr, .. } = &element.kind {
            self.rooted.extend(referred(offset_expr)?);
        }
        match &element.items {
            ElementItems::Functions(indices) => {
                for index in indices.clone() {
                    self.tabled.push(index.map_err(unreadable)?);
                }
            }
            ElementItems::Expressions(_, expressions) => {
                for expression in expressions.clone() {
                    self.tabled.extend(referred(&expression.map_err(unreadable)?)?);
                }
            }
        }
        Ok(())
    }

    fn read_names(&mut self, names: wasmparser::NameSectionReader<'a>) -> Result<(), String> {
        for subsection in names {
            if let Name::Function(functions) = subsection.map_err(unreadable)? {
                for naming in functions {
                    let naming = naming.map_err(unreadable)?;
                    self.names.insert(naming.index, naming.name);
                }
            }
        }
        Ok(())
    }

    pub(super) fn len(&self) -> u32 {
        self.imported + u32::try_from(self.bodies.len()).unwrap_or(u32::MAX - self.imported)
    }

    /// The body of a function that is not imported.
    pub(super) fn body(&self, index: u32) -> Option<&FunctionBody<'a>> {
        index.checked_sub(self.imported).and_then(|i| self.bodies.get(i as usize))
    }

    /// What can run when only the exports that `keep` accepts are called, and no entry of a table whose symbol `uncalled` accepts.
    pub(super) fn reachable(
        &self,
        keep: &dyn Fn(&str) -> bool,
        uncalled: &dyn Fn(&str) -> bool,
    ) -> Result<BTreeSet<u32>, String> {
        let exported = self.exports.iter().filter(|e| e.kind == ExternalKind::Func && keep(e.name)).map(|e| e.index);
        let is_uncalled = |index: &u32| self.names.get(index).is_some_and(|&name| uncalled(name));
        let tabled = self.tabled.iter().copied().filter(|index| !is_uncalled(index));
        let mut todo: Vec<u32> = self.rooted.iter().copied().chain(exported).chain(tabled).collect();
        let mut live = BTreeSet::new();
        while let Some(index) = todo.pop() {
            if !live.insert(index) {
                continue;
            }
            let Some(body) = self.body(index) else { continue };
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

/// The functions that a constant refers to.
fn referred(expression: &ConstExpr<'_>) -> Result<Vec<u32>, String> {
    let mut found = Vec::new();
    for operator in expression.get_operators_reader() {
        if let Operator::RefFunc { function_index } = operator.map_err(unreadable)? {
            found.push(function_index);
        }
    }
    Ok(found)
}

pub(super) fn is_function(ty: TypeRef) -> bool {
    matches!(ty, TypeRef::Func(_) | TypeRef::FuncExact(_))
}
