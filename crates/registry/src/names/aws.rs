//! Accounts and organisations of AWS.

use std::fmt;

use irsa_core::names::RoleArn;
use spiffe_id::Invalid;

/// An account: 12 digits, zeros in front included. (IAM User Guide, "View AWS account identifiers".)
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(u64);

impl AccountId {
    /// Reads the 12 digits.
    ///
    /// # Errors
    /// [`Invalid`], when it is something else.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let remedy = "write its 12 digits between double quotes, such as \"123456789012\"";
        if text.len() != 12 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Invalid { problem: "is not an account of AWS", remedy });
        }
        text.parse().map(Self).map_err(|_| Invalid { problem: "is not an account of AWS", remedy })
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012}", self.0)
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The account that a role lives in.
#[must_use]
pub fn account_of(role: &RoleArn) -> Option<AccountId> {
    role.as_str().split(':').nth(4).and_then(|account| AccountId::parse(account).ok())
}

/// One role alone: IAM allows `*` in a role's path, and policies would take it for any.
pub(crate) fn one_role(text: &str) -> Result<RoleArn, Invalid> {
    if text.contains(['*', '?']) {
        return Err(Invalid { problem: "holds a wildcard", remedy: "list each role by its whole ARN" });
    }
    RoleArn::parse(text)
}

/// An organisation, such as `o-a1b2c3d4e5`. (AWS Organizations API reference, `Organization`: `^o-[a-z0-9]{10,32}$`.)
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AwsOrganisation(Box<str>);

impl AwsOrganisation {
    /// Reads its ID.
    ///
    /// # Errors
    /// [`Invalid`], when it is something else.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let sound = text.strip_prefix("o-").is_some_and(|id| {
            (10..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        });
        if !sound {
            return Err(Invalid {
                problem: "is not the ID of an organisation of AWS",
                remedy: "write it as \"o-a1b2c3d4e5\"",
            });
        }
        Ok(Self(text.into()))
    }

    /// The ID.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_keeps_its_zeros() {
        assert_eq!(AccountId::parse("000000000042").unwrap().to_string(), "000000000042");
        for text in ["", "42", "1234567890123", "12345678901a", "+12345678901", " 12345678901"] {
            assert!(AccountId::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_role_tells_its_account() {
        let role = RoleArn::parse("arn:aws-cn:iam::000000000042:role/a/b").unwrap();
        assert_eq!(account_of(&role), AccountId::parse("000000000042").ok());
    }

    #[test]
    fn a_wildcard_is_no_role() {
        for text in [
            "arn:aws:iam::123456789012:role/*",
            "arn:aws:iam::123456789012:role/*/x",
            "arn:aws:iam::123456789012:role/a?/x",
        ] {
            assert!(one_role(text).is_err(), "{text}");
        }
        assert!(one_role("arn:aws:iam::123456789012:role/a/x").is_ok());
    }

    #[test]
    fn organisations_are_known_by_their_shape() {
        assert!(AwsOrganisation::parse("o-a1b2c3d4e5").is_ok());
        for text in ["", "o-", "o-short", "O-A1B2C3D4E5", "r-a1b2c3d4e5", "o-a1b2c3d4e5*"] {
            assert!(AwsOrganisation::parse(text).is_err(), "{text}");
        }
    }
}
