//! The canonical request: one text in which client and server must agree to the byte.

use alloc::vec::Vec;

use crate::hash::PayloadHash;
use crate::target::CanonicalTarget;

/// A header that the signature covers.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    /// In lower case; `host` stands for HTTP/2's `:authority`.
    pub name: &'a str,
    /// As it stands on the wire. Any byte is allowed.
    pub value: &'a [u8],
}

/// What is to be signed. Only the headers that the signature shall cover belong here.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// As it stands on the wire, such as `GET`.
    pub method: &'a [u8],
    /// Already canonical, and sent in that form.
    pub target: &'a CanonicalTarget,
    /// In any order. A name that comes twice is signed as its values in order of appearance, joined by commas.
    pub headers: &'a [Header<'a>],
    /// What is said of the payload.
    pub payload: PayloadHash,
}

/// Writes the canonical request. `headers` is sorted by name here, and stably, so that values keep their order.
///
/// S3 API Reference, "Signature Calculations for the Authorization Header", task 1; the same for all services.
pub(crate) fn write_canonical_request(request: &Request<'_>, headers: &mut [Header<'_>], out: &mut Vec<u8>) {
    sort_by_name(headers);
    out.extend_from_slice(request.method);
    out.push(b'\n');
    request.target.write_canonical_uri(out);
    out.push(b'\n');
    out.extend_from_slice(request.target.query());
    out.push(b'\n');
    let mut previous = None;
    for header in headers.iter() {
        if previous == Some(header.name) {
            out.push(b',');
        } else {
            if previous.is_some() {
                out.push(b'\n');
            }
            out.extend_from_slice(header.name.as_bytes());
            out.push(b':');
            previous = Some(header.name);
        }
        write_trimmed(header.value, out);
    }
    if previous.is_some() {
        out.push(b'\n');
    }
    out.push(b'\n');
    write_signed_headers(headers, out);
    out.push(b'\n');
    request.payload.write(out);
}

/// Stable, and in place. A request has some ten headers to sign, nearly in order; the library's stable sort is made for
/// thousands, and would be the largest function of a filter.
fn sort_by_name(headers: &mut [Header<'_>]) {
    for end in 1..headers.len() {
        let Some((sorted, [next, ..])) = headers.split_at_mut_checked(end) else { return };
        let place = sorted.partition_point(|header| header.name <= next.name);
        if let Some(moved) = headers.get_mut(place..=end) {
            moved.rotate_right(1);
        }
    }
}

/// The names of sorted headers, each once, separated by semicolons.
pub(crate) fn write_signed_headers(sorted: &[Header<'_>], out: &mut Vec<u8>) {
    let mut previous = None;
    for header in sorted {
        if previous == Some(header.name) {
            continue;
        }
        if previous.is_some() {
            out.push(b';');
        }
        out.extend_from_slice(header.name.as_bytes());
        previous = Some(header.name);
    }
}

/// Without spaces around it, and with each run of spaces inside as one space. The `Trim` of AWS's documentation;
/// tabs at the ends go too, since HTTP takes them for optional white space (RFC 9110, section 5.6.3).
fn write_trimmed(value: &[u8], out: &mut Vec<u8>) {
    let mut rest = value.trim_ascii();
    // Word by word: the session token, which is most of what is signed, is one.
    while let Some(at) = memchr::memchr(b' ', rest) {
        let (word, tail) = rest.split_at(at + 1);
        out.extend_from_slice(word);
        let spaces = tail.iter().take_while(|&&byte| byte == b' ').count();
        rest = tail.get(spaces..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::PathRules;
    use alloc::string::String;

    fn canonical(headers: &[(&str, &str)]) -> String {
        let target = CanonicalTarget::parse(b"/", PathRules::S3).unwrap();
        let mut headers: Vec<Header<'_>> =
            headers.iter().map(|(name, value)| Header { name, value: value.as_bytes() }).collect();
        let request = Request { method: b"GET", target: &target, headers: &[], payload: PayloadHash::Unsigned };
        let mut out = Vec::new();
        write_canonical_request(&request, &mut headers, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn headers_are_sorted_and_listed() {
        assert_eq!(
            canonical(&[("x-amz-date", "d"), ("host", "h")]),
            "GET\n/\n\nhost:h\nx-amz-date:d\n\nhost;x-amz-date\nUNSIGNED-PAYLOAD"
        );
    }

    #[test]
    fn values_of_one_name_are_joined_in_order_of_appearance() {
        assert_eq!(
            canonical(&[("b", "2"), ("a", "y"), ("b", "1"), ("a", "x"), ("b", "")]),
            "GET\n/\n\na:y,x\nb:2,1,\n\na;b\nUNSIGNED-PAYLOAD"
        );
    }

    #[test]
    fn empty_values_stay_and_runs_of_spaces_become_one() {
        assert_eq!(
            canonical(&[("a", ""), ("b", "  x   \"y   z\"\t"), ("c", "   ")]),
            "GET\n/\n\na:\nb:x \"y z\"\nc:\n\na;b;c\nUNSIGNED-PAYLOAD"
        );
    }

    #[test]
    fn a_request_without_headers_still_has_its_lines() {
        assert_eq!(canonical(&[]), "GET\n/\n\n\n\nUNSIGNED-PAYLOAD");
    }
}
