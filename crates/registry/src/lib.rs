//! Declarations of apps: who exists, with which accounts and roles, who may call whom, and who gets an identity.
//!
//! One TOML file for each app and one for the settings become a [`Snapshot`] that cannot be wrong, or every mistake at
//! once: each with its file, line and column, and with the remedy. From a snapshot follow the issuer's list, the
//! router's table and the configuration of every ingress.
//!
//! ```
//! use registry::{Document, Snapshot};
//!
//! let settings = Document {
//!     file: "meshbridge.toml".into(),
//!     text: r#"
//!         organisation = "Example"
//!         regions = ["us-west-2", "us-east-1"]
//!         mesh_suffix = "mesh.example.com"
//!         [environments.production]
//!         trust_domain = "mesh.example.com"
//!     "#
//!     .to_owned(),
//! };
//! let reports = Document {
//!     file: "reports.toml".into(),
//!     text: r#"
//!         name = "reports"
//!         owners = ["team-reports@example.com"]
//!         [production]
//!         account_id = "123456789012"
//!         mesh_identity = true
//!         lambda_roles = ["arn:aws:iam::123456789012:role/reports-lambda"]
//!     "#
//!     .to_owned(),
//! };
//! let snapshot = Snapshot::of_documents(&settings, [&reports])?;
//! let reports = snapshot.workload("production", "reports").unwrap();
//! assert_eq!(reports.spiffe_id().as_str(), "spiffe://mesh.example.com/production/reports");
//! assert_eq!(reports.sni().as_str(), "production.reports.mesh.example.com");
//! # Ok::<(), registry::Mistakes>(())
//! ```

mod app;
mod check;
mod mistake;
pub mod names;
pub mod naming;
mod nearest;
mod parse;
mod place;
mod settings;
mod snapshot;
mod source;

pub use app::{App, Deployment, Ingress, MeshIdentity, Overrides};
pub use mistake::{Mistake, Mistakes};
pub use place::{Located, Place};
pub use settings::{Environment, Roots, Settings, TrustImport};
pub use snapshot::{Document, Snapshot, Workload};
pub use source::{Directory, Memory, Reading, Registry};

/// The file of the settings, at the top of a registry's directory.
pub const SETTINGS_FILE: &str = "meshbridge.toml";
const SETTINGS_STEM: &str = "meshbridge";

/// JSON Schema (draft 2020-12) of an app's file, for editors.
pub const APP_SCHEMA: &str = include_str!("../schema/app.schema.json");
/// JSON Schema (draft 2020-12) of the settings' file, for editors.
pub const SETTINGS_SCHEMA: &str = include_str!("../schema/settings.schema.json");

/// Compiles the example of README.md.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
