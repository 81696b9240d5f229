//! One request: judged in a fixed order, held where it must be, and signed or refused.

mod caller;
mod copy_source;
mod exchange;
mod gate;
mod headers;
mod payload;

pub use exchange::{Changes, Edit, Exchange, Step};
pub(crate) use exchange::{Progress, sign};
pub(crate) use gate::Gate;

/// A request as the host saw it when its headers were complete.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a, N, V> {
    /// All of them, pseudo-headers included, names in lower case, in order of appearance.
    pub headers: &'a [(N, V)],
    /// `connection.uri_san_peer_certificate`: the first URI of the certificate that the peer presented.
    pub peer_uri: Option<&'a [u8]>,
    /// Whether a body follows.
    pub body: Body,
    /// Where the filter stands.
    pub placement: Placement,
    /// The caller that an earlier attempt of this very request verified, as the host kept it where no caller can
    /// write. A retry arrives with the headers as the earlier attempt left them.
    pub verified_before: Option<&'a [u8]>,
}

/// Where the filter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// In the backend's cluster: nothing comes after it.
    Cluster,
    /// In the listener: once its headers were changed, Envoy picks the route of the request again, by the path that is
    /// there then, and does not tell.
    Listener,
}

/// Whether a body follows the headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// The stream ended with the headers.
    None,
    /// Data or trailers are still to come.
    Follows,
}
