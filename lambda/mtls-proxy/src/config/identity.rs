//! Reads `identity`: where key and certificate come from, in each region.

use super::names::{self, Label};
use super::reader::{Object, Quoted, Report, read_name};
use super::sections::Variable;
use super::{Identity, Json, Replica};

pub(super) fn read_identity(
    object: &mut Object,
    app: Option<&Label>,
    environment: Option<&Label>,
    variable: Variable<'_>,
    report: &mut Report,
) -> Option<Identity> {
    #[derive(Clone, Copy)]
    enum Source {
        SecretsManager,
        Directory,
    }
    let mut section = object.take_object("identity", report);
    let source_given = section.has("source");
    let choices = [("secrets-manager", Source::SecretsManager), ("directory", Source::Directory)];
    let source = match section.take_choice("source", &choices, report) {
        Some(source) => source,
        // Whatever else stands there belongs to a source that is not known.
        None if source_given => return None,
        None => Source::SecretsManager,
    };
    match source {
        Source::Directory => {
            let path = section.require_name("path", "/etc/meshbridge/identity", names::absolute_path, report);
            section.finish(report);
            Some(Identity::Directory { path: path? })
        }
        Source::SecretsManager => {
            let default = |kind| Some(format!("meshbridge/{}/{}/{kind}", environment?.as_str(), app?.as_str()));
            let secrets = ["certificate", "key"].map(|kind| Secret {
                kind,
                path: section.path(kind),
                given: section.has(kind),
                name: section.take_name(kind, names::secret, report),
                default: default(kind),
            });
            let endpoint = section.take_name("endpoint", names::endpoint, report);
            let replicas = read_regions(&mut section, variable("AWS_REGION"), &secrets, endpoint, report);
            section.finish(report);
            Some(Identity::SecretsManager { replicas: replicas? })
        }
    }
}

/// One of the two secrets, as far as it is the same in all regions.
struct Secret {
    kind: &'static str,
    path: String,
    given: bool,
    name: Option<String>,
    default: Option<String>,
}

impl Secret {
    /// What it is called in a region that does not say otherwise.
    fn in_region(&self, region: &str, report: &mut Report) -> Option<String> {
        let Some(name) = &self.name else {
            return self.default.clone().filter(|_| !self.given);
        };
        check_arn(&self.path, name, region, report);
        Some(name.clone())
    }
}

/// The function's own region first, then the others in the order of the list.
fn read_regions(
    section: &mut Object,
    own: Option<String>,
    secrets: &[Secret; 2],
    endpoint: Option<String>,
    report: &mut Report,
) -> Option<Vec<Replica>> {
    const REMEDY: &str = "list the regions that hold this app's secrets, such as [\"us-west-2\", \"us-east-1\"]";
    let own = own.and_then(|own| names::region(&own).ok());
    if !section.has("regions") {
        section.take("regions");
        let Some(own) = own else {
            report.add(section.path("regions"), "is missing, and AWS_REGION does not say where this is", REMEDY);
            return None;
        };
        return Some(vec![Replica::of(own, secrets, endpoint, report)?]);
    }
    let items = section.take_list("regions", REMEDY, report)?;
    let count = items.len();
    let mut replicas: Vec<Replica> = Vec::with_capacity(count);
    for (path, item) in items {
        let Some(replica) = read_region(&path, item, secrets, endpoint.clone(), report) else { continue };
        if replicas.iter().any(|other| other.region == replica.region) {
            report.add(path, format_args!("{} stands there twice", Quoted(&replica.region)), "keep one of them");
            continue;
        }
        replicas.push(replica);
    }
    if replicas.len() != count {
        return None;
    }
    // The sort is stable.
    replicas.sort_by_key(|replica| Some(&replica.region) != own.as_ref());
    Some(replicas)
}

fn read_region(
    path: &str,
    item: Json,
    secrets: &[Secret; 2],
    endpoint: Option<String>,
    report: &mut Report,
) -> Option<Replica> {
    let mut section = match item {
        Json::Object(_) => Object::new(path, item, report)?,
        _ => {
            let region = read_name(path, &item, names::region, report)?;
            return Replica::of(region, secrets, endpoint, report);
        }
    };
    let region = section.require_name("region", "us-west-2", names::region, report);
    let [certificate, key] = secrets.each_ref().map(|secret| {
        if !section.has(secret.kind) {
            section.take(secret.kind);
            return secret.in_region(region.as_deref()?, report);
        }
        let own = section.take_name(secret.kind, names::secret, report)?;
        check_arn(&section.path(secret.kind), &own, region.as_deref()?, report);
        Some(own)
    });
    let own_endpoint = section.has("endpoint");
    let endpoint = section.take_name("endpoint", names::endpoint, report).or(endpoint.filter(|_| !own_endpoint));
    section.finish(report);
    Some(Replica { region: region?, certificate: certificate?, key: key?, endpoint })
}

impl Replica {
    fn of(region: String, secrets: &[Secret; 2], endpoint: Option<String>, report: &mut Report) -> Option<Self> {
        let [certificate, key] = secrets.each_ref().map(|secret| secret.in_region(&region, report));
        Some(Self { certificate: certificate?, key: key?, region, endpoint })
    }
}

/// An ARN names one region, so that it cannot be asked for in another.
fn check_arn(path: &str, secret: &str, region: &str, report: &mut Report) {
    if let Some(other) = names::region_of_arn(secret).filter(|other| *other != region) {
        report.add(
            path,
            format_args!("is an ARN of {other}, but is asked for in {region}"),
            "give each region its own: \"regions\": [{\"region\": \"us-west-2\", \"certificate\": \"arn:…\", \"key\": \"arn:…\"}, …]",
        );
    }
}
