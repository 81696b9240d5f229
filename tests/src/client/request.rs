//! A request as bytes: nothing is validated, so tests can send what no library would.

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    method: Vec<u8>,
    target: Vec<u8>,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    /// No body and no length.
    None,
    /// A body with its content length.
    Sized(Vec<u8>),
    /// Chunks, with `transfer-encoding: chunked`.
    Chunked(Vec<Vec<u8>>),
}

impl Request {
    /// A request; the target is the path with the query, as it shall stand on the wire.
    #[must_use]
    pub fn new(method: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        Self {
            method: method.as_ref().to_vec(),
            target: target.as_ref().to_vec(),
            headers: Vec::new(),
            body: Body::None,
        }
    }

    /// Adds `host`.
    #[must_use]
    pub fn host(self, host: &str) -> Self {
        self.header("host", host)
    }

    /// Adds a header, after those that are there.
    #[must_use]
    pub fn header(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.as_ref().to_vec(), value.as_ref().to_vec()));
        self
    }

    /// Gives it a body; its content length is added unless a header already states one.
    #[must_use]
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = Body::Sized(body.as_ref().to_vec());
        self
    }

    /// Gives it a body in chunks.
    #[must_use]
    pub fn chunked<I: IntoIterator<Item: AsRef<[u8]>>>(mut self, chunks: I) -> Self {
        self.body = Body::Chunked(chunks.into_iter().map(|chunk| chunk.as_ref().to_vec()).collect());
        self
    }

    /// What stands on the wire.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = [self.method.as_slice(), b" ", &self.target, b" HTTP/1.1\r\n"].concat();
        for (name, value) in &self.headers {
            bytes.extend([name.as_slice(), b": ", value, b"\r\n"].concat());
        }
        match &self.body {
            Body::None => bytes.extend(b"\r\n"),
            Body::Sized(body) => {
                if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(b"content-length")) {
                    bytes.extend(format!("content-length: {}\r\n", body.len()).bytes());
                }
                bytes.extend(b"\r\n");
                bytes.extend(body);
            }
            Body::Chunked(chunks) => {
                bytes.extend(b"transfer-encoding: chunked\r\n\r\n");
                for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()) {
                    bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
                    bytes.extend(chunk);
                    bytes.extend(b"\r\n");
                }
                bytes.extend(b"0\r\n\r\n");
            }
        }
        bytes
    }

    pub(super) fn is_head(&self) -> bool {
        self.method == b"HEAD"
    }
}
