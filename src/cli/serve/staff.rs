//! Workers of the service itself, and the hub at which all others wait for scans.

use std::future::Future;
use std::num::NonZeroU16;
use std::sync::Arc;

use anyhow::anyhow;
use skyscan_transport::Transport;
use tokio::sync::oneshot;

use crate::actors::worker::{LEASES_PER_SLOT, WorkerConfig};
use crate::actors::{standing, worker};
use crate::cli::{Failure, failed, runtime};
use crate::reco;

/// Opens the place for as long as this process lives, with one worker of so many slots. What is returned resolves if
/// the place is lost for good.
pub(super) fn come(
    transport: Arc<dyn Transport>,
    slots: Option<NonZeroU16>,
) -> Result<impl Future<Output = anyhow::Error>, Failure> {
    let (lost, loss) = oneshot::channel();
    let system = move || -> Result<(), Failure> {
        let system = runtime::system_for(slots.unwrap_or(NonZeroU16::MIN))?;
        system.block_on(async move {
            let config = |slots| WorkerConfig {
                slots,
                leases_per_slot: LEASES_PER_SLOT,
                recos: reco::built_in(),
            };
            let worker = async {
                let Some(slots) = slots else {
                    return std::future::pending().await;
                };
                let (_worker, end) = worker::start(transport.as_ref(), config(slots))
                    .await
                    .map_err(failed)?;
                match end.await {
                    Ok(Err(error)) => Err(failed(error)),
                    Ok(Ok(())) | Err(_) => {
                        Err(failed(anyhow!("the workers here ended without a reason")))
                    }
                }
            };
            let stand = async { standing::stand(transport.as_ref()).await.map_err(failed) };
            tokio::select! {
                ended = worker => ended,
                ended = stand => ended,
            }
        })
    };
    std::thread::Builder::new()
        .name("staff".to_owned())
        .spawn(move || {
            let error = match system() {
                Ok(()) => anyhow!("the place of the workers is closed"),
                Err(Failure { error, .. }) => error,
            };
            // The service may have ended before.
            let _ = lost.send(error);
        })
        .map_err(failed)?;
    Ok(async move {
        let gone = loss.await;
        gone.unwrap_or_else(|_| anyhow!("the workers' thread ended without a word"))
    })
}
