//! The XML that STS answers with.

use std::sync::Arc;

use super::StsError;
use crate::aws::random;
use crate::aws::sessions::Session;
use crate::aws::wire::{iso_date, xml_text};

/// The content type of every answer.
pub(super) const XML: &str = "text/xml";

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// A session, and what the answer says about the token that it was given for.
#[derive(Debug)]
pub(super) struct Success {
    pub(super) session: Arc<Session>,
    pub(super) subject: String,
    pub(super) audience: String,
    pub(super) issuer: String,
    pub(super) packed_policy_size: Option<usize>,
}

impl Success {
    pub(super) fn to_xml(&self) -> String {
        self.without("")
    }

    /// The same answer with one element left out, its content included.
    pub(super) fn to_xml_without(&self, name: &str) -> String {
        self.without(name)
    }

    fn without(&self, left_out: &str) -> String {
        let element = |name: &str, content: &str| {
            if name == left_out { String::new() } else { format!("<{name}>{content}</{name}>") }
        };
        let text = |name: &str, content: &str| element(name, &xml_text(content));
        let Session { session_name, role, access_key_id, secret_access_key, session_token, .. } = &*self.session;
        let user = text("AssumedRoleId", &role.assumed_role_id(session_name)) + &text("Arn", &self.session.arn());
        let credentials = [
            text("AccessKeyId", access_key_id),
            text("SecretAccessKey", secret_access_key),
            text("SessionToken", session_token),
            text("Expiration", &iso_date(self.session.expires_at)),
        ]
        .concat();
        let packed = self.packed_policy_size.map(|size| text("PackedPolicySize", &size.to_string()));
        let provider = format!(
            "arn:{}:iam::{}:oidc-provider/{}",
            role.partition(),
            role.account(),
            self.issuer.trim_start_matches("https://"),
        );
        let result = [
            text("Audience", &self.audience),
            element("AssumedRoleUser", &user),
            text("Provider", &provider),
            element("Credentials", &credentials),
            packed.unwrap_or_default(),
            text("SubjectFromWebIdentityToken", &self.subject),
        ]
        .concat();
        let metadata = element("ResponseMetadata", &text("RequestId", &random::request_id()));
        let body = element("AssumeRoleWithWebIdentityResult", &result) + &metadata;
        format!("<AssumeRoleWithWebIdentityResponse xmlns=\"{NAMESPACE}\">{body}</AssumeRoleWithWebIdentityResponse>\n")
    }
}

pub(super) fn error_xml(error: &StsError) -> String {
    let fault_of = if error.status >= 500 { "Receiver" } else { "Sender" };
    format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>{fault_of}</Type><Code>{}</Code><Message>{}</Message></Error>\
         <RequestId>{}</RequestId></ErrorResponse>\n",
        error.code,
        xml_text(&error.message),
        random::request_id(),
    )
}
