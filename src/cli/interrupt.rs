//! What Ctrl-C and SIGTERM do, and SIGUSR1.

use nix::sys::signal::Signal::SIGXFSZ;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, failed};

/// Killed by an interrupt, as a shell would tell it.
const INTERRUPTED: i32 = 130;

/// The first Ctrl-C or SIGTERM asks to stop, the second one ends the program: at any time, so a
/// thread of its own waits for them, which lives on while files are written. A file that may not grow
/// further (`ulimit -f`) is an error of writing from here on, not the end of the program.
///
/// # Errors
/// If the system gives no signals.
pub(super) fn on_interrupt(mut ask: impl FnMut() + Send + 'static) -> Result<(), Failure> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    let caught = |kind| {
        let _entered = runtime.enter();
        signal(kind).map_err(failed)
    };
    let mut interrupts = caught(SignalKind::interrupt())?;
    let mut terminations = caught(SignalKind::terminate())?;
    // Once caught it stays so, whoever listens.
    let _unheard = caught(SignalKind::from_raw(SIGXFSZ as i32))?;
    std::thread::spawn(move || {
        runtime.block_on(async move {
            let mut asked = async || {
                tokio::select! {
                    _ = interrupts.recv() => {}
                    _ = terminations.recv() => {}
                }
            };
            asked().await;
            ask();
            asked().await;
            std::process::exit(INTERRUPTED);
        });
    });
    Ok(())
}

/// SIGUSR1 asks what goes on, as often as it comes. It stays caught, whoever asks.
///
/// # Errors
/// If the system gives no signals.
pub(super) fn on_asked(tell: impl Fn() + Send + 'static) -> Result<(), Failure> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    let mut asked = {
        let _entered = runtime.enter();
        signal(SignalKind::user_defined1()).map_err(failed)?
    };
    std::thread::spawn(move || {
        runtime.block_on(async move {
            while asked.recv().await.is_some() {
                tell();
            }
        });
    });
    Ok(())
}
