//! The folder of keys of this process, and what of it is in use.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use skyscan_transport::{Result, TransportError};
use skyscan_transport_keys::{
    Admission, HubKeys, KeyError, LinkKeys, PublicKey, SecretKey, has_keys, leave_no_core,
};

use crate::NAME;

/// The keys that a process was given. Read when a hub or link is opened first.
#[derive(Debug)]
pub(crate) struct Keys {
    dir: PathBuf,
    hub: Mutex<Option<Arc<HubSide>>>,
    link: Mutex<Option<Arc<LinkKeys>>>,
}

/// What the hubs of a process have in common.
#[derive(Debug)]
pub(crate) struct HubSide {
    pub(super) secret: SecretKey,
    /// Its other half: the place may go to itself.
    pub(super) own: PublicKey,
    pub(super) admission: Admission,
    is_watched: AtomicBool,
}

impl Keys {
    pub(crate) fn of(dir: PathBuf) -> Self {
        Self {
            dir,
            hub: Mutex::default(),
            link: Mutex::default(),
        }
    }

    /// The keys for hubs.
    ///
    /// # Errors
    /// If the folder has none, or others can read them.
    pub(crate) fn open_hub(&self) -> Result<Arc<HubSide>> {
        let mut open = self.hub.lock();
        if let Some(side) = open.as_ref() {
            return Ok(Arc::clone(side));
        }
        leave_no_core();
        let side = self.hub_side().map_err(failed)?;
        Ok(Arc::clone(open.insert(Arc::new(side))))
    }

    fn hub_side(&self) -> Result<HubSide, KeyError> {
        let keys = HubKeys::read(&self.dir)?;
        let own = keys.to_itself()?.scanner;
        Ok(HubSide {
            admission: Admission::of(&keys.dir),
            secret: keys.secret,
            own,
            is_watched: AtomicBool::new(false),
        })
    }

    /// The keys for links: a worker's, or where the place itself is, its own.
    ///
    /// # Errors
    /// If the folder has none, or others can read them.
    pub(crate) fn open_link(&self) -> Result<()> {
        let mut open = self.link.lock();
        if open.is_none() {
            leave_no_core();
            let keys = match has_keys(&self.dir) {
                true => HubKeys::read(&self.dir).and_then(|keys| keys.to_itself()),
                false => LinkKeys::read(&self.dir),
            };
            *open = Some(Arc::new(keys.map_err(failed)?));
        }
        Ok(())
    }

    /// The keys for links, if one was opened.
    pub(crate) fn link(&self) -> Option<Arc<LinkKeys>> {
        self.link.lock().clone()
    }
}

impl HubSide {
    /// Whether somebody watches it already; from here on somebody does.
    pub(crate) fn is_watched(&self) -> bool {
        self.is_watched.swap(true, Ordering::Relaxed)
    }

    /// Looks at the lists of who is let in for as long as it is polled, and tells when they have changed.
    pub(crate) async fn watch(self: Arc<Self>, tell: impl Fn()) {
        let mut changes = self.admission.changes();
        let told = async {
            while changes.changed().await.is_ok() {
                tell();
            }
        };
        tokio::select! {
            () = self.admission.keep_looking() => {}
            () = told => {}
        }
    }
}

fn failed(source: KeyError) -> TransportError {
    TransportError::Backend {
        transport: NAME,
        action: "read the keys".into(),
        transient: false,
        source: Box::new(source),
    }
}
