//! `cargo xtask build`: the filters' artefacts, compiled, pruned, checked, in `dist/`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::artefact::{FILTERS, Filter};
use crate::cmd::{Progress, cargo, minutes};
use crate::reproducible::Machine;
use crate::{tools, workspace};

/// The target of all filters: on it they import from `env` only (wasip1 would add four imports and 24 KB).
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Of a filter's memory, in each VM. Deepest is the configuration's JSON, of which serde_json reads 128 levels: they took 24 KB.
/// With the linker's 1 MiB all data would lie at addresses whose constants take a byte more.
const STACK_BYTES: usize = 512 * 1024;

/// How many steps [`all`] takes.
pub const STEPS: usize = 1 + 2 * FILTERS.len();

/// `cargo xtask build`.
pub fn command(root: &Path) -> Result<(), String> {
    all(root, &mut Progress::new(STEPS))
}

/// Makes every artefact.
pub fn all(root: &Path, progress: &mut Progress) -> Result<(), String> {
    progress.quiet(&format!("looking for the target {TARGET}"), || tools::wasm_target(root))?;
    let machine = Machine::of(root)?;
    let mut flags = machine.flags();
    flags.push(format!("-Clink-arg=-zstack-size={STACK_BYTES}"));
    // SHA-256, which is most of a signature, has a version for it; every V8 that a supported Envoy brings can run it.
    flags.push("-Ctarget-feature=+simd128".into());
    for filter in FILTERS {
        let what = format!("building {} for {TARGET}", filter.package);
        let mut build = cargo(root, ["build", "-p", filter.package, "--target", TARGET, "--profile", "wasm"]);
        // It goes before all other places that flags can come from: the artefact depends on none of them.
        build.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
        if !progress.shown(&what, &mut build, minutes(20))?.success {
            return Err(format!("{} does not build for {TARGET}; see above", filter.package));
        }
        let what = format!("pruning and checking {}", filter.package);
        let report = progress.quiet(&what, || finish(root, filter, &machine))?;
        print!("{report}");
    }
    Ok(())
}

/// From the linker's output to `dist/`; returns the table to print.
fn finish(root: &Path, filter: &Filter, machine: &Machine) -> Result<String, String> {
    let built =
        workspace::cargo_target(root).join(TARGET).join("wasm").join(filter.package.replace('-', "_") + ".wasm");
    let raw = fs::read(&built).map_err(|e| format!("{} cannot be read: {e}", built.display()))?;
    let artefact = filter.finish(&raw)?;
    let sources = sources(&root.join("filters").join(filter.package).join("src"));
    let mut problems = filter.problems(&artefact);
    problems.extend(filter.unreachable_callbacks(&sources));
    problems.extend(filter.trapped_calls(&artefact, &sources));
    problems.extend(machine.found_in(&artefact.wasm).into_iter().map(|path| {
        format!(
            "{} has {path} in it, a path of this machine; add what it is a path of to xtask/src/reproducible.rs",
            filter.package
        )
    }));

    let path = workspace::artefact(root, filter.package);
    let refused = path.with_extension("refused.wasm");
    let (write, remove) = if problems.is_empty() { (&path, &refused) } else { (&refused, &path) };
    write_whole(write, &artefact.wasm)?;
    // A stale artefact beside a failed build would be tested as if it were this one.
    let _ = fs::remove_file(remove);

    let shown = write.strip_prefix(root).unwrap_or(write).display().to_string();
    let mut report = artefact.report(filter, &shown);
    for callback in filter.idle_callbacks(&sources) {
        report += &format!(
            "  note         {callback} is kept, but no source implements it: it costs a crossing for nothing\n"
        );
    }
    if problems.is_empty() { Ok(report) } else { Err(format!("{}\n{report}", problems.join("\nxtask: "))) }
}

/// Written beside and moved, so that an Envoy that is starting never reads half of it.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let beside = path.with_extension(format!("{}.tmp", std::process::id()));
    let dir = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir)
        .and_then(|()| fs::write(&beside, bytes))
        .and_then(|()| fs::rename(&beside, path))
        .map_err(|e| format!("{} cannot be written: {e}", path.display()))
}

/// All Rust source below a directory, in one text.
fn sources(dir: &Path) -> String {
    let mut todo: Vec<PathBuf> = vec![dir.to_path_buf()];
    let mut text = String::new();
    while let Some(path) = todo.pop() {
        if path.is_dir() {
            todo.extend(fs::read_dir(&path).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())));
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            text += &fs::read_to_string(&path).unwrap_or_default();
        }
    }
    text
}
