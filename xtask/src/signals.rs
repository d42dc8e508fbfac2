//! Ctrl-C, `kill` and a closed terminal ask to stop; every wait in this program looks here.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use nix::sys::signal::{SigSet, Signal};

static REQUESTS: AtomicU32 = AtomicU32::new(0);

/// Takes SIGINT, SIGTERM and SIGHUP from now on. To be called before any thread is started, which inherit the mask.
pub(crate) fn listen() {
    let mut set = SigSet::empty();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        set.add(signal);
    }
    if set.thread_block().is_err() {
        // Without the mask the signals end the process at once, and its children with it: still a stop.
        return;
    }
    thread::spawn(move || {
        while set.wait().is_ok() {
            // Someone who asks three times does not want to wait for a clean end.
            if REQUESTS.fetch_add(1, Ordering::SeqCst) == 2 {
                std::process::exit(130);
            }
        }
    });
}

/// Whether someone asked to stop.
pub(crate) fn requested() -> bool {
    REQUESTS.load(Ordering::SeqCst) > 0
}

/// Fails when someone asked to stop.
pub(crate) fn check() -> Result<()> {
    if requested() {
        bail!("stopped on request");
    }
    Ok(())
}

/// Looks again after a moment; fails when someone asked to stop.
pub(crate) fn pause() -> Result<()> {
    thread::sleep(Duration::from_millis(50));
    check()
}
