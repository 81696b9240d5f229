//! Files that are no declarations, or cannot be read as such.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use super::{app, read_new, small, write};

#[test]
fn what_editors_and_version_control_leave_behind_is_left_out() {
    let directory = small();
    let litter = [
        ".web.toml",
        ".#web.toml",
        ".web.toml.swp",
        "#web.toml#",
        "web.toml~",
        "web.toml.bak",
        "web.toml.orig",
        "web.toml.rej",
        ".git/config.toml",
        ".toml",
        "README.md",
        "roots/mesh.pem",
        "toml",
    ];
    for file in litter {
        write(directory.path(), file, "this is not TOML");
    }
    assert_eq!(read_new(directory.path()).unwrap(), ["ledger", "web"]);
}

#[test]
fn a_copy_beside_the_original_is_told() {
    let directory = small();
    write(directory.path(), "web-old.toml", app("web", "w"));
    let mistakes = read_new(directory.path()).unwrap_err();
    assert!(mistakes[0].starts_with("web-old.toml:1:8: name: \"web\" is not what the file is called"), "{mistakes:?}");
}

#[test]
fn a_name_that_would_be_left_out_by_its_letters_is_told() {
    let directory = small();
    write(directory.path(), "Pay.TOML", app("pay", "p"));
    assert_eq!(
        read_new(directory.path()).unwrap_err(),
        ["Pay.TOML: would be left out: its name ends in something else than .toml; rename it"]
    );
}

#[test]
fn links_are_followed_to_files_inside_as_mounted_config_maps_have_them() {
    let directory = small();
    let root = directory.path();
    write(root, "..2026_01_01/pay.toml", app("pay", "p"));
    symlink("..2026_01_01", root.join("..data")).unwrap();
    symlink("..data/pay.toml", root.join("pay.toml")).unwrap();
    assert_eq!(read_new(root).unwrap(), ["ledger", "pay", "web"]);
    // The next version of the map.
    write(root, "..2026_01_02/pay.toml", app("pay", "somebody-else"));
    let mut registry = registry::Directory::with_clock(root, super::an_hour_later);
    super::read(&mut registry).unwrap();
    symlink("..2026_01_02", root.join("..data_tmp")).unwrap();
    fs::rename(root.join("..data_tmp"), root.join("..data")).unwrap();
    let snapshot = registry::Registry::snapshot(&mut registry).unwrap();
    assert_eq!(snapshot.app("pay").unwrap().owners[0].as_str(), "somebody-else@example.com");
}

#[test]
fn a_link_out_of_the_directory_shows_nothing_of_what_it_leads_to() {
    let (directory, elsewhere) = (small(), tempfile::tempdir().unwrap());
    write(elsewhere.path(), "secret", "password = hunter2");
    symlink(elsewhere.path().join("secret"), directory.path().join("pay.toml")).unwrap();
    assert_eq!(
        read_new(directory.path()).unwrap_err(),
        ["pay.toml: is a symbolic link that leads out of the registry's directory; put the file itself there"]
    );
}

#[test]
fn links_to_directories_and_to_nowhere_are_told_and_loops_end() {
    let directory = small();
    let root = directory.path();
    fs::create_dir(root.join("teams")).unwrap();
    symlink("..", root.join("teams/up")).unwrap();
    symlink("nothing.toml", root.join("gone.toml")).unwrap();
    symlink("loop.toml", root.join("loop.toml")).unwrap();
    let mistakes = read_new(root).unwrap_err();
    assert_eq!(mistakes.len(), 3, "{mistakes:?}");
    assert!(mistakes[0].starts_with("gone.toml: is a symbolic link that leads nowhere: no such file or directory; "));
    assert!(mistakes[1].starts_with("loop.toml: is a symbolic link that leads nowhere: "));
    assert!(mistakes[2].starts_with("teams/up: is a symbolic link to a directory, which is not followed; "));
}

#[test]
fn directories_are_followed_to_a_depth() {
    let directory = small();
    write(directory.path(), "1/2/3/4/5/6/7/8/pay.toml", app("pay", "p"));
    assert_eq!(read_new(directory.path()).unwrap(), ["ledger", "pay", "web"]);
    write(directory.path(), "1/2/3/4/5/6/7/8/9/x.toml", app("x", "p"));
    assert_eq!(
        read_new(directory.path()).unwrap_err(),
        ["1/2/3/4/5/6/7/8/9: is more than 8 directories deep; move it up"]
    );
}

