//! What the two APIs refuse, with the status, the error type and the message that AWS's emulator gives.

use serde_json::{Value, json};

use super::state::{ExtensionState, RuntimeState};

/// Why a call is refused.
#[derive(Clone, Debug)]
pub(super) enum Refusal {
    EmptyName,
    /// No file in the directory of extensions has this name.
    NotAFile(String),
    BadFormat(String),
    InvalidEvent(String),
    RegistrationClosed,
    TooManyExtensions(usize),
    MissingIdentifier,
    InvalidIdentifier,
    UnknownIdentifier(String),
    MissingHeader(&'static str),
    ExtensionState(String),
    RuntimeState(String),
    InvalidRequestId,
    InvalidResponseMode,
    TooLarge(usize),
    Truncated,
    NotFound,
    MethodNotAllowed,
    Internal,
}

impl Refusal {
    pub(super) fn extension_state(from: ExtensionState, to: &str, name: &str) -> Self {
        Self::ExtensionState(format!(
            "State transition from {from:?} to {to} failed for extension {name}. Error: State transition is not allowed"
        ))
    }

    pub(super) fn runtime_state(from: RuntimeState, to: &str) -> Self {
        Self::RuntimeState(format!(
            "State transition from {from:?} to {to} failed for runtime. Error: State transition is not allowed"
        ))
    }

    pub(super) fn status(&self) -> u16 {
        match self {
            Self::InvalidRequestId | Self::InvalidResponseMode | Self::Truncated => 400,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::TooLarge(_) => 413,
            Self::Internal => 500,
            _ => 403,
        }
    }

    /// `{"errorMessage": …, "errorType": …}`
    pub(super) fn json(&self) -> Value {
        let (error_type, message) = match self {
            Self::EmptyName => ("Extension.InvalidExtensionName", "Empty extension name".to_owned()),
            Self::NotAFile(name) => {
                ("Extension.InvalidExtensionName", format!("{name} is not the file name of an extension"))
            }
            Self::BadFormat(why) => ("InvalidRequestFormat", why.clone()),
            Self::InvalidEvent(event) => ("Extension.InvalidEventType", format!("{event}: ErrorInvalidEventType")),
            Self::RegistrationClosed => {
                ("Extension.RegistrationClosed", "Extension registration closed already".to_owned())
            }
            Self::TooManyExtensions(limit) => {
                ("Extension.TooManyExtensions", format!("Extension limit ({limit}) reached"))
            }
            Self::MissingIdentifier => {
                ("Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header".to_owned())
            }
            Self::InvalidIdentifier => {
                ("Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier".to_owned())
            }
            Self::UnknownIdentifier(identifier) => {
                ("Extension.UnknownExtensionIdentifier", format!("Unknown extension {identifier}"))
            }
            Self::MissingHeader(name) => ("Extension.MissingHeader", format!("{name} not found")),
            Self::ExtensionState(message) => ("Extension.InvalidExtensionState", message.clone()),
            Self::RuntimeState(message) => ("InvalidStateTransition", message.clone()),
            Self::InvalidRequestId => ("InvalidRequestID", "Invalid request ID".to_owned()),
            Self::InvalidResponseMode => ("InvalidFunctionResponseMode", "Invalid function response mode".to_owned()),
            Self::TooLarge(limit) => {
                ("RequestEntityTooLarge", format!("Exceeded maximum allowed payload size ({limit} bytes)."))
            }
            Self::Truncated => ("TruncatedHTTPRequest", "HTTP request detected as truncated".to_owned()),
            Self::NotFound => ("NotFound", "404 page not found".to_owned()),
            Self::MethodNotAllowed => ("MethodNotAllowed", "method not allowed".to_owned()),
            Self::Internal => ("InternalServerError", "Internal Server Error".to_owned()),
        };
        json!({ "errorMessage": message, "errorType": error_type })
    }
}
