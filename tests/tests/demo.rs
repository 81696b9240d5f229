//! The demo shows both acts and ends with 0, says in one line what it lacks, and leaves nothing behind.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Both acts take a minute; this is for a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(300);

/// A demo under way; ended by force when a test fails.
struct Demo {
    child: Child,
    lines: Receiver<String>,
    seen: String,
    /// All of its temporary files: what is left here was left behind.
    temp: TempDir,
}

impl Demo {
    fn start(args: &[&str], environment: &[(&str, &str)]) -> Self {
        let temp = tempfile::Builder::new().prefix("demo-").tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
        command.args(args).env("TMPDIR", temp.path()).envs(environment.iter().copied());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (tell, lines) = mpsc::channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Self { child, lines, seen: String::new(), temp }
    }

    /// Reads on up to a line with this text.
    fn read_to(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else { panic!("no {text:?} in\n{}", self.seen) };
            self.seen += &line;
            self.seen.push('\n');
            if line.contains(text) {
                return;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end; everything that it said on standard output, and on standard error.
    fn end(mut self) -> (ExitStatus, String, String) {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "it does not end:\n{}", self.seen);
            thread::sleep(Duration::from_millis(20));
        };
        while let Ok(line) = self.lines.recv() {
            self.seen += &line;
            self.seen.push('\n');
        }
        let mut complaints = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut complaints).unwrap();
        self.assert_nothing_is_left();
        (status, std::mem::take(&mut self.seen), complaints)
    }

    fn assert_nothing_is_left(&self) {
        let left: Vec<_> = fs::read_dir(self.temp.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(left.is_empty(), "files are left: {left:?}");
        let users = users_of(self.temp.path());
        assert!(users.is_empty(), "processes are left: {users:?}");
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The command lines of processes that name this directory or work in it: Envoys, func-e, extensions, functions, moto.
fn users_of(dir: &Path) -> Vec<String> {
    let text = dir.to_str().unwrap();
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| Some(entry.ok()?.path()));
    let using = processes.filter_map(|process| {
        let line = String::from_utf8_lossy(&fs::read(process.join("cmdline")).ok()?).replace('\0', " ");
        let works_in = fs::read_link(process.join("cwd")).is_ok_and(|at| at.starts_with(dir));
        (works_in || line.contains(text)).then_some(line)
    });
    using.collect()
}

/// Everything that must be on the screen, and nothing that did not hold.
fn assert_shown(seen: &str, texts: &[&str]) {
    assert!(!seen.contains('\u{2717}') && !seen.contains('\x1b'), "{seen}");
    for text in texts {
        assert!(seen.contains(text), "no {text:?} in\n{seen}");
    }
}

const INGRESS: &[&str] = &[
    "act one: the mesh calls AWS",
    "trust domain mesh.example.org",
    "sub system:serviceaccount:shop:docs-proxy",
    "S3: role session: docs-proxy/docs.s3.us-west-2.amazonaws.com",
    "GET answered: 200",
    "the caller reads: hello from the mesh",
    "x-mesh-caller  spiffe://mesh.example.org/web",
    "userArn        arn:aws:sts::123456789012:assumed-role/docs-proxy/abc123.execute-api.us-west-2.amazonaws.com",
    "refused by Envoy's RBAC, which stands in front of the filter: 403",
    "with its reason: caller-not-allowed",
    "refused by TLS",
    "with its reason: header-not-allowed",
    "requests lost: 0",
    "requests that had to wait: 0",
    "refused with 503 no-credentials: 6",
    "S3: service within one back-off",
    "API: service within one back-off",
    "\u{2713} unsigned requests at AWS: 0",
];

const EGRESS: &[&str] = &[
    "act two: AWS Lambda calls the mesh",
    "Lambda registered the extension: 200",
    "whose identity it is: spiffe://mesh.example.com/staging/reports",
    "fetches of the certificate document: 1",
    "of these: signature verified, allowed by the role: 2",
    "ledger saw one request, of: spiffe://mesh.example.com/staging/reports",
    "the name in the hello: staging.ledger.mesh.example.com",
    "connections in which path or caller could be read on the way: 0",
    "TLS handshakes with the gateway, and with ledger's Envoy: 0 and 1",
    "connections for all three: 1",
    "refused by the extension: 401 token-missing",
    "refused by the extension: 403 upstream-not-allowed",
    "connections for these two: 0",
    "refused by ledger's Envoy: 403",
    "connections that sni-router closed and counted: 1",
    "refused by the extension: 502 upstream-identity",
    "requests of all these at ledger: 0",
    "6 hours later by its clock; 8 calls at once -> 200 200 200 200 200 200 200 200",
    "requests lost, or answered with other bytes: 0",
    "the new certificate is in use",
    "fetches of a key, for all callers together: 1",
    "reports: the extension's end: NotTold",
    "coupons: the extension's end: InTime(Exited(0))",
    "\u{2713} extensions and Envoys that still run: 0",
];

#[test]
fn every_step_is_shown_and_holds() {
    let (status, seen, complaints) = Demo::start(&[], &[]).end();
    assert!(status.success(), "{seen}{complaints}");
    assert_shown(&seen, &[INGRESS, EGRESS, &["checks held, in "]].concat());
    println!("{seen}");
}

#[test]
fn one_act_alone_starts_nothing_of_the_other() {
    // What the other act needs is not even looked for.
    let (status, seen, complaints) =
        Demo::start(&["--act", "egress"], &[("MESHBRIDGE_WASM", "/nowhere/irsa-signer.wasm")]).end();
    assert!(status.success(), "{seen}{complaints}");
    assert_shown(&seen, EGRESS);
    assert!(!seen.contains("act one") && !seen.contains("STS"), "{seen}");
    println!("{seen}");
}

#[test]
fn an_artefact_that_is_no_wasm_is_told_in_one_line_with_the_remedy() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    for (artefact, what) in [(manifest, "is no wasm module"), ("/nowhere/irsa-signer.wasm", "is not there")] {
        assert_told(&[], "MESHBRIDGE_WASM", artefact, &[what, "cargo xtask build"]);
    }
}

