//! Reads `upstreams`: which apps may be called, and what stands in for what is not said about them.

use spiffe_id::{SpiffeIdBuf, TrustDomain};

use super::names::{Gateway, HostName, Label};
use super::reader::{Object, Quoted, Report};
use super::{Json, Upstream};

const UPSTREAMS: &str = "list the apps that this function calls, such as [\"ledger\"]";

/// What the names of an app are made of.
pub(super) struct Names {
    pub(super) environment: Option<Label>,
    pub(super) trust_domain: Option<TrustDomain>,
    pub(super) suffix_given: bool,
    pub(super) suffix: Option<HostName>,
    pub(super) gateway_given: bool,
    pub(super) gateway: Option<Gateway>,
}

impl Names {
    pub(super) fn spiffe_id(&self, environment: &Label, app: &Label) -> Option<SpiffeIdBuf> {
        let trust_domain = self.trust_domain.as_ref()?.as_str();
        SpiffeIdBuf::parse(&format!("spiffe://{trust_domain}/{}/{}", environment.as_str(), app.as_str())).ok()
    }

    /// A trust domain need not be a DNS name, so that it is a default of the suffix only where it is one.
    fn suffix(&self) -> Option<HostName> {
        match &self.suffix {
            Some(suffix) => Some(suffix.clone()),
            None if self.suffix_given => None,
            None => HostName::parse(self.trust_domain.as_ref()?.as_str()).ok(),
        }
    }
}

pub(super) fn read_upstreams(object: &mut Object, names: &Names, report: &mut Report) -> Option<Vec<Upstream>> {
    if !object.has("upstreams") {
        report.add(object.path("upstreams"), "is missing", UPSTREAMS);
    }
    let items = object.take_list("upstreams", UPSTREAMS, report)?;
    let count = items.len();
    let mut upstreams: Vec<Upstream> = Vec::with_capacity(count);
    for (path, item) in items {
        let Some(upstream) = read_upstream(&path, item, names, report) else { continue };
        if upstreams.iter().any(|other| (&other.app, &other.environment) == (&upstream.app, &upstream.environment)) {
            let app = format!("{}.{}", upstream.app.as_str(), upstream.environment.as_str());
            report.add(path, format_args!("{} stands there twice", Quoted(&app)), "keep one of them");
            continue;
        }
        upstreams.push(upstream);
    }
    (upstreams.len() == count).then_some(upstreams)
}

fn read_upstream(path: &str, item: Json, names: &Names, report: &mut Report) -> Option<Upstream> {
    let mut section = match item {
        Json::Text(_) => Object::of_one(path, "app", item),
        Json::Object(_) => Object::new(path, item, report)?,
        other => {
            let problem = format_args!("is {}, not the name of an app", other.kind());
            report.add(path, problem, "write \"ledger\", or {\"app\": \"ledger\", …}");
            return None;
        }
    };
    let app = section.require_name("app", "ledger", Label::parse, report);
    let environment_given = section.has("environment");
    let environment = section.take_name("environment", Label::parse, report);
    let sni_given = section.has("sni");
    let sni = section.take_name("sni", HostName::parse, report);
    let gateway_given = section.has("gateway");
    let gateway = section.take_name("gateway", Gateway::parse, report);
    let spiffe_id_given = section.has("spiffe_id");
    let spiffe_id = section.take_name("spiffe_id", SpiffeIdBuf::parse, report);
    let authority_given = section.has("authority");
    let authority = section.take_name("authority", HostName::parse, report);
    section.finish(report);

    if gateway.is_none() && !gateway_given && !names.gateway_given {
        let remedy = "add \"gateway\": \"gateway.mesh.example.com:443\" to the configuration or to this upstream";
        report.add(path, "has no gateway to go through", remedy);
    }
    let app = app?;
    let environment = match environment {
        Some(environment) => environment,
        None if environment_given => return None,
        None => names.environment.clone()?,
    };
    let sni = match sni {
        Some(sni) => sni,
        None if sni_given => return None,
        None => default_sni(path, &environment, &app, names, report)?,
    };
    let spiffe_id = match spiffe_id {
        Some(id) => id,
        None if spiffe_id_given => return None,
        None => names.spiffe_id(&environment, &app)?,
    };
    let authority = match authority {
        Some(authority) => authority,
        None if authority_given => return None,
        None => sni.clone(),
    };
    Some(Upstream {
        app,
        environment,
        sni,
        gateway: if gateway_given { gateway? } else { names.gateway.clone()? },
        spiffe_id,
        authority,
    })
}

fn default_sni(path: &str, environment: &Label, app: &Label, names: &Names, report: &mut Report) -> Option<HostName> {
    let Some(suffix) = names.suffix() else {
        if !names.suffix_given && names.trust_domain.is_some() {
            let problem = "has no SNI, since the trust domain is not a DNS name";
            report.add(path, problem, "add \"mesh_suffix\" to the configuration");
        }
        return None;
    };
    let sni = format!("{}.{}.{}", environment.as_str(), app.as_str(), suffix.as_str());
    let parsed = HostName::parse(&sni);
    if parsed.is_err() {
        report.add(path, format_args!("its SNI {} is too long", Quoted(&sni)), "give it an \"sni\" of its own");
    }
    parsed.ok()
}
