//! The exchange itself: a token goes in, it is verified by the issuer's JWKS and the role's trust policy, a session comes out.

use std::time::{Duration, UNIX_EPOCH};

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

use super::answer::Success;
use super::control::{NOT_AUTHORIZED, expired};
use super::form::Form;
use super::{Lifetime, Sts, StsError};
use crate::aws::roles::Role;
use crate::aws::sessions::LONG_GONE;
use crate::aws::wire::Received;

/// One call.
pub(super) struct Exchange<'a> {
    pub(super) sts: &'a Sts,
    pub(super) lifetime: Lifetime,
}

/// What a verified token says.
struct Claims {
    subject: String,
    audience: String,
}

impl Exchange<'_> {
    pub(super) fn run(&self, request: &Received) -> Result<Success, StsError> {
        let form = Form::read(request, &self.sts.hostname)?;
        let claims = self.verify(&form.token)?;
        // A role that does not exist and one that does not trust the caller look the same from outside.
        let denied = || StsError::new(403, "AccessDenied", NOT_AUTHORIZED);
        let role = self.sts.role(&form.role_arn).ok_or_else(denied)?;
        if !self.trusts(&role, &claims) {
            return Err(denied());
        }
        let asked = Duration::from_secs(form.duration_seconds);
        if asked > role.max_session_duration {
            let message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
            return Err(StsError::validation(message));
        }
        // Whole seconds, so that Expiration is exactly the moment from which the session is refused.
        let now = UNIX_EPOCH + Duration::from_secs(self.sts.clock.unix());
        let expires_at = match self.lifetime {
            Lifetime::AsAsked => now + self.sts.control.lifetime().unwrap_or(asked),
            Lifetime::Over => now - LONG_GONE,
        };
        let (policy, length) = form.policy.map_or((None, None), |(policy, length)| (Some(policy), Some(length)));
        let session = self.sts.sessions.open(role, &form.session_name, policy, expires_at);
        Ok(Success {
            session,
            subject: claims.subject,
            audience: claims.audience,
            issuer: self.sts.oidc.issuer().to_owned(),
            // Percent of the packed limit; AWS does not document the packing, so this is its order of magnitude.
            packed_policy_size: length.map(|length| (length * 100).div_ceil(4096)),
        })
    }

    fn verify(&self, token: &str) -> Result<Claims, StsError> {
        let invalid = |why: &str| StsError::new(400, "InvalidIdentityToken", why);
        let header = jsonwebtoken::decode_header(token).map_err(|_| {
            invalid("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
        })?;
        let key_id = header.kid.ok_or_else(|| invalid("No kid in the token's header"))?;
        let keys = self.sts.oidc.key_set();
        let key = keys
            .find(&key_id)
            .and_then(|jwk| DecodingKey::from_jwk(jwk).ok())
            .ok_or_else(|| invalid("Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements"))?;

        // The algorithm is the key's, never the token's word for it.
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_issuer(&[self.sts.oidc.issuer()]);
        validation.set_audience(&self.sts.client_ids);
        validation.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
        // Times are judged below, by the double's own clock.
        validation.validate_exp = false;
        let claims = match jsonwebtoken::decode::<Value>(token, &key, &validation) {
            Ok(data) => data.claims,
            Err(error) => {
                return Err(match error.kind() {
                    ErrorKind::InvalidIssuer => {
                        invalid("No OpenIDConnect provider found in your account for the token's issuer")
                    }
                    ErrorKind::InvalidAudience => invalid("Incorrect token audience"),
                    ErrorKind::MissingRequiredClaim(claim) => invalid(&format!("Missing a required claim: {claim}")),
                    _ => invalid("The ID Token provided could not be verified with the provider's keys"),
                });
            }
        };
        let now = self.sts.clock.unix();
        let time = |claim: &str| claims.get(claim).and_then(Value::as_u64);
        let expiry = time("exp").ok_or_else(|| invalid("Missing a required claim: exp"))?;
        if now >= expiry {
            return Err(StsError::new(400, "ExpiredTokenException", expired(now, expiry)));
        }
        // Five minutes of grace for an issuer whose clock is ahead.
        if [time("nbf"), time("iat")].iter().flatten().any(|start| *start > now + 300) {
            return Err(invalid("The token is not yet valid"));
        }
        let audience = match claims.get("aud") {
            Some(Value::String(one)) => Some(one.as_str()),
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).find(|one| self.known(one)),
            _ => None,
        };
        Ok(Claims {
            subject: claims.get("sub").and_then(Value::as_str).unwrap_or_default().to_owned(),
            audience: audience.ok_or_else(|| invalid("Incorrect token audience"))?.to_owned(),
        })
    }

    fn known(&self, audience: &str) -> bool {
        self.sts.client_ids.iter().any(|known| known == audience)
    }

    fn trusts(&self, role: &Role, claims: &Claims) -> bool {
        let trust = &role.trust;
        trust.issuer == self.sts.oidc.issuer() && trust.audience == claims.audience && trust.subject == claims.subject
    }
}
