//! Puppets: processes that do nothing, while the test speaks the Extensions API in their names.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use e2e::client::{Client, Request, Response};
use e2e::lambda::{Environment, InitFailure, Options, Site};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// Longer than anything takes on a machine under load.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Tells where the API is and who it is, and sleeps.
const IDLE: &str =
    "#!/bin/sh\n: >\"$TMPDIR/pid.$$\"\nprintf %s \"$AWS_LAMBDA_RUNTIME_API\" >\"$TMPDIR/api\"\nexec sleep 600\n";

/// Options with time enough for a machine under load.
pub(crate) fn patient() -> Options {
    Options { init_limit: PATIENCE, ..Options::default() }
}

/// A site with idle extensions of these names.
pub(crate) fn site(names: &[&str]) -> Site {
    let site = Site::new().unwrap();
    for name in names {
        site.install_script(name, IDLE).unwrap();
    }
    site
}

/// An initialisation under way. Dropping it ends it.
pub(crate) struct Starting {
    pub(crate) temporary: PathBuf,
    thread: Option<JoinHandle<Result<Environment, InitFailure>>>,
}

impl Starting {
    pub(crate) fn begin(site: Site, options: Options) -> Self {
        let temporary = site.temporary().to_owned();
        Self { temporary, thread: Some(thread::spawn(move || Environment::start(site, options))) }
    }

    /// An extension's part in it.
    pub(crate) fn puppet(&self, name: &str) -> Puppet {
        let api = wait_for("the API's address", || fs::read_to_string(self.temporary.join("api")).ok()?.parse().ok());
        Puppet { client: Client::plain(api).with_timeout(PATIENCE), name: name.to_owned(), identifier: None }
    }

    pub(crate) fn finish(mut self) -> Environment {
        self.thread.take().unwrap().join().unwrap().unwrap_or_else(|failure| panic!("{failure}"))
    }

    pub(crate) fn fail(mut self) -> InitFailure {
        self.thread.take().unwrap().join().unwrap().expect_err("the initialisation succeeded")
    }
}

impl Drop for Starting {
    /// An extension that has ended ends an initialisation; then nothing of it is left behind.
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        while !thread.is_finished() {
            let files = fs::read_dir(&self.temporary).into_iter().flatten().flatten();
            let pids = files.filter_map(|file| file.file_name().to_str()?.strip_prefix("pid.")?.parse().ok());
            for pid in pids.filter_map(Pid::from_raw) {
                let _ = kill_process(pid, Signal::KILL);
            }
            thread::sleep(Duration::from_millis(5));
        }
        let _ = thread.join();
    }
}

/// An environment with one extension that has registered for these events and waits in next.
pub(crate) fn started(events: &[&str], options: Options) -> (Environment, Puppet, JoinHandle<Option<Value>>) {
    let starting = Starting::begin(site(&["watcher"]), options);
    let mut puppet = starting.puppet("watcher");
    puppet.register(events);
    let next = puppet.next();
    (starting.finish(), puppet, next)
}

/// An extension, played by the test.
#[derive(Clone)]
pub(crate) struct Puppet {
    client: Client,
    name: String,
    identifier: Option<String>,
}

impl Puppet {
    pub(crate) fn identifier(&self) -> &str {
        self.identifier.as_deref().unwrap()
    }

    /// A call of the Extensions API with these headers.
    pub(crate) fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        self.raw(method, &format!("/2020-01-01/extension/{path}"), headers, body)
    }

    /// Any call.
    pub(crate) fn raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let mut request = Request::new(method, path).host("api");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        self.client.send(&request.body(body)).unwrap()
    }

    pub(crate) fn try_register(&self, events: &[&str]) -> Response {
        let body = json!({ "events": events }).to_string();
        self.call("POST", "register", &[("Lambda-Extension-Name", &self.name)], &body)
    }

    pub(crate) fn register(&mut self, events: &[&str]) -> Value {
        let answer = self.try_register(events);
        assert_eq!(answer.status, 200, "{}", answer.text());
        self.identifier = Some(answer.header("lambda-extension-identifier").unwrap().to_owned());
        answer.json().unwrap()
    }

    /// Waits in next on a thread; None when the API hung up.
    pub(crate) fn next(&self) -> JoinHandle<Option<Value>> {
        let puppet = self.clone();
        thread::spawn(move || {
            let headers = [("Lambda-Extension-Identifier", puppet.identifier())];
            let mut request = Request::new("GET", "/2020-01-01/extension/event/next").host("api");
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let answer = puppet.client.send(&request).ok()?;
            assert_eq!(answer.status, 200, "{}", answer.text());
            Some(answer.json().unwrap())
        })
    }

    pub(crate) fn report(&self, path: &str, error_type: &str) -> Response {
        let headers =
            [("Lambda-Extension-Identifier", self.identifier()), ("Lambda-Extension-Function-Error-Type", error_type)];
        self.call("POST", path, &headers, r#"{"errorMessage":"m","errorType":"t","stackTrace":[]}"#)
    }
}

/// Asserts a refusal: status and error type.
#[track_caller]
pub(crate) fn assert_refused(answer: &Response, status: u16, error_type: &str) {
    let document = answer.json().unwrap_or_default();
    assert_eq!((answer.status, document["errorType"].as_str()), (status, Some(error_type)), "{}", answer.text());
    assert!(document["errorMessage"].as_str().is_some_and(|message| !message.is_empty()), "{document}");
}

/// Waits until there is something.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A file's text, once it is there and complete (its writer moves it there, or ends it with a new line).
pub(crate) fn text_of(path: &Path) -> String {
    wait_for(&path.display().to_string(), || fs::read_to_string(path).ok().filter(|text| text.ends_with('\n')))
}
