//! `[[<environment>.ingress]]` in an app's file.

use toml::de::DeValue;

use super::DraftIngress;
use super::deployment::check_account;
use super::reader::{Report, Section, named_app};
use crate::app::Ingress;
use crate::mistake::Quoted;
use crate::names::{AccountId, HostName, IngressName, Region, RoleArn, ServiceName, one_role};
use crate::place::Located;

pub(super) const INGRESS_FIELDS: &[&str] =
    &["name", "service_name", "region", "backend_hostname", "role_arn", "callers"];

const CALLERS: &str = "\"web\"";

/// Those that are whole, and what could be read of the others.
pub(super) fn read_ingresses(
    deployment: &Section<'_, '_>,
    account: Option<&Located<AccountId>>,
    report: &mut Report<'_>,
) -> (Vec<Ingress>, Vec<DraftIngress>) {
    let mut whole: Vec<Ingress> = Vec::new();
    let mut drafts = Vec::new();
    let path = deployment.path.field("ingress");
    let header = format_args!("{}", path).to_string();
    for (index, table, place) in deployment.tables("ingress", &header, report) {
        let section = Section { table, path: path.index(index), place };
        match read_ingress(&section, account, report) {
            Ok(ingress) => match whole.iter().find(|other| other.name.value == ingress.name.value) {
                Some(other) => {
                    let name = &ingress.name;
                    let problem =
                        format_args!("{} stands there twice, first at {}", Quoted(name.as_str()), other.name.place);
                    report.add(
                        name.place,
                        &section.path.field("name"),
                        problem,
                        &"give each ingress a name of its own",
                    );
                    drafts.push(draft_of(index, ingress));
                }
                None => whole.push(ingress),
            },
            Err(draft) => drafts.push(DraftIngress { index, ..draft }),
        }
    }
    (whole, drafts)
}

fn draft_of(index: usize, ingress: Ingress) -> DraftIngress {
    DraftIngress {
        index,
        backend_hostname: Some(ingress.backend_hostname),
        role: Some(ingress.role),
        callers: ingress.callers.into_vec(),
    }
}

fn read_ingress(
    section: &Section<'_, '_>,
    account: Option<&Located<AccountId>>,
    report: &mut Report<'_>,
) -> Result<Ingress, DraftIngress> {
    section.only(INGRESS_FIELDS, report);
    let name = section.required("name", "files", IngressName::parse, report);
    let service = section.required("service_name", "s3", ServiceName::parse, report);
    let region = section.required("region", "us-west-2", Region::parse, report);
    let backend_hostname =
        section.required("backend_hostname", "my-bucket.s3.us-west-2.amazonaws.com", HostName::parse, report);
    let role = section.required("role_arn", "arn:aws:iam::123456789012:role/reports-files-proxy", one_role, report);
    let callers = section.names("callers", CALLERS, named_app, report);
    require_callers(section, report);
    if let Some(role) = &role {
        check_account(role, account, &section.path.field("role_arn"), report);
        check_partition(section, role, region.as_ref(), report);
    }
    if let (Some(host), Some(region)) = (&backend_hostname, &region) {
        check_region(section, host, region, report);
    }
    match (name, service, region, backend_hostname, role) {
        (Some(name), Some(service), Some(region), Some(backend_hostname), Some(role)) => Ok(Ingress {
            name: Located { value: name.value.shared(report.names), place: name.place },
            service: service.value,
            region: region.value,
            backend_hostname,
            role,
            callers: callers.into_boxed_slice(),
        }),
        (_, _, _, backend_hostname, role) => Err(DraftIngress { index: 0, backend_hostname, role, callers }),
    }
}

/// An ingress is a signing oracle: who may call is never left open. (design, ingress)
fn require_callers(section: &Section<'_, '_>, report: &mut Report<'_>) {
    match section.get("callers").map(|value| (value.span(), value.get_ref())) {
        None => section.missing("callers", &format!("[{CALLERS}]"), report),
        Some((span, DeValue::Array(items))) if items.is_empty() => {
            let place = report.lines.place(span.start);
            let path = section.path.field("callers");
            report.add(
                place,
                &path,
                format_args!("is empty, so that nobody could call"),
                &"list the apps that may, or remove the ingress",
            );
        }
        Some(_) => {}
    }
}

fn check_partition(
    section: &Section<'_, '_>,
    role: &Located<RoleArn>,
    region: Option<&Located<Region>>,
    report: &mut Report<'_>,
) {
    let Some(region) = region else { return };
    let (of_role, of_region) = (role.partition(), region.partition());
    if of_role != of_region {
        report.add(
            role.place,
            &section.path.field("role_arn"),
            format_args!(
                "is a role of {}, but region {} is of {}",
                of_role.as_str(),
                region.as_str(),
                of_region.as_str()
            ),
            &"use a role and a region of one partition",
        );
    }
}

/// Regional names of AWS end in `<region>.amazonaws.com`; a signature for another region is refused there.
fn check_region(
    section: &Section<'_, '_>,
    host: &Located<HostName>,
    region: &Located<Region>,
    report: &mut Report<'_>,
) {
    let front = host.as_str().strip_suffix(".amazonaws.com").or(host.as_str().strip_suffix(".amazonaws.com.cn"));
    let Some(label) = front.and_then(|front| front.rsplit('.').next()) else { return };
    if Region::parse(label).is_ok() && label != region.as_str() {
        report.add(
            host.place,
            &section.path.field("backend_hostname"),
            format_args!("{} is in {label}, but region is {}", Quoted(host.as_str()), region.as_str()),
            &"give both the same region",
        );
    }
}
