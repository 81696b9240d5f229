//! Envoy's admin interface: a blocking HTTP client of a few lines, and readers of its answers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use super::EnvoyError;

const LIMIT: Duration = Duration::from_secs(10);

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn body_of_200(self, path: &str) -> Result<String, EnvoyError> {
        if self.status == 200 {
            return Ok(self.body);
        }
        Err(EnvoyError::Admin(format!("{path} answered {}: {}", self.status, self.body.trim())))
    }
}

pub(super) fn get(admin: SocketAddr, path: &str) -> Result<Answer, EnvoyError> {
    exchange(admin, "GET", path)
}

pub(super) fn post(admin: SocketAddr, path: &str) -> Result<Answer, EnvoyError> {
    exchange(admin, "POST", path)
}

/// One request a connection: the answer ends where the connection ends.
fn exchange(admin: SocketAddr, method: &str, path: &str) -> Result<Answer, EnvoyError> {
    let attempt = || {
        let mut stream = TcpStream::connect_timeout(&admin, LIMIT)?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_write_timeout(Some(LIMIT))?;
        write!(stream, "{method} {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = attempt().map_err(|e| EnvoyError::Io(format!("{method} {path} on Envoy's admin interface"), e))?;
    parse(&bytes).ok_or_else(|| EnvoyError::Admin(format!("{path}: no HTTP answer in {} bytes", bytes.len())))
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n")?;
    let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let status = head.split_whitespace().nth(1)?.parse().ok()?;
    let chunked = head.lines().any(|line| line.eq_ignore_ascii_case("transfer-encoding: chunked"));
    let body = bytes.get(end + 4..)?;
    let body = if chunked { unchunk(body)? } else { body.to_vec() };
    Some(Answer { status, body: String::from_utf8_lossy(&body).into_owned() })
}

fn unchunk(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    loop {
        let line_end = body.windows(2).position(|w| w == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(body.get(..line_end)?).ok()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(out);
        }
        let begin = line_end + 2;
        out.extend_from_slice(body.get(begin..begin.checked_add(size)?)?);
        body = body.get(begin + size + 2..)?;
    }
}

/// Finds a listener in the answer of `/listeners?format=json`.
pub(super) fn listener(answer: &str, name: &str) -> Result<SocketAddr, EnvoyError> {
    let wrong = |what: String| EnvoyError::Admin(format!("/listeners: {what}"));
    let value: Value = serde_json::from_str(answer).map_err(|e| wrong(e.to_string()))?;
    let statuses = value.get("listener_statuses").and_then(Value::as_array).cloned().unwrap_or_default();
    let name_of = |status: &Value| status.get("name").and_then(Value::as_str).unwrap_or("").to_owned();
    let Some(status) = statuses.iter().find(|status| name_of(status) == name) else {
        let known: Vec<String> = statuses.iter().map(name_of).collect();
        return Err(wrong(format!("there is no listener {name:?}; there are {}", known.join(", "))));
    };
    let address = status.pointer("/local_address/socket_address");
    let part = |key: &str| address.and_then(|address| address.get(key));
    let (ip, port) = (part("address").and_then(Value::as_str), part("port_value").and_then(Value::as_u64));
    ip.zip(port)
        .and_then(|(ip, port)| Some(SocketAddr::new(ip.parse().ok()?, u16::try_from(port).ok()?)))
        .ok_or_else(|| wrong(format!("listener {name:?} has no address with a port: {status}")))
}

/// Lines `name: number`; histograms and texts are left out.
pub(super) fn stats(text: &str) -> BTreeMap<String, u64> {
    let number = |line: &str| {
        let (name, value) = line.rsplit_once(": ")?;
        Some((name.to_owned(), value.trim().parse().ok()?))
    };
    text.lines().filter_map(number).collect()
}

/// A name as a regular expression that matches nothing else.
pub(super) fn regex_literal(name: &str) -> String {
    let escaped = |c: char| if c.is_alphanumeric() || c == '_' { c.to_string() } else { format!("\\{c}") };
    name.chars().map(escaped).collect()
}

/// Text as a value in a query.
pub(super) fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => drop(write!(out, "%{byte:02X}")),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_plain_and_chunked() {
        let plain = parse(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nLIVE\n").unwrap();
        assert_eq!(plain, Answer { status: 200, body: "LIVE\n".into() });
        let chunked = b"HTTP/1.1 503 No\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n";
        assert_eq!(parse(chunked).unwrap(), Answer { status: 503, body: "abc0123456789".into() });
        assert_eq!(parse(b"SSH-2.0-x\r\n"), None);
    }

    #[test]
    fn a_truncated_chunked_answer_is_none() {
        assert_eq!(parse(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nA\r\n01234"), None);
    }

    #[test]
    fn stats_are_numbers_only() {
        let text = "a.b: 3\nlistener.127.0.0.1_0.x: 0\nh: P0(nan,1) P25(nan,1)\nversion_text: \"1\"\n";
        let expected = [("a.b".to_owned(), 3), ("listener.127.0.0.1_0.x".to_owned(), 0)];
        assert_eq!(stats(text), BTreeMap::from(expected));
    }

    #[test]
    fn a_missing_listener_is_answered_with_those_that_are_there() {
        let answer = r#"{"listener_statuses":[{"name":"in","local_address":{"socket_address":{"address":"127.0.0.1","port_value":4711}}}]}"#;
        assert_eq!(listener(answer, "in").unwrap(), "127.0.0.1:4711".parse().unwrap());
        assert!(listener(answer, "out").unwrap_err().to_string().contains("there are in"));
    }

    #[test]
    fn names_become_exact_expressions_in_a_query() {
        assert_eq!(percent_encoded(&format!("^{}$", regex_literal("a.b_c"))), "%5Ea%5C.b_c%24");
    }
}
