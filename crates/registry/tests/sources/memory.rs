//! A registry in memory.

use std::sync::Arc;

use registry::{Memory, Registry};

use super::{SETTINGS, app, read};

#[test]
fn texts_are_a_registry_like_files() {
    let mut registry = Memory::new();
    assert!(read(&mut registry).unwrap_err()[0].starts_with("meshbridge.toml: is missing; "));
    registry.set("meshbridge.toml", SETTINGS);
    registry.set("web.toml", &app("web", "w"));
    assert_eq!(read(&mut registry).unwrap(), ["web"]);
    registry.set("web.toml", "name = 1");
    assert!(read(&mut registry).is_err());
    registry.remove("web.toml");
    assert_eq!(read(&mut registry).unwrap(), [""; 0]);
    registry.remove("meshbridge.toml");
    assert!(read(&mut registry).is_err());
}

#[test]
fn the_snapshot_is_the_same_until_a_text_changes() {
    let mut registry = Memory::new();
    registry.set("meshbridge.toml", SETTINGS);
    let first = registry.snapshot().unwrap();
    assert!(Arc::ptr_eq(&first, &registry.snapshot().unwrap()));
    registry.set("web.toml", &app("web", "w"));
    assert!(!Arc::ptr_eq(&first, &registry.snapshot().unwrap()));
}
