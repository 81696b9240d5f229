//! `cargo xtask layer`: the Lambda layer with the extension, one zip for each architecture, in `dist/`.

mod elf;
mod licences;
mod zip;

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::cmd::{Progress, cargo, minutes};
use crate::help;
use crate::reproducible::Machine;
use crate::tools;
use crate::workspace::{self, executable};

use elf::Elf;
use zip::Zip;

const PACKAGE: &str = "mtls-proxy";
/// Of the executable. Every function that has the layer holds it in memory and reads it at each cold start.
const MAX_BYTES: usize = 5_000_000;
/// Started by Lambda in place of the runtime, for the form with `HTTP_PROXY`.
const WRAPPER: &str = "lambda/mtls-proxy/mtls-proxy-wrapper";

/// One of Lambda's architectures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Arch {
    /// As Lambda calls it.
    name: &'static str,
    target: &'static str,
    /// `e_machine` of its executables. (System V ABI)
    machine: u16,
    /// Compilers for the C of `ring`, in the order of preference.
    compilers: &'static [&'static str],
    /// How to get one.
    remedy: &'static str,
}

const ARCHITECTURES: [Arch; 2] = [
    Arch {
        name: "x86_64",
        target: "x86_64-unknown-linux-musl",
        machine: 62,
        compilers: &["musl-gcc", "x86_64-linux-musl-gcc"],
        remedy: "install musl-tools (`apt-get install musl-tools`), or name a compiler in CC_x86_64_unknown_linux_musl",
    },
    Arch {
        name: "arm64",
        target: "aarch64-unknown-linux-musl",
        machine: 183,
        compilers: &["aarch64-linux-musl-gcc", "aarch64-linux-gnu-gcc"],
        remedy: "install a cross compiler (`apt-get install gcc-aarch64-linux-gnu`), or name one in \
            CC_aarch64_unknown_linux_musl",
    },
];

impl Arch {
    /// The variable by which the build scripts of C learn their compiler.
    fn variable(self) -> String {
        format!("CC_{}", self.target.replace('-', "_"))
    }

    fn compiler(self) -> Result<String, String> {
        if let Some(named) = std::env::var(self.variable()).ok().filter(|named| !named.is_empty()) {
            return Ok(named);
        }
        let found = self.compilers.iter().find(|compiler| executable(compiler, &[]).is_some());
        found
            .map(|compiler| (*compiler).to_owned())
            .ok_or_else(|| format!("there is no C compiler for {}, which `ring` needs; {}", self.target, self.remedy))
    }

    fn zip(self, root: &Path) -> PathBuf {
        root.join("dist").join(format!("{PACKAGE}-layer-{}.zip", self.name))
    }
}

/// `cargo xtask layer`.
pub fn command(root: &Path, args: &[String]) -> Result<(), String> {
    let wanted = parse(args)?;
    let mut progress = Progress::new(3 * wanted.len());
    for arch in wanted {
        make(root, arch, &mut progress)?;
    }
    Ok(())
}

/// Makes the layer for x86_64, and returns the executable in it.
pub fn executable_for_x86_64(root: &Path) -> Result<PathBuf, String> {
    let [arch, _] = ARCHITECTURES;
    make(root, arch, &mut Progress::new(3))?;
    Ok(built(root, arch))
}

fn built(root: &Path, arch: Arch) -> PathBuf {
    workspace::cargo_target(root).join(arch.target).join("layer").join(PACKAGE)
}

fn parse(args: &[String]) -> Result<Vec<Arch>, String> {
    let mut wanted = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg != "--arch" {
            return Err(help::unknown_flag("layer", arg));
        }
        let name = args.next().ok_or("--arch needs x86_64 or arm64")?;
        let arch = ARCHITECTURES.into_iter().find(|arch| arch.name == name);
        wanted.push(arch.ok_or_else(|| format!("Lambda has no architecture {name:?}; --arch takes x86_64 or arm64"))?);
    }
    if wanted.is_empty() {
        // What most functions run on, and what needs no cross compiler.
        wanted.push(ARCHITECTURES[0]);
    }
    Ok(wanted)
}

fn make(root: &Path, arch: Arch, progress: &mut Progress) -> Result<(), String> {
    let target = arch.target;
    let compiler = progress.quiet(&format!("looking for what builds for {target}"), || {
        tools::target(root, target)?;
        arch.compiler()
    })?;
    let machine = Machine::of(root)?;
    let mut flags = machine.flags();
    // The linker that comes with the compiler: no other one is needed, and all machines link alike.
    flags.extend(["-Clinker=rust-lld", "-Clink-arg=--build-id=none"].map(str::to_owned));
    let mut build = cargo(root, ["build", "-p", PACKAGE, "--target", target, "--profile", "layer"]);
    build.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f")).env(arch.variable(), compiler);
    // Whoever sets it for the speed of tests would get another executable.
    build.env("CARGO_INCREMENTAL", "0");
    if !progress.shown(&format!("building {PACKAGE} for {target}"), &mut build, minutes(30))?.success {
        return Err(format!("{PACKAGE} does not build for {target}; see above"));
    }
    let report = progress.quiet("checking and packing it", || finish(root, arch, &machine))?;
    print!("{report}");
    Ok(())
}