#[test]
fn an_extension_that_is_not_there_is_told_in_one_line_with_the_remedy() {
    let remedy = &["cannot be read", "unset $MESHBRIDGE_MTLS_PROXY"];
    assert_told(&["--act", "egress"], "MESHBRIDGE_MTLS_PROXY", "/nowhere/mtls-proxy", remedy);
}

/// Ends before anything is started, with one line.
fn assert_told(args: &[&str], variable: &str, value: &str, words: &[&str]) {
    let (status, seen, complaints) = Demo::start(args, &[(variable, value)]).end();
    assert_eq!((status.code(), seen.as_str()), (Some(1), ""), "{complaints}");
    assert_eq!(complaints.lines().count(), 1, "{complaints}");
    assert!(complaints.contains(value) && words.iter().all(|word| complaints.contains(word)), "{complaints}");
}

#[test]
fn an_extension_that_ends_at_once_is_told_with_what_it_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let extension = dir.path().join("mtls-proxy");
    e2e::lambda::write_program(&extension, "#!/bin/sh\necho 'no proxy today'\nexit 3\n").unwrap();
    let named = [("MESHBRIDGE_MTLS_PROXY", extension.to_str().unwrap())];
    let (status, _, complaints) = Demo::start(&["--act", "egress"], &named).end();
    assert_eq!(status.code(), Some(1));
    assert!(complaints.contains("demo: reports: the environment cannot be initialised"), "{complaints}");
    assert!(complaints.contains("no proxy today"), "{complaints}");
}

