//! The harness that launches Envoys keeps its promises: they serve, they can be observed, and none is ever left behind.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use e2e::envoy::{Envoy, EnvoyError, EnvoyOptions, find};
use serde_json::{Value, json};

/// Set for [`an_envoy_for_whoever_kills_me`] alone: makes it an Envoy's parent that waits to be killed.
const VICTIM: &str = "MESHBRIDGE_HARNESS_VICTIM";

fn answering(text: &str) -> Value {
    json!({"static_resources": {"listeners": [{
        "name": "main",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [{"filters": [{
            "name": "hcm",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                "stat_prefix": "main",
                "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [{
                    "match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": text}}
                }]}]},
                "http_filters": [{"name": "router", "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}]
            }
        }]}]
    }]}})
}

/// Status line, headers and body, up to the announced length: Envoy keeps a closing connection open for another second.
fn get(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    let mut reader = BufReader::new(stream);
    let mut answer = String::new();
    while !answer.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut answer).unwrap(), 0, "{answer}");
    }
    let length = answer.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    reader.take(length).read_to_string(&mut answer).unwrap();
    answer
}

/// Whether any process (launcher, Envoy) still has this directory in its command line.
fn someone_uses(dir: &Path) -> bool {
    let dir = dir.to_str().unwrap();
    let command_lines =
        fs::read_dir("/proc").unwrap().filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok());
    command_lines.into_iter().any(|line| String::from_utf8_lossy(&line).contains(dir))
}

