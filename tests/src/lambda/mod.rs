//! A fake Lambda execution environment: real processes, the Runtime and Extensions APIs to the letter, freeze and thaw.
//!
//! Sources: "Using the Lambda runtime API for custom runtimes", "Using the Lambda Extensions API to create extensions" and
//! "Lambda SnapStart" of the developer guide; where those are silent, AWS's own runtime interface emulator. It is strict:
//! what the documentation does not allow is refused, and noted in [`Environment::calls`].
//!
//! ```no_run
//! # use e2e::lambda::{Environment, Options, Site, ShutdownReason};
//! # use std::{path::Path, time::Duration};
//! let site = Site::new()?;
//! site.install("mtls-proxy", Path::new("target/debug/mtls-proxy"))?;
//! let mut environment = Environment::start(site, Options::default()).unwrap_or_else(|failure| panic!("{failure}"));
//! assert_eq!(environment.invoke("hello").payload(), b"hello");
//! environment.freeze();
//! environment.thaw_after(Duration::from_secs(13 * 3600));
//! environment.shutdown(ShutdownReason::Spindown);
//! # Ok::<(), std::io::Error>(())
//! ```

mod api;
mod clock;
mod credentials;
mod environment;
mod event;
mod invocation;
mod options;
mod processes;
mod refusal;
mod report;
mod runtime;
mod shared;
mod site;
mod state;

pub use self::clock::MovedClock;
pub use self::credentials::RoleCredentials;
pub use self::environment::Environment;
pub use self::event::{ShutdownReason, Subscription};
pub use self::invocation::{Answer, Outcome};
pub use self::options::{
    Function, INIT_LIMIT, Initialization, Options, RESTORE_LIMIT, RUNTIME_SHUTDOWN, Runtime, SHUTDOWN,
};
pub use self::processes::End;
pub use self::report::{InitCause, InitFailure, ShutdownReport};
pub use self::runtime::{FunctionEvent, FunctionFailure, Handler};
pub use self::site::{Site, write_program};
pub use self::state::{Call, ExtensionState, Kind, Phase, RuntimeState};
