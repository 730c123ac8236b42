//! The signals that end the process in order.

use std::future::Future;

use crate::failure::Failure;

/// Completes with the name of the signal at the first SIGINT (Ctrl-C) or SIGTERM. From the call on, these
/// no longer kill the process.
///
/// # Errors
/// If the system does not let us listen.
#[cfg(unix)]
pub(crate) fn ended() -> Result<impl Future<Output = &'static str>, Failure> {
    use tokio::signal::unix::{SignalKind, signal};

    let listen = |kind| signal(kind).map_err(|error| Failure::because("signals cannot be received", &error));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            biased;
            _ = interrupt.recv() => "Ctrl-C",
            _ = terminate.recv() => "SIGTERM",
        }
    })
}

/// Completes at the first Ctrl-C.
#[cfg(not(unix))]
pub(crate) fn ended() -> Result<impl Future<Output = &'static str>, Failure> {
    Ok(async {
        // Without the signal the process ends some other way.
        let _ = tokio::signal::ctrl_c().await;
        "Ctrl-C"
    })
}
