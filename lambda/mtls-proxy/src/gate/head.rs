//! Checks one complete head: RFC 9112 without its tolerances, and one meaning for where the message ends.

/// What is wrong with a request, for the answer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// Status of the answer.
    pub(crate) status: u16,
    /// Fixed name, in the answer as `kind`.
    pub(crate) kind: &'static str,
    /// What is wrong and what to do.
    pub(crate) message: &'static str,
}

/// Everything that can be wrong with a request as such.
pub(crate) mod malformed {
    use super::Malformed;

    macro_rules! malformed {
        ($($name:ident = $status:literal $kind:literal $message:literal;)*) => {
            $(pub(crate) const $name: Malformed = Malformed { status: $status, kind: $kind, message: $message };)*
            #[cfg(test)]
            pub(crate) const ALL: &[Malformed] = &[$($name),*];
        };
    }

    malformed! {
        BARE_CR = 400 "bare-cr" "a carriage return stands alone in the head; end lines with CR LF";
        BARE_LF = 400 "bare-lf" "a line of the head ends with LF alone; end lines with CR LF";
        HEAD_TOO_LARGE = 431 "head-too-large" "the head is larger than 32 KiB; send less in the URL and the headers";
        HEAD_TIMEOUT = 408 "head-timeout" "the head did not arrive in time (timeouts.head_ms)";
        REQUEST_LINE = 400 "request-line" "the request line is not `METHOD target HTTP/1.1`";
        METHOD = 400 "method" "the method is not a token of at most 32 characters";
        TARGET = 400 "target" "the target is not a path, nor http://app.mesh/path; percent-encode other characters";
        VERSION = 505 "version" "the version is not HTTP/1.1 or HTTP/1.0";
        FOLDED = 400 "folded-header" "a header is continued on the next line; write it on one";
        HEADER_COLON = 400 "header-colon" "a line of the head has no colon";
        HEADER_NAME = 400 "header-name" "a header's name is not a token that ends at its colon";
        HEADER_VALUE = 400 "header-value" "a header's value has a control character";
        TOO_MANY_HEADERS = 431 "too-many-headers" "the head has more than 100 headers";
        HOST_MISSING = 400 "host-missing" "there is no Host";
        HOST_TWICE = 400 "host-twice" "Host stands there twice";
        LENGTH = 400 "length" "Content-Length is not a number in digits";
        LENGTH_TWICE = 400 "length-twice" "Content-Length stands there twice";
        LENGTH_AND_CHUNKED = 400 "length-and-chunked" "Content-Length stands beside Transfer-Encoding";
        CODING_TWICE = 400 "transfer-encoding-twice" "Transfer-Encoding stands there twice";
        CODING = 501 "transfer-encoding" "the transfer coding is another than chunked alone";
        CODING_IN_1_0 = 400 "transfer-encoding-in-1.0" "HTTP/1.0 has no Transfer-Encoding";
        CHUNK = 400 "chunk" "the body is not in well-formed chunks";
        TRAILER = 400 "trailer" "the trailers are not well-formed, or larger than 8 KiB";
        BODY = 400 "body" "the body ended before its length";
        SHUT = 400 "after-refusal" "an earlier request of this connection was refused";
        EXPECTATION = 417 "expectation" "Expect is another than 100-continue";
        UPGRADE = 501 "upgrade" "the protocol cannot be changed; WebSocket calls do not go through this proxy";
        CONNECTION = 400 "connection-option" "Connection names a header that must reach the upstream";
        TRACE = 405 "trace" "TRACE is not forwarded";
        ASTERISK = 400 "asterisk" "`*` is not the target of any app";
        HOST = 400 "host" "Host is not the name of an app, localhost or 127.0.0.1, alone or with this proxy's port";
        HOST_OTHER = 400 "host-differs" "Host differs from the host in the target";
        ABSOLUTE = 400 "absolute-form" "the target is a URL other than http://app.mesh/path, on port 80";
        NO_APP = 400 "no-app" "no app is named: call /~app/path, or send Host: app, or use the proxy with http://app.mesh/path";
        TIMEOUT_HEADER = 400 "timeout-header" "x-meshbridge-timeout-ms is not one number from 1 to 900000";
        TOKEN_TWICE = 400 "token-twice" "the token stands there twice";
    }
}

