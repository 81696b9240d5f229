//! An answer, and how it is read from the wire.

use super::Error;
use super::stream::Stream;

/// One answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers in the order of their arrival, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, chunking undone.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(one, _)| one.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as text; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// The text of the first XML element of this name, the five entities resolved.
    #[must_use]
    pub fn xml(&self, element: &str) -> Option<String> {
        let text = self.text();
        let (_, rest) = text.split_once(&format!("<{element}>"))?;
        let (content, _) = rest.split_once(&format!("</{element}>"))?;
        let plain = content.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
        Some(plain.replace("&amp;", "&"))
    }
}

pub(super) fn read(stream: &mut Stream, with_body: bool) -> Result<Response, Error> {
    loop {
        let (status, headers) = head(stream)?;
        // Interim answers (100 Continue and the like) come before the answer.
        if (100..200).contains(&status) && status != 101 {
            continue;
        }
        let mut response = Response { status, headers, body: Vec::new() };
        if with_body && !matches!(status, 101 | 204 | 304) {
            body(stream, &mut response)?;
        }
        return Ok(response);
    }
}

fn head(stream: &mut Stream) -> Result<(u16, Vec<(String, String)>), Error> {
    let bad = |line: &str| Error::Malformed(line.to_owned());
    let line = stream.line()?;
    let mut words = line.splitn(3, ' ');
    let version = words.next().unwrap_or_default();
    let status = words.next().and_then(|status| status.parse().ok());
    let (true, Some(status)) = (version.starts_with("HTTP/1."), status) else {
        return Err(bad(&line));
    };
    let mut headers = Vec::new();
    loop {
        let line = stream.line()?;
        if line.is_empty() {
            return Ok((status, headers));
        }
        let (name, value) = line.split_once(':').ok_or_else(|| bad(&line))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

fn body(stream: &mut Stream, response: &mut Response) -> Result<(), Error> {
    if response.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        loop {
            let line = stream.line()?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(|_| Error::Malformed(line.clone()))?;
            if size == 0 {
                // Trailers, up to the empty line.
                while !stream.line()?.is_empty() {}
                return Ok(());
            }
            stream.exactly(size, &mut response.body)?;
            stream.line()?;
        }
    }
    match response.header("content-length").map(str::to_owned) {
        Some(length) => {
            let length = length.parse().map_err(|_| Error::Malformed(format!("content-length: {length}")))?;
            stream.exactly(length, &mut response.body)
        }
        None => stream.rest(&mut response.body),
    }
}
