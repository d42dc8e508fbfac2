//! Secrets that a chore makes: never printed, only ever in a file of mode 0600.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};

/// Without characters that look alike, because a person types it: 32 of them, so that a byte's low five bits choose one.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Writes a password of 100 random bits, unless there is one.
pub(crate) fn create_password(file: &Path) -> Result<()> {
    if file.exists() {
        return Ok(());
    }
    write_private(file, &(password(&random::<20>()?) + "\n"))
}

/// A short name that no other run has.
pub(crate) fn random_name() -> Result<String> {
    Ok(hex::encode(random::<4>()?))
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("the system's random numbers cannot be read from /dev/urandom")?;
    Ok(bytes)
}

fn password(random: &[u8]) -> String {
    let letters: Vec<_> = random.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    letters.chunks(5).map(String::from_iter).collect::<Vec<_>>().join("-")
}

/// Writes a file that only its owner can read, whole or not at all.
pub(crate) fn write_private(file: &Path, text: &str) -> Result<()> {
    let unfinished = file.with_extension("unfinished");
    let write = || {
        let mut options = File::options();
        let mut open = options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        open.write_all(text.as_bytes())?;
        open.sync_all()?;
        fs::rename(&unfinished, file)
    };
    write().with_context(|| format!("{} cannot be written", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_password_is_random_private_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        create_password(&one).unwrap();
        create_password(&two).unwrap();
        let text = fs::read_to_string(&one).unwrap();
        assert_eq!(text.trim().len(), 23);
        assert_ne!(text, fs::read_to_string(&two).unwrap());
        assert_eq!(fs::metadata(&one).unwrap().permissions().mode() & 0o777, 0o600);
        create_password(&one).unwrap();
        assert_eq!(text, fs::read_to_string(&one).unwrap());
    }
}
