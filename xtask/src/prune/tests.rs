//! Small modules in, and what is left of them.

use super::*;

/// What lives in memory and in the table keeps its place in every one of these modules.
fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

fn bodies(wasm: &[u8]) -> usize {
    Functions::read(wasm).unwrap().bodies.len()
}

fn imports(wasm: &[u8]) -> Vec<String> {
    interface(wasm).unwrap().0.into_iter().map(|(_, name)| name).collect()
}

fn nothing(_: &str) -> bool {
    false
}

fn everything(_: &str) -> bool {
    true
}

fn sample() -> Vec<u8> {
    wasm(
        r#"(module
            (import "env" "a" (func $a)) (import "env" "b" (func $b)) (import "env" "c" (func $c))
            (table 1 funcref) (memory (export "memory") 1)
            (elem (i32.const 0) $tabled)
            (func (export "on_used") call $b)
            (func (export "on_unused") call $c call $helper)
            (func $helper nop)
            (func $tabled call $a)
            (@custom "producers" "someone"))"#,
    )
}

#[test]
fn drops_an_export_with_the_functions_and_imports_that_only_it_reached() {
    let out = prune(&sample(), |name| name != "on_unused", nothing).unwrap().wasm;
    assert_eq!(imports(&out), ["a", "b"]);
    assert_eq!(interface(&out).unwrap().1, ["memory", "on_used"]);
    assert_eq!(bodies(&out), 2, "on_used, and the one that the table holds");
}

#[test]
fn keeps_what_a_call_through_the_table_could_reach() {
    let out = prune(&sample(), nothing, nothing).unwrap().wasm;
    assert_eq!(interface(&out).unwrap(), (vec![("env".into(), "a".into())], vec!["memory".into()]));
    assert_eq!(bodies(&out), 1);
}

#[test]
fn keeping_everything_drops_custom_sections_only() {
    let out = prune(&sample(), everything, nothing).unwrap().wasm;
    assert_eq!((imports(&out).len(), bodies(&out)), (3, 4));
    for custom in ["producers", "helper"] {
        assert!(!out.windows(custom.len()).any(|w| w == custom.as_bytes()), "{custom}");
    }
}

#[test]
fn is_deterministic_and_idempotent() {
    for uncalled in [nothing, everything] {
        let keep = |name: &str| name != "on_unused";
        let once = prune(&sample(), keep, uncalled).unwrap().wasm;
        assert_eq!(once, prune(&sample(), keep, uncalled).unwrap().wasm);
        assert_eq!(once, prune(&once, keep, uncalled).unwrap().wasm);
    }
}

/// A table of `$accessor`, which imports `rpc`, and of `$callback`; an export that calls through it, and does `more`.
fn with_accessor(more: &str) -> Vec<u8> {
    wasm(&format!(
        r#"(module
            (import "env" "log" (func $log)) (import "env" "rpc" (func $rpc (param i32)))
            (type $method (func (param i32)))
            (table 3 funcref)
            (elem (i32.const 1) $accessor $callback)
            (func $accessor (type $method) local.get 0 call $rpc)
            (func $callback (type $method) call $log)
            (func (export "go") (param i32) i32.const 7 local.get 0 call_indirect (type $method) {more}))"#
    ))
}

fn accessors(name: &str) -> bool {
    name == "accessor"
}

#[test]
fn an_uncalled_method_that_only_a_table_holds_traps_and_loses_its_import() {
    let out = prune(&with_accessor(""), everything, accessors).unwrap();
    assert_eq!(out.trapped, ["accessor"]);
    assert_eq!(imports(&out.wasm), ["log"]);
    assert_eq!(bodies(&out.wasm), 3, "callback, go, and the trap");
    let module = Functions::read(&out.wasm).unwrap();
    let [first, second] = module.tabled[..] else { panic!("both entries stay: {:?}", module.tabled) };
    let body = |index: u32| module.bodies[(index - module.imported) as usize].as_bytes();
    assert_eq!(body(first), [0, 0x00, 0x0b], "no locals, unreachable, end");
    assert_eq!(body(second), [0, 0x10, 0, 0x0b], "no locals, call log, end");
}

#[test]
fn an_uncalled_method_is_kept_when_something_live_calls_or_names_it() {
    for more in ["i32.const 0 call $accessor", "ref.func $accessor drop"] {
        let out = prune(&with_accessor(more), everything, accessors).unwrap();
        assert_eq!((out.trapped.len(), imports(&out.wasm).len(), bodies(&out.wasm)), (0, 2, 3), "{more}");
    }
}

#[test]
fn a_call_by_what_is_dropped_itself_does_not_keep_a_method() {
    let module = with_accessor("i32.const 0 call $accessor");
    let out = prune(&module, nothing, accessors).unwrap();
    assert_eq!((out.trapped.len(), imports(&out.wasm)), (1, vec!["log".to_owned()]));
}

#[test]
fn methods_of_other_names_or_without_a_name_are_left_alone() {
    let named = with_accessor("");
    let nameless = prune(&named, everything, nothing).unwrap().wasm;
    for module in [named, nameless] {
        let out = prune(&module, everything, |name| name == "other").unwrap();
        assert_eq!((out.trapped.len(), imports(&out.wasm).len()), (0, 2));
    }
}

#[test]
fn functions_that_are_alike_become_one_and_so_do_their_callers() {
    let module = wasm(
        r#"(module
            (table 2 funcref)
            (elem (i32.const 0) $caller1 $caller2)
            (func $one (param i32) (result i32) local.get 0)
            (func $two (param i32) (result i32) local.get 0)
            (func $other (param i64) (result i64) local.get 0)
            (func $caller1 (result i32) i32.const 5 call $one)
            (func $caller2 (result i32) i32.const 5 call $two)
            (func (export "go") (result i64) i64.const 1 call $other))"#,
    );
    let out = prune(&module, everything, nothing).unwrap().wasm;
    assert_eq!(bodies(&out), 4, "one, other (of another type), caller, go");
    assert_eq!(Functions::read(&out).unwrap().tabled, [2, 2], "both entries stay");
}

#[test]
fn refuses_what_is_not_wasm() {
    let refusal = prune(b"MZ nothing of the kind", everything, nothing).unwrap_err();
    assert!(refusal.starts_with("not a readable wasm module"), "{refusal}");
    assert!(!looks_like_wasm(b"MZ n"));
    assert!(looks_like_wasm(&sample()));
}
