//! A source in memory, with replicas that fail in every way.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mtls_client::{Document, PrivateKey, Source, SourceError, SourceFault};
use tokio::sync::Notify;

use super::Svid;

/// Cheap to clone; clones are one source.
#[derive(Clone)]
pub(crate) struct MemorySource(Arc<Shared>);

struct Shared {
    replicas: Mutex<Vec<Replica>>,
    documents: AtomicUsize,
    keys: AtomicUsize,
    restored: AtomicUsize,
    finished: AtomicUsize,
    /// While it is closed, nothing is answered.
    gate: Mutex<bool>,
    opened: Notify,
}

#[derive(Default)]
struct Replica {
    document: Option<Document>,
    keys: HashMap<String, String>,
    failure: Option<SourceError>,
    failures_left: Option<usize>,
    hangs: bool,
}

impl Replica {
    fn failure_now(&mut self) -> Option<SourceError> {
        match &mut self.failures_left {
            Some(0) => (self.failure, self.failures_left) = (None, None),
            Some(left) => *left -= 1,
            None => {}
        }
        self.failure.clone()
    }
}

impl MemorySource {
    pub(crate) fn new(replicas: usize) -> Self {
        Self(Arc::new(Shared {
            replicas: Mutex::new((0..replicas).map(|_| Replica::default()).collect()),
            documents: AtomicUsize::new(0),
            keys: AtomicUsize::new(0),
            restored: AtomicUsize::new(0),
            finished: AtomicUsize::new(0),
            gate: Mutex::new(true),
            opened: Notify::new(),
        }))
    }

    fn with<T>(&self, replica: usize, act: impl FnOnce(&mut Replica) -> T) -> T {
        act(&mut self.0.replicas.lock().unwrap()[replica])
    }

    /// Key first, then the document, as the issuer does.
    pub(crate) fn publish(&self, replica: usize, svid: &Svid) {
        self.publish_key(replica, svid);
        self.publish_document(replica, &svid.document);
    }

    pub(crate) fn publish_key(&self, replica: usize, svid: &Svid) {
        self.put_key(replica, &svid.document.key_version, &svid.key.serialize_pem());
    }

    pub(crate) fn put_key(&self, replica: usize, version: &str, pem: &str) {
        self.with(replica, |replica| replica.keys.insert(version.into(), pem.into()));
    }

    pub(crate) fn publish_document(&self, replica: usize, document: &Document) {
        self.with(replica, |replica| replica.document = Some(document.clone()));
    }

    pub(crate) fn fail(&self, replica: usize, fault: SourceFault) {
        let error = SourceError::new(fault, format!("replica {replica} fails: {fault:?}"));
        self.with(replica, |replica| replica.failure = Some(error));
    }

    /// Fails so often, then is well.
    pub(crate) fn fail_times(&self, replica: usize, fault: SourceFault, times: usize) {
        self.fail(replica, fault);
        self.with(replica, |replica| replica.failures_left = Some(times));
    }

    pub(crate) fn document_of(&self, replica: usize) -> Document {
        self.with(replica, |replica| replica.document.clone()).unwrap()
    }

    pub(crate) fn hang(&self, replica: usize) {
        self.with(replica, |replica| replica.hangs = true);
    }

    pub(crate) fn recover(&self, replica: usize) {
        self.with(replica, |replica| (replica.failure, replica.hangs) = (None, false));
    }

    /// From now on nothing is answered, until [`MemorySource::open`].
    pub(crate) fn close(&self) {
        *self.0.gate.lock().unwrap() = false;
    }

    pub(crate) fn open(&self) {
        *self.0.gate.lock().unwrap() = true;
        self.0.opened.notify_waiters();
    }

    /// How many documents were asked for.
    pub(crate) fn documents(&self) -> usize {
        self.0.documents.load(Ordering::SeqCst)
    }

    /// How many keys were asked for.
    pub(crate) fn keys(&self) -> usize {
        self.0.keys.load(Ordering::SeqCst)
    }

    pub(crate) fn restored_count(&self) -> usize {
        self.0.restored.load(Ordering::SeqCst)
    }

    pub(crate) fn finished_count(&self) -> usize {
        self.0.finished.load(Ordering::SeqCst)
    }

    async fn answer<T>(&self, at: usize, read: impl Fn(&Replica) -> Option<T>) -> Result<T, SourceError> {
        loop {
            let opened = self.0.opened.notified();
            if *self.0.gate.lock().unwrap() {
                break;
            }
            opened.await;
        }
        if self.with(at, |replica| replica.hangs) {
            tokio::time::sleep(Duration::from_secs(86_400)).await;
        }
        self.with(at, |replica| match &replica.failure_now() {
            Some(failure) => Err(failure.clone()),
            None => read(replica).ok_or_else(|| SourceError::new(SourceFault::Missing, "nothing is published")),
        })
    }
}

impl Source for MemorySource {
    fn replicas(&self) -> usize {
        self.0.replicas.lock().unwrap().len()
    }

    async fn document(&self, replica: usize) -> Result<Document, SourceError> {
        self.0.documents.fetch_add(1, Ordering::SeqCst);
        self.answer(replica, |replica| replica.document.clone()).await
    }

    async fn key(&self, replica: usize, version: &str) -> Result<PrivateKey, SourceError> {
        self.0.keys.fetch_add(1, Ordering::SeqCst);
        let pem = self.answer(replica, |replica| replica.keys.get(version).cloned()).await?;
        PrivateKey::from_pem(pem.as_bytes())
    }

    fn finished(&self) {
        self.0.finished.fetch_add(1, Ordering::SeqCst);
    }

    fn restored(&self) {
        self.0.restored.fetch_add(1, Ordering::SeqCst);
    }
}
