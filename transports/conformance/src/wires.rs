//! The wires of a backend's processes, which the cases cut and mend.

mod tcp;

use std::{fmt, sync::Arc};

use anyhow::{Context, Result};
use parking_lot::Mutex;
use skyscan_transport::Transport;

pub use tcp::TcpWire;

/// The wires of the processes at one place, by process.
#[derive(Default)]
pub struct Wires(Mutex<Vec<(usize, Wire)>>);

struct Wire {
    cut: Act,
    mend: Act,
}

type Act = Arc<dyn Fn() + Send + Sync>;

impl Wires {
    /// Notes how the wire of a process is cut and mended; returns the process.
    pub fn lay<T: Transport>(
        &self,
        process: T,
        cut: impl Fn() + Send + Sync + 'static,
        mend: impl Fn() + Send + Sync + 'static,
    ) -> Arc<dyn Transport> {
        let process: Arc<dyn Transport> = Arc::new(process);
        let wire = Wire {
            cut: Arc::new(cut),
            mend: Arc::new(mend),
        };
        self.0.lock().push((address_of(&process), wire));
        process
    }

    /// Opens a process behind a wire to a port of this machine; `open` is told the port to dial.
    ///
    /// # Errors
    /// Whatever `open` or the wire fails with.
    pub fn lay_to<T: Transport>(
        &self,
        port: u16,
        open: impl FnOnce(u16) -> Result<T>,
    ) -> Result<Arc<dyn Transport>> {
        let wire = Arc::new(TcpWire::lay(port)?);
        let process = open(wire.port())?;
        let same = Arc::clone(&wire);
        Ok(self.lay(process, move || wire.cut(), move || same.mend()))
    }

    pub(crate) fn cut(&self, process: &Arc<dyn Transport>) -> Result<()> {
        let cut = self.find(process, |wire| &wire.cut)?;
        cut();
        Ok(())
    }

    pub(crate) fn mend(&self, process: &Arc<dyn Transport>) -> Result<()> {
        let mend = self.find(process, |wire| &wire.mend)?;
        mend();
        Ok(())
    }

    fn find(&self, process: &Arc<dyn Transport>, act: fn(&Wire) -> &Act) -> Result<Act> {
        let address = address_of(process);
        let wires = self.0.lock();
        // The last one: a process that has gone may have had the same address.
        let found = wires.iter().rfind(|(known, _)| *known == address);
        found
            .map(|(_, wire)| Arc::clone(act(wire)))
            .context("no process whose wire can be cut")
    }
}

fn address_of(process: &Arc<dyn Transport>) -> usize {
    Arc::as_ptr(process).cast::<u8>().addr()
}

impl fmt::Debug for Wires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Wires").field(&self.0.lock().len()).finish()
    }
}
