//! The decision about one connection.

use crate::config::{Config, Mistakes};
use crate::name::{NotAName, SniName};
use crate::refusal::Refusal;
use crate::table::Table;

/// What the host must do with a connection. There is no third way: in particular, none that leaves it to a default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Send it to this cluster of Envoy's, a text of the configuration.
    Route(&'a str),
    /// Close it.
    Close(Refusal),
}

/// A table in use.
#[derive(Clone, Debug)]
pub struct Router {
    table: Table,
}

impl Router {
    /// Reads the plugin's `configuration`: JSON text.
    ///
    /// # Errors
    /// Every mistake at once, each with its field and the remedy.
    pub fn parse(configuration: &[u8]) -> Result<Self, Mistakes> {
        Config::parse(configuration).map(Self::from)
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Where a connection goes whose client asked for `name`; empty when it asked for none.
    #[must_use]
    pub fn route(&self, name: &[u8]) -> Step<'_> {
        match self.table.cluster(name) {
            Some(cluster) => Step::Route(cluster),
            None => Step::Close(why_not(name)),
        }
    }
}

impl From<Config> for Router {
    fn from(config: Config) -> Self {
        Self { table: config.table }
    }
}

#[cold]
fn why_not(name: &[u8]) -> Refusal {
    match SniName::parse(name) {
        Ok(_) => Refusal::UnknownName,
        Err(NotAName::Empty) => Refusal::NoName,
        Err(NotAName::IpLiteral) => Refusal::IpLiteral,
        Err(_) => Refusal::InvalidName,
    }
}
