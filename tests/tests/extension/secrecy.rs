//! No secret in anything that is written or answered.

use e2e::egress::{EXTENSION, World};
use e2e::lambda::ShutdownReason;
use e2e::secrets::{Fault, HOME, Target};

use crate::support::HOUR;

#[test]
fn no_output_and_no_answer_holds_a_key_a_token_or_a_credential() {
    let world = World::new();
    let ledger = world.app("ledger");
    let next = world.identity(0, 200);
    let mut extension = world.plan().upstream(&ledger).start();
    let token = extension.token();
    let mut said = Vec::new();
    said.push(extension.get("ledger", "/").text());
    said.push(extension.get("payroll", "/").text());
    said.push(extension.status().to_string());
    for fault in [Fault::Denied, Fault::Garbled, Fault::Valueless, Fault::Truncated, Fault::Internal, Fault::HangUp] {
        world.secrets.fail(Target::all(), fault);
        extension.environment.freeze();
        extension.environment.thaw_after(HOUR * 25);
        said.push(extension.get("ledger", "/").text());
        said.push(extension.status().to_string());
        world.secrets.heal();
    }
    // A torn pair, whose key is read and refused.
    let torn = e2e::mesh::document(&next, &world.publish(HOME, &world.svid));
    world.secrets.store().put_document(HOME, "staging", "reports", &torn);
    extension.environment.skip(HOUR);
    said.push(extension.get("ledger", "/").text());
    said.push(extension.status().to_string());
    extension.environment.shutdown(ShutdownReason::Spindown);
    said.push(extension.environment.output(EXTENSION));
    assert!(said.iter().any(|text| text.contains("identity-expired")), "{said:?}");

    let line_of = |pem: &str| pem.lines().nth(1).unwrap().to_owned();
    let secrets = [
        ("the key", line_of(&world.svid.key_pem)),
        ("the next key", line_of(&next.key_pem)),
        ("a private key", "PRIVATE KEY".to_owned()),
        ("the token", token),
        ("the secret access key", world.session.secret_access_key.clone()),
        ("the session token", world.session.session_token[..40].to_owned()),
    ];
    for text in &said {
        for (what, secret) in &secrets {
            assert!(!text.contains(secret), "{what} is in {text}");
        }
    }
}