/// From the executable to the zip; returns what to print.
fn finish(root: &Path, arch: Arch, machine: &Machine) -> Result<String, String> {
    let binary = read(&built(root, arch))?;
    let problems = problems(&binary, arch, machine);
    if !problems.is_empty() {
        return Err(problems.join("\nxtask: "));
    }
    let mut zip = Zip::default();
    zip.executable("extensions/mtls-proxy", &binary)?;
    zip.executable("mtls-proxy-wrapper", &read(&root.join(WRAPPER))?)?;
    zip.file("mtls-proxy/LICENSE", &read(&root.join("LICENSE"))?)?;
    zip.file("mtls-proxy/THIRD-PARTY", licences::of(root, PACKAGE, arch.target)?.as_bytes())?;
    let bytes = zip.finish()?;
    let to = arch.zip(root);
    write_whole(&to, &bytes)?;
    let shown = to.strip_prefix(root).unwrap_or(&to).display();
    Ok(format!(
        "  {shown}: {} bytes, SHA-256 {}\n  extensions/{PACKAGE}: {} bytes of at most {MAX_BYTES}, static, {}\n",
        bytes.len(),
        sha256(&bytes),
        binary.len(),
        arch.name,
    ))
}

/// Everything that keeps an executable from being shipped.
fn problems(binary: &[u8], arch: Arch, machine: &Machine) -> Vec<String> {
    let mut problems = Vec::new();
    match Elf::read(binary) {
        Err(why) => problems.push(format!("{PACKAGE} is no executable: {why}")),
        Ok(elf) => {
            if elf.machine != arch.machine {
                problems.push(format!("{PACKAGE} is for machine {}, not for {}", elf.machine, arch.name));
            }
            if let Some(interpreter) = elf.interpreter {
                problems.push(format!(
                    "{PACKAGE} is not static: it wants {interpreter}; build it for {}, and link no library",
                    arch.target
                ));
            }
            if elf.needs_libraries {
                problems.push(format!("{PACKAGE} is not static: it wants shared libraries"));
            }
        }
    }
    if binary.len() > MAX_BYTES {
        let bytes = binary.len();
        problems.push(format!(
            "{PACKAGE} has {bytes} bytes, more than {MAX_BYTES}; `cargo bloat -p {PACKAGE} --profile layer` says what has grown"
        ));
    }
    problems.extend(machine.found_in(binary).into_iter().map(|path| {
        format!("{PACKAGE} has {path} in it, a path of this machine; map it in xtask/src/reproducible.rs")
    }));
    problems
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|e| format!("{} cannot be read: {e}", path.display()))
}

/// Written beside and moved, so that nobody uploads half of it.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let beside = path.with_extension(format!("{}.tmp", std::process::id()));
    fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))
        .and_then(|()| fs::write(&beside, bytes))
        .and_then(|()| fs::rename(&beside, path))
        .map_err(|e| format!("{} cannot be written: {e}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(args: &[&str]) -> Vec<String> {
        args.iter().map(|arg| (*arg).to_owned()).collect()
    }

    #[test]
    fn without_a_flag_it_is_for_x86_64() {
        assert_eq!(parse(&[]).unwrap(), [ARCHITECTURES[0]]);
        assert_eq!(parse(&args(&["--arch", "arm64", "--arch", "x86_64"])).unwrap().len(), 2);
        assert!(parse(&args(&["--arch"])).unwrap_err().contains("arm64"));
        assert!(parse(&args(&["--arch", "mips"])).unwrap_err().contains("\"mips\""));
        assert!(parse(&args(&["--fast"])).unwrap_err().contains("help layer"));
    }

    #[test]
    fn the_variable_of_the_compiler_is_what_build_scripts_read() {
        assert_eq!(ARCHITECTURES[1].variable(), "CC_aarch64_unknown_linux_musl");
    }

    #[test]
    fn the_program_that_runs_this_test_could_not_be_shipped() {
        let root = workspace::root().unwrap();
        let machine = Machine::of(&root).unwrap();
        let binary = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let found = problems(&binary, ARCHITECTURES[0], &machine).join("\n");
        assert!(found.contains("is not static: it wants /"), "{found}");
        assert!(found.contains("wants shared libraries"), "{found}");
        let found = problems(b"#!/bin/sh\n", ARCHITECTURES[0], &machine).join("\n");
        assert!(found.contains("is no executable"), "{found}");
    }
}
