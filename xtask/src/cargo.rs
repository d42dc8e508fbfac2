//! How chores call cargo: always the same way, so that no two of them build the same thing twice.

use std::env;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use crate::command;
use crate::paths::Paths;

/// `cargo SUBCOMMAND` on this workspace, with the shared output folder.
pub(crate) fn command(paths: &Paths, subcommand: &str) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.arg(subcommand).current_dir(&paths.root).env("CARGO_TARGET_DIR", &paths.target);
    // Only the programs' own files read it, so that a new commit compiles and links those and nothing else.
    if let Some(commit) = commit(&paths.root) {
        cargo.env("BOWLINE_COMMIT", commit);
    }
    if in_ci() {
        // A CI machine compiles once and throws away: incremental files and debug info cost time and disk only.
        cargo
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_TERM_COLOR", "never");
    }
    cargo
}

/// Whether this runs without a person; the variable is the one that CI services agree on.
pub(crate) fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false" && value != "0")
}

/// The commit that is built, `-modified` when files differ from it; nothing outside of a git clone. Asked once, so that
/// all builds of one chore agree.
fn commit(root: &Path) -> Option<&'static str> {
    static COMMIT: OnceLock<Option<String>> = OnceLock::new();
    COMMIT.get_or_init(|| describe(root)).as_deref()
}

fn describe(root: &Path) -> Option<String> {
    let mut git = Command::new("git");
    // Tags are left out: a commit has one name.
    git.args(["describe", "--always", "--exclude=*", "--abbrev=12", "--dirty=-modified"]).current_dir(root);
    command::capture(&mut git).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_names_its_commit_and_an_archive_none() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(describe(folder.path()), None);
        let git = |arguments: &[&str]| {
            let mut git = Command::new("git");
            git.args(["-c", "user.name=t", "-c", "user.email=t@example.com"]).args(arguments);
            command::capture(git.current_dir(folder.path())).unwrap()
        };
        let file = folder.path().join("file");
        git(&["init", "--quiet"]);
        std::fs::write(&file, "a").unwrap();
        git(&["add", "file"]);
        git(&["commit", "--quiet", "-m", "first"]);
        let head = git(&["rev-parse", "HEAD"]);
        assert_eq!(describe(folder.path()).as_deref(), Some(&head.trim()[..12]));
        std::fs::write(&file, "b").unwrap();
        assert_eq!(describe(folder.path()), Some(format!("{}-modified", &head.trim()[..12])));
    }
}
