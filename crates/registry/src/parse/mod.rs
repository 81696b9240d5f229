//! Text in, declarations and every mistake of the file out.

mod app;
mod deployment;
mod ingress;
mod reader;
mod settings;
mod syntax;

use std::sync::Arc;

pub(crate) use app::{APP_FIELDS, read_app};
pub(crate) use reader::Path;
pub(crate) use settings::{DraftSettings, read_settings};

use crate::app::{App, Deployment, Ingress};
use crate::mistake::Mistake;
use crate::names::{AppName, HostName, RoleArn};
use crate::place::Located;

/// What one app's file came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// Nothing wrong with the file in itself.
    Sound(Arc<App>),
    /// Something is. What could be read is kept, so that mistakes across files are found in the same run.
    Broken(Box<Draft>),
}

/// A file with mistakes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) file: Arc<str>,
    pub(crate) name: Option<Located<AppName>>,
    pub(crate) deployments: Vec<Deployment>,
    /// Ingresses that lack something, and the index of their deployment.
    pub(crate) ingresses: Vec<(usize, DraftIngress)>,
    /// Whether the file was read to its end. If not, nobody knows what else it declares.
    pub(crate) read: bool,
    pub(crate) mistakes: Vec<Mistake>,
}

/// What could be read of an ingress.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DraftIngress {
    /// Its place in the list.
    pub(crate) index: usize,
    pub(crate) backend_hostname: Option<Located<HostName>>,
    pub(crate) role: Option<Located<RoleArn>>,
    pub(crate) callers: Vec<Located<AppName>>,
}

impl Parsed {
    /// A file that could not be read at all.
    pub(crate) fn unread(file: &Arc<str>, mistakes: Vec<Mistake>) -> Self {
        Self::Broken(Box::new(Draft {
            file: Arc::clone(file),
            // Others that name the app shall not be told that it is unknown.
            name: app::named_by_file(file),
            deployments: Vec::new(),
            ingresses: Vec::new(),
            read: false,
            mistakes,
        }))
    }

    pub(crate) fn file(&self) -> &Arc<str> {
        match self {
            Self::Sound(app) => &app.file,
            Self::Broken(draft) => &draft.file,
        }
    }

    pub(crate) fn name(&self) -> Option<&Located<AppName>> {
        match self {
            Self::Sound(app) => Some(&app.name),
            Self::Broken(draft) => draft.name.as_ref(),
        }
    }

    pub(crate) fn deployments(&self) -> &[Deployment] {
        match self {
            Self::Sound(app) => &app.deployments,
            Self::Broken(draft) => &draft.deployments,
        }
    }

    pub(crate) fn mistakes(&self) -> &[Mistake] {
        match self {
            Self::Sound(_) => &[],
            Self::Broken(draft) => &draft.mistakes,
        }
    }

    /// Whether all that the file declares is known.
    pub(crate) fn is_read(&self) -> bool {
        match self {
            Self::Sound(_) => true,
            Self::Broken(draft) => draft.read,
        }
    }

    /// The ingresses of a deployment, those that lack something included.
    pub(crate) fn ingresses(&self, deployment: usize) -> Vec<IngressView<'_>> {
        let drafts = match self {
            Self::Sound(_) => [].as_slice(),
            Self::Broken(draft) => draft.ingresses.as_slice(),
        };
        let whole = self.deployments().get(deployment).map_or([].as_slice(), |deployment| &deployment.ingress);
        views(whole, drafts.iter().filter(|(of, _)| *of == deployment).map(|(_, draft)| draft))
    }
}

/// What there is of an ingress, whole or not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IngressView<'a> {
    /// Its place in the list.
    pub(crate) index: usize,
    pub(crate) backend_hostname: Option<&'a Located<HostName>>,
    pub(crate) role: Option<&'a Located<RoleArn>>,
    pub(crate) callers: &'a [Located<AppName>],
}

/// In the order of the file: the whole ones stand in the places that the drafts leave.
fn views<'a>(whole: &'a [Ingress], drafts: impl Iterator<Item = &'a DraftIngress>) -> Vec<IngressView<'a>> {
    let mut views: Vec<IngressView<'a>> = drafts
        .map(|draft| IngressView {
            index: draft.index,
            backend_hostname: draft.backend_hostname.as_ref(),
            role: draft.role.as_ref(),
            callers: &draft.callers,
        })
        .collect();
    let mut index = 0;
    for ingress in whole {
        while views.iter().any(|view| view.index == index) {
            index += 1;
        }
        let (backend_hostname, role) = (Some(&ingress.backend_hostname), Some(&ingress.role));
        views.push(IngressView { index, backend_hostname, role, callers: &ingress.callers });
    }
    views.sort_unstable_by_key(|view| view.index);
    views
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn assert_fields(schema: &str, pointer: &str, fields: &[&str]) {
        let schema: Value = serde_json::from_str(schema).unwrap();
        let described = schema.pointer(pointer).and_then(Value::as_object).unwrap();
        let mut fields = fields.to_vec();
        fields.sort_unstable();
        let mut described: Vec<&str> = described.keys().map(String::as_str).collect();
        described.sort_unstable();
        assert_eq!(described, fields, "{pointer}");
    }

    #[test]
    fn the_schemas_describe_every_field_and_no_other() {
        let (app, common) = (crate::APP_SCHEMA, crate::SETTINGS_SCHEMA);
        assert_fields(app, "/properties", APP_FIELDS);
        assert_fields(app, "/$defs/deployment/properties", deployment::DEPLOYMENT_FIELDS);
        assert_fields(app, "/$defs/ingress/properties", ingress::INGRESS_FIELDS);
        assert_fields(common, "/properties", settings::SETTINGS_FIELDS);
        assert_fields(common, "/properties/environments/additionalProperties/properties", settings::ENVIRONMENT_FIELDS);
        assert_fields(common, "/properties/trust/properties", settings::TRUST_FIELDS);
        assert_fields(common, "/$defs/import/properties", settings::IMPORT_FIELDS);
    }
}