fn wait_until_nobody_uses(dir: &Path) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while someone_uses(dir) {
        assert!(Instant::now() < deadline, "a process is left that uses {}", dir.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn serves_and_can_be_observed() {
    let mut envoy = Envoy::start(&answering("hello"), &EnvoyOptions::default()).unwrap();
    let answer = get(envoy.listener("main").unwrap());
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"), "{answer}");

    assert_eq!(envoy.counter("http.main.downstream_rq_2xx").unwrap(), 1);
    assert_eq!(envoy.stat("http.main.no_such_counter").unwrap(), None);
    assert_eq!(envoy.stats("^server.concurrency$").unwrap().get("server.concurrency"), Some(&2));
    assert!(envoy.memory_allocated().unwrap() > 1_000_000);
    assert!(envoy.cpu_seconds().unwrap() > 0.0);
    assert!(envoy.is_running());
    envoy.wait_for_log("starting main dispatch loop", Duration::from_secs(5)).unwrap();
    envoy.admin_post("/logging?level=debug").unwrap();

    let executable = fs::read_link(format!("/proc/{}/exe", envoy.pid())).unwrap();
    assert_eq!(executable, find::envoy().unwrap().canonicalize().unwrap(), "the process itself, not its launcher");
}

#[test]
fn an_unknown_listener_is_answered_with_the_known_ones() {
    let envoy = Envoy::start(&answering("x"), &EnvoyOptions::default()).unwrap();
    let refusal = envoy.listener("mian").unwrap_err().to_string();
    assert!(refusal.contains("there is no listener \"mian\"; there are main"), "{refusal}");
}

#[test]
fn what_does_not_come_about_is_reported_with_the_log() {
    let envoy = Envoy::start(&answering("x"), &EnvoyOptions::default()).unwrap();
    let refusal = envoy.wait_until("pigs to fly", Duration::from_millis(100), || false).unwrap_err().to_string();
    assert!(refusal.contains("in vain for pigs to fly") && refusal.contains("  | ["), "{refusal}");
}

#[test]
fn a_refused_configuration_gives_its_log() {
    let mut config = answering("x");
    config["static_resources"]["listners"] = json!([]);
    let log = Envoy::expect_refusal(&config, &EnvoyOptions::default()).unwrap();
    assert!(log.contains("listners"), "{log}");
    assert!(matches!(Envoy::start(&config, &EnvoyOptions::default()), Err(EnvoyError::Refused { .. })));
}

#[test]
fn an_accepted_configuration_is_not_taken_for_a_refused_one() {
    let outcome = Envoy::expect_refusal(&answering("x"), &EnvoyOptions::default());
    assert!(matches!(outcome, Err(EnvoyError::Accepted { .. })), "{outcome:?}");
}

#[test]
fn its_own_admin_address_is_overruled() {
    let text = format!(
        "admin: {{address: {{socket_address: {{address: 0.0.0.0, port_value: 9901}}}}}}\n{}",
        "layered_runtime: {}\n"
    );
    let envoy = Envoy::start_text(&text, &EnvoyOptions::default()).unwrap();
    assert!(envoy.admin_address().ip().is_loopback());
    assert_ne!(envoy.admin_address().port(), 9901);
}

#[test]
fn several_run_at_once_and_a_stopped_one_leaves_the_others() {
    let options = EnvoyOptions { workers: 1, ..EnvoyOptions::default() };
    let envoys: Vec<Envoy> =
        ["one", "two", "three"].iter().map(|text| Envoy::start(&answering(text), &options).unwrap()).collect();
    let addresses: Vec<SocketAddr> = envoys.iter().map(|envoy| envoy.listener("main").unwrap()).collect();
    let mut envoys = envoys.into_iter();
    envoys.next().unwrap().stop();
    assert!(get(addresses[1]).ends_with("two"));
    assert!(get(addresses[2]).ends_with("three"));
    assert!(TcpStream::connect(addresses[0]).is_err());
}

#[test]
fn stopping_is_graceful_and_leaves_no_process_and_no_file() {
    let envoy = Envoy::start(&answering("x"), &EnvoyOptions::default()).unwrap();
    let dir = envoy.dir().to_path_buf();
    assert!(someone_uses(&dir));
    let log = envoy.stop();
    assert!(log.contains("caught ENVOY_SIGTERM") && log.contains("exiting"), "{log}");
    assert!(!someone_uses(&dir));
    assert!(!dir.exists());
}

#[test]
fn a_panic_leaves_no_process() {
    let (tell, told) = std::sync::mpsc::channel();
    let panicked = std::thread::spawn(move || {
        let envoy = Envoy::start(&answering("x"), &EnvoyOptions::default()).unwrap();
        tell.send(envoy.dir().to_path_buf()).unwrap();
        panic!("on purpose");
    })
    .join();
    assert!(panicked.is_err());
    assert!(!someone_uses(&told.recv().unwrap()));
}

#[test]
fn a_killed_test_process_leaves_no_envoy() {
    let mut victim = Command::new(std::env::current_exe().unwrap());
    victim.args(["--exact", "an_envoy_for_whoever_kills_me", "--nocapture"]).env(VICTIM, "1");
    let mut victim = victim.stdout(Stdio::piped()).spawn().unwrap();
    let dir = BufReader::new(victim.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.split_once("envoy in ").map(|(_, dir)| dir.to_owned()));
    victim.kill().unwrap();
    victim.wait().unwrap();
    let dir = dir.unwrap();
    wait_until_nobody_uses(Path::new(&dir));
    fs::remove_dir_all(dir).unwrap();
}

/// Not a test by itself: the other half of the one above.
#[test]
fn an_envoy_for_whoever_kills_me() {
    if std::env::var_os(VICTIM).is_some() {
        let envoy = Envoy::start(&answering("x"), &EnvoyOptions::default()).unwrap();
        println!("envoy in {}", envoy.dir().display());
        std::thread::sleep(Duration::from_secs(60));
    }
}

#[test]
fn the_oldest_supported_envoy_starts_too() {
    let binary = find::oldest_envoy().unwrap();
    let expected = xtask::envoy::version_of(&binary).unwrap();
    let envoy =
        Envoy::start(&answering("old"), &EnvoyOptions { binary: Some(binary), ..EnvoyOptions::default() }).unwrap();
    let info = envoy.admin_get("/server_info").unwrap();
    assert!(info.contains(&format!("/{expected}/")), "{info}");
    assert!(get(envoy.listener("main").unwrap()).ends_with("old"));
}
