//! Reading again: what changed is seen, what did not change is not read.

use std::fs;
use std::sync::Arc;

use registry::{Directory, Reading, Registry};

use super::{an_hour_later, app, read, small, write};

#[test]
fn a_directory_is_read_with_all_its_directories() {
    let directory = small();
    write(directory.path(), "teams/payments/pay.toml", app("pay", "p"));
    let mut registry = Directory::new(directory.path());
    assert_eq!(read(&mut registry).unwrap(), ["ledger", "pay", "web"]);
    let snapshot = registry.snapshot().unwrap();
    assert_eq!(&*snapshot.app("pay").unwrap().file, "teams/payments/pay.toml");
}

#[test]
fn nothing_is_read_again_and_the_snapshot_is_the_same_while_nothing_changes() {
    let directory = small();
    let mut registry = Directory::with_clock(directory.path(), an_hour_later);
    let first = registry.snapshot().unwrap();
    assert_eq!(registry.reading(), Reading { files: 3, read: 3 });
    let second = registry.snapshot().unwrap();
    assert_eq!(registry.reading(), Reading { files: 3, read: 0 });
    assert!(Arc::ptr_eq(&first, &second));
}

#[test]
fn only_the_file_that_changed_is_read_again() {
    let directory = small();
    let mut registry = Directory::with_clock(directory.path(), an_hour_later);
    let first = registry.snapshot().unwrap();
    write(directory.path(), "web.toml", app("web", "somebody-else"));
    let second = registry.snapshot().unwrap();
    assert_eq!(registry.reading(), Reading { files: 3, read: 1 });
    assert_eq!(second.app("web").unwrap().owners[0].as_str(), "somebody-else@example.com");
    assert!(Arc::ptr_eq(first.app("ledger").unwrap(), second.app("ledger").unwrap()));
    assert_eq!(first.app("web").unwrap().owners[0].as_str(), "w@example.com", "the old snapshot stays as it was");
}

#[test]
fn a_change_in_the_same_tick_of_the_clock_and_of_the_same_length_is_seen() {
    let directory = small();
    let mut registry = Directory::new(directory.path());
    for owner in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        write(directory.path(), "web.toml", app("web", owner));
        let snapshot = registry.snapshot().unwrap();
        assert_eq!(snapshot.app("web").unwrap().owners[0].as_str(), format!("{owner}@example.com"));
    }
}

#[test]
fn a_file_is_read_again_until_its_time_would_show_another_change() {
    let directory = small();
    let mut registry = Directory::with_clock(directory.path(), || std::time::SystemTime::UNIX_EPOCH);
    let first = registry.snapshot().unwrap();
    let second = registry.snapshot().unwrap();
    assert_eq!(registry.reading(), Reading { files: 3, read: 3 });
    assert!(Arc::ptr_eq(&first, &second));
}

#[test]
fn a_file_that_was_touched_changes_nothing() {
    let directory = small();
    let mut registry = Directory::with_clock(directory.path(), an_hour_later);
    let first = registry.snapshot().unwrap();
    write(directory.path(), "web.toml", app("web", "w"));
    let second = registry.snapshot().unwrap();
    assert_eq!(registry.reading().read, 1);
    assert!(Arc::ptr_eq(&first, &second));
}

#[test]
fn apps_come_and_go_with_their_files() {
    let directory = small();
    let mut registry = Directory::with_clock(directory.path(), an_hour_later);
    assert_eq!(read(&mut registry).unwrap(), ["ledger", "web"]);
    write(directory.path(), "pay.toml", app("pay", "p"));
    fs::remove_file(directory.path().join("web.toml")).unwrap();
    assert_eq!(read(&mut registry).unwrap(), ["ledger", "pay"]);
    assert_eq!(registry.reading(), Reading { files: 3, read: 1 });
    fs::rename(directory.path().join("pay.toml"), directory.path().join("web.toml")).unwrap();
    let mistakes = read(&mut registry).unwrap_err();
    assert!(mistakes[0].starts_with("web.toml:1:8: name: \"pay\" is not what the file is called"), "{mistakes:?}");
}

#[test]
fn a_reference_breaks_when_its_app_leaves_though_its_own_file_did_not_change() {
    let directory = small();
    write(directory.path(), "web.toml", app("web", "w") + "upstreams = [\"ledger\"]\n");
    let mut registry = Directory::with_clock(directory.path(), an_hour_later);
    read(&mut registry).unwrap();
    fs::remove_file(directory.path().join("ledger.toml")).unwrap();
    let mistakes = read(&mut registry).unwrap_err();
    assert_eq!(
        mistakes,
        [
            "web.toml:4:14: production.upstreams: \"ledger\" is not an app of this registry; declare it in ledger.toml, or take it out"
        ]
    );
    assert_eq!(registry.reading().read, 0);
}

#[test]
fn a_mistake_is_told_until_it_is_mended_and_the_rest_is_not_read_for_it() {
    let directory = small();
    let mut registry = Directory::with_clock(directory.path(), an_hour_later);
    read(&mut registry).unwrap();
    write(directory.path(), "web.toml", "name = web\n");
    let first = read(&mut registry).unwrap_err();
    assert_eq!((first.len(), registry.reading().read), (1, 1));
    assert_eq!(read(&mut registry).unwrap_err(), first);
    assert_eq!(registry.reading().read, 0);
    write(directory.path(), "web.toml", app("web", "w"));
    assert_eq!(read(&mut registry).unwrap(), ["ledger", "web"]);
}

#[test]
fn settings_that_change_are_checked_against_every_app() {
    let directory = small();
    let mut registry = Directory::with_clock(directory.path(), an_hour_later);
    read(&mut registry).unwrap();
    write(directory.path(), "meshbridge.toml", super::SETTINGS.replace("production", "prod"));
    let mistakes = read(&mut registry).unwrap_err();
    assert_eq!(mistakes.len(), 2, "{mistakes:?}");
    assert!(
        mistakes[0].starts_with("ledger.toml:3:2: production: \"production\" is not an environment"),
        "{mistakes:?}"
    );
    assert_eq!(registry.reading().read, 1);
}

#[test]
fn without_settings_there_is_no_registry_however_many_apps_there_are() {
    let directory = small();
    let mut registry = Directory::with_clock(directory.path(), an_hour_later);
    read(&mut registry).unwrap();
    fs::remove_file(directory.path().join("meshbridge.toml")).unwrap();
    let missing =
        "meshbridge.toml: is missing; write it, with organisation, regions, mesh_suffix and an [environments.…] table";
    assert_eq!(read(&mut registry).unwrap_err(), [missing]);
    assert_eq!(read(&mut registry).unwrap_err(), [missing], "and not the snapshot of before");
}

#[test]
fn a_directory_that_went_away_is_no_empty_registry() {
    let directory = small();
    let root = directory.path().to_owned();
    let mut registry = Directory::with_clock(&root, an_hour_later);
    let first = registry.snapshot().unwrap();
    let away = root.with_extension("away");
    fs::rename(&root, &away).unwrap();
    let mistakes = read(&mut registry).unwrap_err();
    fs::rename(&away, &root).unwrap();
    assert_eq!(mistakes.len(), 1);
    assert!(
        mistakes[0]
            .ends_with(": cannot be read: no such file or directory; give the directory that holds meshbridge.toml")
    );
    assert_eq!(registry.snapshot().unwrap().apps().len(), first.apps().len(), "and it is back when the directory is");
}
