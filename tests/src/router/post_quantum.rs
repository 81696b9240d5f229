//! A key exchange that makes rustls send hellos as large as post-quantum ones are.

use rustls::crypto::{ActiveKeyExchange, SharedSecret, SupportedKxGroup};
use rustls::ffdhe_groups::FfdheGroup;
use rustls::{Error, NamedGroup, PeerMisbehaved, ProtocolVersion};

/// Claims X25519MLKEM768 (draft-ietf-tls-ecdhe-mlkem) with a share of its length, 1,216 bytes, and cannot finish it: a
/// server that knows the group would. One that does not asks for another group, and the client's second hello has that.
#[derive(Debug)]
pub struct PostQuantumSized;

const SHARE_BYTES: usize = 1216;

impl SupportedKxGroup for PostQuantumSized {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        Ok(Box::new(Share([0x5a; SHARE_BYTES])))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519MLKEM768
    }

    fn usable_for_version(&self, version: ProtocolVersion) -> bool {
        version == ProtocolVersion::TLSv1_3
    }
}

struct Share([u8; SHARE_BYTES]);

impl ActiveKeyExchange for Share {
    fn complete(self: Box<Self>, _: &[u8]) -> Result<SharedSecret, Error> {
        Err(PeerMisbehaved::InvalidKeyShare.into())
    }

    fn pub_key(&self) -> &[u8] {
        &self.0
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X25519MLKEM768
    }
}
