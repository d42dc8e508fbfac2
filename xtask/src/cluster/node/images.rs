//! The two images that every node has: the one that holds a pod's namespaces, and a shell to try things with.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::command;
use crate::image::Image;

/// The image of containerd's settings.
pub(super) const PAUSE: &str = "localhost/pause";
/// A shell with the usual programs, in which to try things.
pub(super) const SHELL: &str = "localhost/busybox";
pub(super) const TAG: &str = "1";
/// Longer than any pod.
const FOREVER: &str = "2147483647";

/// Writes both layouts.
pub(super) fn write(folder: &Path, unpacked: &Path) -> Result<()> {
    let place = |name: &str| folder.join(name);
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let busybox = unpacked.join("bin/busybox");
    let program = fs::read(&busybox).with_context(|| format!("{} cannot be read", busybox.display()))?;
    let mut pause = Image::new(&["/busybox", "sleep", FOREVER], "/");
    pause.file("/busybox", 0o755, &program)?;
    pause.write(&place("pause"), TAG)?;

    let mut shell = Image::new(&[], "/bin");
    shell.command(&["/bin/sh"]);
    for (folder, mode) in [("bin", 0o755), ("tmp", 0o1777), ("root", 0o700), ("etc", 0o755)] {
        shell.folder(folder, mode)?;
    }
    shell.file("/bin/busybox", 0o755, &program)?;
    for applet in command::capture(Command::new(&busybox).arg("--list"))?.lines() {
        if applet != "busybox" {
            shell.link(&format!("/bin/{applet}"), "/bin/busybox")?;
        }
    }
    shell.file("/etc/passwd", 0o644, b"root:x:0:0::/root:/bin/sh\n")?;
    shell.write(&place("busybox"), TAG).map(drop)
}
