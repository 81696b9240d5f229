//! What one can try by hand after this act, and what AWS sees of it.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::stage::{Gateway, NOTE_PATH, Stage};
use crate::aws::Entry;
use crate::demo::Stop;
use crate::demo::keep::{Command, Running};
use crate::demo::screen::Screen;
use crate::ingress::{OTHER, WEB};
use crate::pki::IdentityFiles;

/// The stage after the last step.
pub(in crate::demo) struct Kept {
    /// None when it was ended.
    stage: Option<Stage>,
    /// How much of the journal has been shown.
    shown: usize,
}

impl Kept {
    pub(super) fn new(stage: Stage) -> Self {
        Self { stage: Some(stage), shown: 0 }
    }
}

impl Running for Kept {
    fn title(&self) -> &'static str {
        "Act one, with sessions of an hour:"
    }

    fn commands(&self) -> io::Result<Vec<Command>> {
        let Some(stage) = &self.stage else { return Ok(Vec::new()) };
        Ok(commands(stage, &Files::write(stage)?))
    }

    fn news(&mut self) -> Vec<String> {
        let Some(stage) = &self.stage else { return Vec::new() };
        let entries = stage.world.aws.journal().entries();
        let new = entries.iter().skip(self.shown).map(in_one_line).collect();
        self.shown = entries.len();
        new
    }

    fn end(&mut self, _screen: &mut Screen) -> Result<(), Stop> {
        self.stage = None;
        Ok(())
    }
}

/// What curl needs on disk. It is in the world's directory, and goes with it.
struct Files {
    ca: PathBuf,
    web: IdentityFiles,
    other: IdentityFiles,
}

impl Files {
    fn write(stage: &Stage) -> io::Result<Self> {
        let (pki, dir) = (stage.world.pki(), stage.world.dir().join("try"));
        fs::create_dir(&dir)?;
        let ca = dir.join("ca.pem");
        fs::write(&ca, pki.mesh_ca_pem())?;
        let identity = |uri, name| pki.mesh_client(&[uri]).map_err(io::Error::other)?.write_to(&dir, name);
        Ok(Self { ca, web: identity(WEB, "web")?, other: identity(OTHER, "other")? })
    }
}

/// Each with what it does and what comes of it; each complete in itself.
fn commands(stage: &Stage, files: &Files) -> Vec<(String, String)> {
    let (s3, api) = (&stage.s3, &stage.api);
    let (web, other) = (Some(&files.web), Some(&files.other));
    let curl = |gateway, who, what: &str, path: &str| curl(gateway, files, who, what, path);
    let (admin, log) = (s3.ingress.envoy.admin_address(), s3.ingress.envoy.dir().join("envoy.log"));
    let acl = format!("{NOTE_PATH}?acl");
    let all = [
        ("`web` writes an object to S3: 200", curl(s3, web, "-X PUT -d 'my own words' ", NOTE_PATH)),
        ("`web` reads it: 200", curl(s3, web, "", NOTE_PATH)),
        ("`web` lists the bucket: 200", curl(s3, web, "", "/?list-type=2&prefix=notes/")),
        (
            "`web` calls the Lambda function, which answers with what it received: 200",
            curl(api, web, "-d '{\"item\":\"tea\"}' -H 'content-type: application/json' ", "/prod/orders?rush=yes"),
        ),
        ("`other` is not on the list: 403", curl(s3, other, "", NOTE_PATH)),
        // Without a body: curl 7.88 may report a broken stream when an answer over HTTP/2 overtakes what it uploads.
        ("nobody may make it public: 400", curl(s3, web, "-X PUT -H 'x-amz-acl: public-read' ", &acl)),
        ("without a certificate TLS refuses: curl ends with an error", curl(s3, None, "--http1.1 ", NOTE_PATH)),
        ("the readiness probe: 200", format!("curl -i http://{}/", s3.readiness_address())),
        ("the filter's metrics", format!("curl 'http://{admin}/stats?usedonly&filter=meshbridge_irsa'")),
        ("the access log", format!("grep '^{{' {} | tail -n 3", log.display())),
    ];
    all.map(|(what, command)| (what.to_owned(), command)).into()
}

fn curl(gateway: &Gateway, files: &Files, who: Option<&IdentityFiles>, what: &str, path: &str) -> String {
    let port = gateway.ingress.address().port();
    let identity =
        who.map_or(String::new(), |who| format!("--cert {} --key {} ", who.certificate.display(), who.key.display()));
    format!(
        "curl -i --cacert {} {identity}\\\n    --resolve ingress.mesh:{port}:127.0.0.1 {what}\\\n    \
         'https://ingress.mesh:{port}{path}'",
        files.ca.display()
    )
}

fn in_one_line(entry: &Entry) -> String {
    let known = |value: &Option<String>| value.as_deref().unwrap_or("-").to_owned();
    format!(
        "{} {} -> {}  session {}  key {}  caller {}",
        entry.action,
        entry.path,
        entry.status,
        known(&entry.session_name),
        known(&entry.access_key_id),
        known(&entry.caller_header),
    )
}