#[test]
fn an_artefact_that_envoy_refuses_is_told_with_envoys_words() {
    let dir = tempfile::tempdir().unwrap();
    let artefact = dir.path().join("irsa-signer.wasm");
    fs::write(&artefact, b"\0asm\x01\0\0\0").unwrap();
    let named = [("MESHBRIDGE_WASM", artefact.to_str().unwrap())];
    let (status, _, complaints) = Demo::start(&["--act", "ingress"], &named).end();
    assert_eq!(status.code(), Some(1));
    assert!(complaints.contains("demo: Envoy ended before it was live"), "{complaints}");
}

#[test]
fn flags_are_explained_and_unknown_ones_refused() {
    let (status, seen, _) = Demo::start(&["--help"], &[]).end();
    assert!(status.success() && seen.contains("--keep"), "{seen}");
    let (status, seen, complaints) = Demo::start(&["--kepe"], &[]).end();
    assert_eq!((status.code(), seen.as_str()), (Some(1), ""));
    assert!(complaints.contains("`--kepe`") && complaints.contains("`--keep`"), "{complaints}");
}

#[test]
fn an_interrupt_in_the_middle_of_either_act_ends_everything() {
    for (act, moment) in [("ingress", "unsigned requests at AWS so far"), ("egress", "is rotated while requests run")] {
        let mut demo = Demo::start(&["--act", act], &[]);
        demo.read_to(moment);
        demo.signal(Signal::INT);
        let (status, seen, complaints) = demo.end();
        assert_eq!(status.code(), Some(1), "{seen}");
        assert_eq!(complaints, "demo: interrupted before the last step; everything was ended\n");
    }
}

#[test]
fn what_keep_prints_about_ingress_works_when_pasted_and_a_signal_ends_it_cleanly() {
    keep_and_paste("ingress", "s3:PutObject /notes/", "everything was ended");
}

#[test]
fn what_keep_prints_about_egress_works_when_pasted_and_a_signal_ends_it_cleanly() {
    let caller = "ledger: POST /echo of spiffe://mesh.example.com/staging/reports";
    keep_and_paste("egress", caller, "\u{2713} extensions and Envoys that still run: 0");
}

/// Runs every command that stands on the screen; then `news` stands there too, and at the end `last`.
fn keep_and_paste(act: &str, news: &str, last: &str) {
    let mut demo = Demo::start(&["--act", act, "--keep"], &[]);
    demo.read_to("this is what AWS and the apps see");
    let curl = Command::new("curl").arg("--version").output().is_ok();
    if !curl {
        println!("curl is not installed: the commands of --keep were not tried");
    }
    for (comment, command) in commands(&demo.seen).into_iter().filter(|_| curl) {
        let ran = Command::new("sh").args(["-c", &command]).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
        // Whoever has no certificate gets no answer; where the comment names a status, it is that of the answer.
        let good = match comment.rsplit_once(": ") {
            Some((_, status)) if status.parse::<u16>().is_ok() => {
                ran.status.success()
                    && (said.contains(&format!("HTTP/1.1 {status}")) || said.contains(&format!("HTTP/2 {status}")))
            }
            Some((_, "curl ends with an error")) => !ran.status.success(),
            _ => ran.status.success() && !ran.stdout.is_empty(),
        };
        assert!(good, "# {comment}\n{command}\n{said}");
        println!("# {comment}\n{command}\n{said}");
    }
    if curl {
        demo.read_to(news);
    }
    demo.signal(Signal::TERM);
    let (status, seen, complaints) = demo.end();
    assert!(status.success() && seen.contains(last), "{seen}{complaints}");
}

/// The commands on the screen: a comment, then lines that end with a backslash while the command goes on.
fn commands(screen: &str) -> Vec<(String, String)> {
    let mut commands = Vec::new();
    let mut lines = screen.lines();
    while let Some(line) = lines.next() {
        let Some(comment) = line.strip_prefix("  # ") else { continue };
        let mut command = String::new();
        for line in lines.by_ref() {
            let more = line.ends_with('\\');
            command += line.trim_start().trim_end_matches('\\');
            if !more {
                break;
            }
        }
        commands.push((comment.to_owned(), command));
    }
    assert!(commands.len() >= 8, "{screen}");
    commands
}
