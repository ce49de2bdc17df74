//! What Ctrl-C and SIGTERM do.

use std::io;

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// Killed by an interrupt, as a shell would tell it.
const INTERRUPTED: i32 = 130;

/// The first Ctrl-C or SIGTERM asks to stop, the second one ends the program: at any time, so a
/// thread of its own waits for them, which lives on while files are written.
///
/// # Errors
/// If the system gives no signals.
pub(super) fn on_interrupt(mut ask: impl FnMut() + Send + 'static) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (mut interrupts, mut terminations) = {
        let _entered = runtime.enter();
        (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        )
    };
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
