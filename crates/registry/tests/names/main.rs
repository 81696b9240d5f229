//! Names: no two apps share one, whatever they are called; and what the registry accepts, every reader of it accepts.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "in tests a panic is the verdict")]

mod distinct;
mod readers;
mod workloads;

use registry::{Document, Mistakes, Snapshot};

const SETTINGS: &str = r#"
organisation = "Example, Inc"
regions = ["us-west-2", "us-east-1"]
mesh_suffix = "mesh.example.com"

[environments.production]
trust_domain = "mesh.example.com"

[environments.staging]
trust_domain = "mesh.example.com"
mesh_suffix = "x.mesh.example.com"

[environments.eu-staging]
trust_domain = "eu.example.com"

[[trust.import]]
trust_domain = "legacy.example.com"
spiffe_bundle = "roots/legacy.json"
"#;

fn document(file: &str, text: &str) -> Document {
    Document { file: file.into(), text: text.to_owned() }
}

/// The registry of apps, each a name and the rest of its file.
fn registry(apps: &[(&str, &str)]) -> Result<Snapshot, Mistakes> {
    let apps: Vec<Document> = apps
        .iter()
        .map(|(name, rest)| {
            let text = format!("name = \"{name}\"\nowners = [\"team@example.com\"]\n{rest}");
            document(&format!("{name}.toml"), &text)
        })
        .collect();
    Snapshot::of_documents(&document("meshbridge.toml", SETTINGS), &apps)
}
