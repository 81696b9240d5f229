//! The root context: one for each table of each worker.

use std::rc::Rc;

use proxy_wasm::traits::{Context, RootContext, StreamContext};
use proxy_wasm::types::ContextType;
use sni_core::Router;

use crate::connection::Connection;
use crate::host;
use crate::worker::Worker;

#[derive(Default)]
pub(crate) struct Root {
    /// None until a configuration was taken: every connection is closed then.
    worker: Option<Rc<Worker>>,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        match Router::parse(&host::plugin_configuration(size)) {
            Ok(router) => {
                self.worker = Some(Rc::new(Worker::new(&host::plugin_name(), router)));
                true
            }
            // Envoy keeps the table that it has; without one it closes every connection.
            Err(mistakes) => {
                log::error!("{mistakes}");
                false
            }
        }
    }

    fn create_stream_context(&self, _: u32) -> Option<Box<dyn StreamContext>> {
        Some(Box::new(Connection::new(self.worker.clone())))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::StreamContext)
    }
}