/// Where the message ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// With its head.
    None,
    /// After so many bytes.
    Length(u64),
    /// With the last chunk.
    Chunked,
}

/// Headers of one message; hyper takes no more.
const MAX_HEADERS: usize = 100;
const MAX_METHOD: usize = 32;

/// Checks a head that ends with an empty line, all of whose lines end with CR LF.
pub(super) fn check(head: &[u8]) -> Result<Framing, Malformed> {
    let mut lines = head.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let version = request_line(lines.next().unwrap_or_default())?;
    let mut seen = Seen::default();
    let mut count = 0;
    for line in lines.take_while(|line| !line.is_empty()) {
        count += 1;
        if count > MAX_HEADERS {
            return Err(malformed::TOO_MANY_HEADERS);
        }
        let (name, value) = header(line)?;
        seen.note(name, value)?;
    }
    seen.framing(version)
}

/// A header's name and its value without the white space around it.
pub(super) fn header(line: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    if matches!(line.first(), Some(b' ' | b'\t')) {
        return Err(malformed::FOLDED);
    }
    let colon = line.iter().position(|&byte| byte == b':').ok_or(malformed::HEADER_COLON)?;
    let (name, value) = line.split_at_checked(colon).ok_or(malformed::HEADER_COLON)?;
    if name.is_empty() || !name.iter().all(|&byte| is_token(byte)) {
        return Err(malformed::HEADER_NAME);
    }
    let value = value.strip_prefix(b":").unwrap_or(value).trim_ascii();
    if !value.iter().all(|&byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f)) {
        return Err(malformed::HEADER_VALUE);
    }
    Ok((name, value))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    Http10,
    Http11,
}

fn request_line(line: &[u8]) -> Result<Version, Malformed> {
    let mut parts = line.split(|&byte| byte == b' ');
    let (Some(method), Some(target), Some(version), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed::REQUEST_LINE);
    };
    if method.is_empty() || method.len() > MAX_METHOD || !method.iter().all(|&byte| is_token(byte)) {
        return Err(malformed::METHOD);
    }
    // `#` would be dropped with what follows it, and the URL that is logged here would not be the one that was called.
    let plain = target.iter().all(|&byte| byte.is_ascii_graphic() && byte != b'#');
    if !plain || http::Uri::try_from(target).is_err() {
        return Err(malformed::TARGET);
    }
    match version {
        b"HTTP/1.1" => Ok(Version::Http11),
        b"HTTP/1.0" => Ok(Version::Http10),
        _ if version.starts_with(b"HTTP/") => Err(malformed::VERSION),
        _ => Err(malformed::REQUEST_LINE),
    }
}

/// RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[derive(Default)]
struct Seen {
    hosts: usize,
    length: Option<u64>,
    coding: bool,
}

impl Seen {
    fn note(&mut self, name: &[u8], value: &[u8]) -> Result<(), Malformed> {
        if name.eq_ignore_ascii_case(b"host") {
            self.hosts += 1;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let length = digits(value).ok_or(malformed::LENGTH)?;
            if self.length.replace(length).is_some() {
                return Err(malformed::LENGTH_TWICE);
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if std::mem::replace(&mut self.coding, true) {
                return Err(malformed::CODING_TWICE);
            }
            if !value.eq_ignore_ascii_case(b"chunked") {
                return Err(malformed::CODING);
            }
        }
        Ok(())
    }

    /// RFC 9112, section 6.3, with everything refused that it lets a server repair; section 3.2 for Host.
    fn framing(&self, version: Version) -> Result<Framing, Malformed> {
        match self.hosts {
            0 => return Err(malformed::HOST_MISSING),
            1 => {}
            _ => return Err(malformed::HOST_TWICE),
        }
        match (self.length, self.coding) {
            (Some(_), true) => Err(malformed::LENGTH_AND_CHUNKED),
            (None, true) if version == Version::Http10 => Err(malformed::CODING_IN_1_0),
            (None, true) => Ok(Framing::Chunked),
            (Some(length), false) => Ok(Framing::Length(length)),
            (None, false) => Ok(Framing::None),
        }
    }
}

/// A number in digits alone, as hyper counts bytes: below its two reserved values.
fn digits(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 18 || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}