#[test]
fn a_file_may_have_64_kib_and_no_more_is_read_of_it() {
    let directory = small();
    let full = app("web", "w");
    let comment = "#".repeat(64 * 1024 - full.len() - 1);
    write(directory.path(), "web.toml", format!("{full}{comment}\n"));
    assert_eq!(read_new(directory.path()).unwrap(), ["ledger", "web"]);
    write(directory.path(), "web.toml", format!("{full}{comment}#\n"));
    let large =
        "web.toml: is larger than the 64 KiB of a declaration; split the app, or take out what is no declaration";
    assert_eq!(read_new(directory.path()).unwrap_err(), [large]);
    // A quarter of a gigabyte, of which the disk holds nothing.
    fs::File::create(directory.path().join("web.toml")).unwrap().set_len(1 << 28).unwrap();
    assert_eq!(read_new(directory.path()).unwrap_err(), [large]);
}

#[test]
fn what_is_not_utf_8_is_told_with_its_place() {
    let directory = small();
    write(directory.path(), "web.toml", b"name = \"web\"\n# caf\xe9\n");
    assert_eq!(
        read_new(directory.path()).unwrap_err(),
        ["web.toml:2:6: byte 0xe9 is not UTF-8, which TOML is; save the file as UTF-8"]
    );
    let utf_16: Vec<u8> = [0xff, 0xfe].into_iter().chain("name".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    write(directory.path(), "web.toml", utf_16);
    assert_eq!(read_new(directory.path()).unwrap_err(), ["web.toml: is UTF-16, and TOML is UTF-8; save it as UTF-8"]);
}

#[test]
fn a_byte_order_mark_and_the_line_ends_of_windows_are_read() {
    let directory = small();
    write(directory.path(), "web.toml", format!("\u{feff}{}", app("web", "w").replace('\n', "\r\n")));
    assert_eq!(read_new(directory.path()).unwrap(), ["ledger", "web"]);
}

#[test]
fn a_name_that_is_not_utf_8_is_told() {
    use std::os::unix::ffi::OsStrExt;
    let directory = small();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.toml");
    fs::write(directory.path().join(name), app("cafe", "c")).unwrap();
    assert_eq!(
        read_new(directory.path()).unwrap_err(),
        ["caf\u{fffd}.toml: has a name that is not UTF-8; rename it after the app that it declares"]
    );
}

#[test]
fn what_is_no_file_is_told_and_never_opened() {
    let directory = small();
    let _socket = UnixListener::bind(directory.path().join("pay.toml")).unwrap();
    assert_eq!(read_new(directory.path()).unwrap_err(), ["pay.toml: is not a file; put a file there, or take it away"]);
}

#[test]
fn a_directory_may_be_named_like_a_file() {
    let directory = small();
    write(directory.path(), "teams.toml/pay.toml", app("pay", "p"));
    assert_eq!(read_new(directory.path()).unwrap(), ["ledger", "pay", "web"]);
}

#[test]
fn an_app_that_cannot_be_read_is_neither_gone_nor_unknown() {
    let directory = small();
    write(directory.path(), "ledger.toml", "\0");
    write(directory.path(), "web.toml", app("web", "w") + "upstreams = [\"ledger\"]\n");
    let mistakes = read_new(directory.path()).unwrap_err();
    assert!(mistakes.iter().all(|mistake| mistake.starts_with("ledger.toml:1:")), "{mistakes:?}");
}

#[test]
fn a_file_without_permission_is_told_unless_nothing_is_forbidden_to_this_user() {
    let directory = small();
    let path = directory.path().join("web.toml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let expected = match fs::File::open(&path) {
        Ok(_) => Ok(vec!["ledger".to_owned(), "web".to_owned()]),
        Err(_) => {
            Err(vec!["web.toml: cannot be read: permission denied; make it readable for this process".to_owned()])
        }
    };
    assert_eq!(read_new(directory.path()), expected);
}
