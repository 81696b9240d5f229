//! The source that reads Secrets Manager, against a double in this process that checks each signature with AWS's signer.

mod answers;
mod calls;
mod credentials;
mod fake;
mod secrecy;
