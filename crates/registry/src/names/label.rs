//! Names of apps, environments and ingresses: one DNS label in lower case each.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use spiffe_id::Invalid;

use super::shared::Shared;

/// The longest common name of a certificate, `ub-common-name`. (RFC 5280, appendix A.1.)
pub(crate) const MOST_COMMON_NAME: usize = 64;

/// One label of a name of DNS in lower case, so that no two names differ by case alone. (RFC 1123, section 2.1; RFC 1035,
/// section 2.3.4.)
fn label(text: &str) -> Result<(), Invalid> {
    let sound = (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-');
    if sound {
        return Ok(());
    }
    Err(Invalid {
        problem: "is not a name of 1 to 63 lower-case letters, digits and hyphens",
        remedy: "write it as it will stand in host names: in lower case, without dots",
    })
}

/// A label that stays itself in `http://localhost`, `http://app.mesh` and `http://127.0.0.1`, where people write it.
fn local_name(text: &str) -> Result<(), Invalid> {
    label(text)?;
    if matches!(text, "localhost" | "mesh") || text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Invalid {
            problem: "would be taken for something else in http://localhost, http://app.mesh and http://127.0.0.1",
            remedy: "use another name",
        });
    }
    Ok(())
}

/// Of an app's file; an environment of such a name could not be told from them.
fn not_a_field(text: &str) -> Result<(), Invalid> {
    local_name(text)?;
    if crate::parse::APP_FIELDS.contains(&text) {
        return Err(Invalid { problem: "is the name of a field of an app's file", remedy: "use another name" });
    }
    Ok(())
}

/// The file of the settings stands where an app of this name would have its own.
fn not_the_settings(text: &str) -> Result<(), Invalid> {
    local_name(text)?;
    if text == crate::SETTINGS_STEM {
        return Err(Invalid {
            problem: "is the name of the settings' file, meshbridge.toml",
            remedy: "use another name",
        });
    }
    Ok(())
}

macro_rules! label_type {
    ($(#[$doc:meta])* $name:ident, $rule:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Reads a name.
            ///
            /// # Errors
            /// [`Invalid`], when it is none.
            pub fn parse(text: &str) -> Result<Self, Invalid> {
                $rule(text)?;
                Ok(Self(text.into()))
            }

            pub(crate) fn shared(self, names: &mut Shared) -> Self {
                Self(names.copy_of(self.0))
            }

            /// The name.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

label_type! {
    /// The name of an app: one DNS label in lower case, of 1 to 63 characters, such as `reports`.
    AppName, not_the_settings
}

label_type! {
    /// The name of an environment: one DNS label in lower case, of 1 to 63 characters, such as `production`.
    EnvironmentName, not_a_field
}

label_type! {
    /// The name of an ingress among those of one app in one environment: one DNS label in lower case, such as `files`.
    IngressName, label
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_in_lower_case_are_names() {
        let longest = "a".repeat(63);
        for text in ["a", "reports", "reports-2", "2-reports", "a--b", "x1", &longest] {
            assert_eq!(AppName::parse(text).unwrap().as_str(), text);
            assert_eq!(EnvironmentName::parse(text).unwrap().as_str(), text);
        }
        assert!(IngressName::parse("443").is_ok());
    }

    #[test]
    fn what_would_not_survive_in_a_host_name_or_a_path_is_none() {
        let long = "a".repeat(64);
        for text in ["", "-", "-a", "a-", "a.b", "a/b", "a_b", "Reports", "a b", "a\n", "\u{430}pp", "*", "..", &long] {
            assert!(AppName::parse(text).is_err() && EnvironmentName::parse(text).is_err(), "{text:?}");
            assert!(IngressName::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn names_that_mean_something_else_already_are_none() {
        for text in ["localhost", "mesh", "443"] {
            assert!(AppName::parse(text).is_err() && EnvironmentName::parse(text).is_err(), "{text}");
        }
        assert!(AppName::parse("meshbridge").is_err());
        for text in ["name", "owners"] {
            assert!(EnvironmentName::parse(text).is_err(), "{text}");
        }
    }
}
