//! Many apps: the example `load` measures a hundred thousand; here a few thousand show that nothing is lost.

use registry::{Directory, Reading, Registry};

use super::{an_hour_later, write};

const APPS: usize = 3000;

fn text(number: usize) -> String {
    let upstream = (number + 1) % APPS;
    format!(
        "name = \"app-{number}\"\nowners = [\"team@example.com\"]\n[production]\naccount_id = \"{number:012}\"\n\
         mesh_identity = true\nlambda_roles = [\"arn:aws:iam::{number:012}:role/lambda\"]\nupstreams = [\"app-{upstream}\"]\n"
    )
}

#[test]
fn thousands_of_apps_are_read_once_and_then_one_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "meshbridge.toml", super::SETTINGS);
    for number in 0..APPS {
        write(directory.path(), &format!("{}/app-{number}.toml", number % 10), text(number));
    }
    let mut registry = Directory::with_clock(directory.path(), an_hour_later);
    let snapshot = registry.snapshot().unwrap();
    assert_eq!(registry.reading(), Reading { files: APPS + 1, read: APPS + 1 });
    assert_eq!((snapshot.apps().len(), snapshot.identities().count()), (APPS, APPS));
    for number in 0..APPS {
        let workload = snapshot.workload("production", &format!("app-{number}")).unwrap();
        assert_eq!(workload.key_secret(), format!("meshbridge/production/app-{number}/key"));
        assert_eq!(workload.upstreams().count(), 1);
    }

    write(directory.path(), "7/app-17.toml", text(17).replace("team@", "somebody-else@"));
    let after = registry.snapshot().unwrap();
    assert_eq!(registry.reading(), Reading { files: APPS + 1, read: 1 });
    let changed = after.apps().zip(snapshot.apps()).filter(|(new, old)| new != old).count();
    assert_eq!(changed, 1);
}
