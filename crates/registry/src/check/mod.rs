//! What no file can tell alone: names that others know, and things that belong to one app only.

mod collisions;
mod references;

use std::collections::HashMap;
use std::sync::Arc;

use crate::mistake::Mistake;
use crate::names::EnvironmentName;
use crate::parse::{DraftSettings, Parsed, Path};
use crate::place::Place;

/// Every mistake across files. The apps are in the order of their files, so that of two that claim the same thing the
/// later one is told.
pub(crate) fn across_files(settings: &DraftSettings, apps: &[&Parsed]) -> Vec<Mistake> {
    let mut index = Index { settings, apps, by_name: HashMap::with_capacity(apps.len()), mistakes: Vec::new() };
    index.collect_names();
    references::check(&mut index);
    collisions::check(&mut index);
    index.mistakes
}

struct Index<'a> {
    settings: &'a DraftSettings,
    apps: &'a [&'a Parsed],
    /// The first app of each name.
    by_name: HashMap<&'a str, &'a Parsed>,
    mistakes: Vec<Mistake>,
}

impl<'a> Index<'a> {
    fn collect_names(&mut self) {
        for app in self.apps {
            let Some(name) = app.name() else { continue };
            if let Some(first) = self.by_name.get(name.as_str()) {
                let problem = format!("\"{name}\" is declared in {} already", first.file());
                let remedy = "keep one of the two files, or rename one app";
                self.add(app, name.place, &Path::FILE.field("name"), problem, remedy);
                continue;
            }
            self.by_name.insert(name.as_str(), app);
        }
    }

    /// Whether the settings know an environment, or might: nobody knows while they cannot be read.
    fn knows(&self, environment: &EnvironmentName) -> bool {
        self.settings.environments.as_ref().is_none_or(|all| all.contains(environment))
    }

    #[cold]
    fn add(&mut self, app: &Parsed, place: Place, path: &Path<'_>, problem: String, remedy: &str) {
        self.mistakes.push(Mistake {
            file: Arc::clone(app.file()),
            place: Some(place),
            field: path.to_string(),
            problem,
            remedy: remedy.to_owned(),
        });
    }
}

/// `reports.toml:5:14`, to point from one file to another.
fn at(file: &str, place: Place) -> String {
    format!("{file}:{place}")
}
