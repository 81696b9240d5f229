//! What Lambda tells an extension. (Lambda developer guide, "Extensions API reference", Next.)

use crate::config::Json;

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// An invocation begins, which must end by then, in milliseconds since 1970.
    Invoke {
        /// `deadlineMs`; 0 when it is missing.
        deadline_ms: u64,
    },
    /// The environment ends by then.
    Shutdown {
        /// `deadlineMs`; 0 when it is missing.
        deadline_ms: u64,
    },
}

impl Event {
    /// Reads the answer to `next`; `None` for what is no event that was registered for.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let json: Json = serde_json::from_slice(body).ok()?;
        let deadline_ms = json.whole("deadlineMs").unwrap_or(0);
        match json.text("eventType")? {
            "INVOKE" => Some(Self::Invoke { deadline_ms }),
            "SHUTDOWN" => Some(Self::Shutdown { deadline_ms }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_events_of_the_documentation_are_read() {
        let invoke =
            br#"{"eventType": "INVOKE", "deadlineMs": 676051, "requestId": "3da1f2dc-3222-475e-9205-e2e6c6318895",
            "invokedFunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:ExtensionTest",
            "tracing": {"type": "X-Amzn-Trace-Id", "value": "Root=1-5f35ae12-0c0fec141ab77a00bc047aa2;Sampled=1"}}"#;
        assert_eq!(Event::parse(invoke), Some(Event::Invoke { deadline_ms: 676_051 }));
        let shutdown = br#"{"eventType": "SHUTDOWN", "shutdownReason": "SPINDOWN", "deadlineMs": 42}"#;
        assert_eq!(Event::parse(shutdown), Some(Event::Shutdown { deadline_ms: 42 }));
    }

    #[test]
    fn what_is_no_event_is_none() {
        for body in ["", "{}", "[]", r#"{"eventType": "RESTORE"}"#, r#"{"eventType": 1}"#] {
            assert_eq!(Event::parse(body.as_bytes()), None, "{body}");
        }
        assert_eq!(
            Event::parse(br#"{"eventType": "SHUTDOWN", "deadlineMs": "soon"}"#),
            Some(Event::Shutdown { deadline_ms: 0 })
        );
    }
}
