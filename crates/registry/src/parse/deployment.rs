//! The table of an environment in an app's file.

use std::collections::HashMap;

use super::ingress::read_ingresses;
use super::reader::{Path, Report, Section, named_app};
use super::{DraftIngress, views};
use crate::app::{Deployment, MeshIdentity, Overrides};
use crate::mistake::Quoted;
use crate::names::{AccountId, AppName, ClusterName, EnvironmentName, RoleArn, SpiffeIdBuf, account_of, one_role, sni};
use crate::place::{Located, Place};

pub(super) const DEPLOYMENT_FIELDS: &[&str] =
    &["account_id", "mesh_identity", "lambda_roles", "upstreams", "ingress", "spiffe_id", "sni", "cluster"];

const ROLE: &str = "\"arn:aws:iam::123456789012:role/reports-lambda\"";

/// The deployment as far as it can be read, and its ingresses that lack something.
pub(super) fn read_deployment(
    section: &Section<'_, '_>,
    environment: Located<EnvironmentName>,
    app: Option<&AppName>,
    report: &mut Report<'_>,
) -> (Deployment, Vec<DraftIngress>) {
    section.only(DEPLOYMENT_FIELDS, report);
    let account = section.name("account_id", AccountId::parse, report);
    let mesh_identity = match section.yes_or_no("mesh_identity", report) {
        Some(Located { value: true, place }) => MeshIdentity::On(place),
        _ => MeshIdentity::Off,
    };
    let lambda_roles = section.names("lambda_roles", ROLE, one_role, report);
    let upstreams = section.names("upstreams", "\"ledger\"", named_app, report);
    let (ingress, incomplete) = read_ingresses(section, account.as_ref(), report);
    let overrides = Overrides {
        spiffe_id: section.name("spiffe_id", SpiffeIdBuf::parse, report),
        sni: section.name("sni", sni, report),
        cluster: section.name("cluster", ClusterName::parse, report),
    };

    require_account(section, mesh_identity, report);
    require_roles(section, mesh_identity, report);
    for role in &lambda_roles {
        check_account(role, account.as_ref(), &section.path.field("lambda_roles"), report);
    }
    if let Some(upstream) = upstreams.iter().find(|upstream| Some(&upstream.value) == app) {
        let problem = format_args!("{} is this app itself", Quoted(upstream.as_str()));
        report.add(
            upstream.place,
            &section.path.field("upstreams"),
            problem,
            &"list the other apps that its Lambdas call",
        );
    }

    let overridden = overrides != Overrides::default();
    let deployment = Deployment {
        environment,
        account,
        mesh_identity,
        lambda_roles: lambda_roles.into_boxed_slice(),
        upstreams: upstreams.into_boxed_slice(),
        ingress: ingress.into_boxed_slice(),
        overrides: overridden.then(|| Box::new(overrides)),
    };
    (deployment, incomplete)
}

/// Whatever an app has in AWS, it has in an account.
fn require_account(section: &Section<'_, '_>, mesh_identity: MeshIdentity, report: &mut Report<'_>) {
    if section.get("account_id").is_some() {
        return;
    }
    let reason = if mesh_identity != MeshIdentity::Off {
        "mesh_identity"
    } else if section.get("lambda_roles").is_some() {
        "lambda_roles"
    } else if section.get("ingress").is_some() {
        "ingress"
    } else {
        return;
    };
    let path = section.path.field("account_id");
    report.add(
        section.place,
        &path,
        format_args!("is missing, and {reason} needs it"),
        &"add account_id = \"123456789012\"",
    );
}

/// Without a role nobody could read the identity that would be issued.
fn require_roles(section: &Section<'_, '_>, mesh_identity: MeshIdentity, report: &mut Report<'_>) {
    let MeshIdentity::On(place) = mesh_identity else { return };
    let some = match section.get("lambda_roles").map(toml::Spanned::get_ref) {
        Some(toml::de::DeValue::Array(items)) => !items.is_empty(),
        // Of another type, which is reported already.
        Some(_) => true,
        None => false,
    };
    if !some {
        report.add(
            place,
            &section.path.field("mesh_identity"),
            format_args!("is true, but no role could read the identity"),
            &format_args!("add lambda_roles = [{ROLE}]"),
        );
    }
}

/// A role of another account would carry this app's authority there.
pub(super) fn check_account(
    role: &Located<RoleArn>,
    account: Option<&Located<AccountId>>,
    path: &Path<'_>,
    report: &mut Report<'_>,
) {
    let (Some(account), Some(of_role)) = (account, account_of(role)) else { return };
    if account.value != of_role {
        report.add(
            role.place,
            path,
            format_args!("{} is a role of account {of_role}, not of account_id {account}", Quoted(role.as_str())),
            &"use a role of the app's own account",
        );
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Lambda,
    Ingress,
}

/// One role for one purpose: a Lambda's role reads a key, an ingress's role calls one backend, and in no two environments
/// are they the same.
pub(super) fn check_roles(deployments: &[Deployment], drafts: &[(usize, DraftIngress)], report: &mut Report<'_>) {
    let mut uses: HashMap<&str, (Use, &EnvironmentName, Place)> = HashMap::new();
    for (at, deployment) in deployments.iter().enumerate() {
        let environment = &deployment.environment;
        let above = Path::FILE.field(environment.as_str());
        let roles = above.field("lambda_roles");
        for role in &deployment.lambda_roles {
            note(&mut uses, role, Use::Lambda, environment, &roles, report);
        }
        let ingress = above.field("ingress");
        for view in views(&deployment.ingress, drafts.iter().filter(|(of, _)| *of == at).map(|(_, draft)| draft)) {
            if let Some(role) = view.role {
                let entry = ingress.index(view.index);
                note(&mut uses, role, Use::Ingress, environment, &entry.field("role_arn"), report);
            }
        }
    }
}

fn note<'a>(
    uses: &mut HashMap<&'a str, (Use, &'a EnvironmentName, Place)>,
    role: &'a Located<RoleArn>,
    purpose: Use,
    environment: &'a EnvironmentName,
    path: &Path<'_>,
    report: &mut Report<'_>,
) {
    let Some(&(other, elsewhere, place)) = uses.get(role.as_str()) else {
        uses.insert(role.as_str(), (purpose, environment, role.place));
        return;
    };
    let (problem, remedy) = match (other, purpose) {
        (Use::Lambda, Use::Lambda) => (
            format!("is a role of {elsewhere} already ({place}), and would read the keys of both environments"),
            "give the Lambdas of each environment a role of their own",
        ),
        (Use::Ingress, Use::Ingress) => {
            (format!("is the role of another ingress already ({place})"), "give each ingress a role of its own")
        }
        _ => (
            format!("is used by Lambdas and by an ingress ({place}), and would read the app's key there"),
            "give the ingress a role of its own",
        ),
    };
    report.add(role.place, path, format_args!("{} {problem}", Quoted(role.as_str())), &remedy);
}
