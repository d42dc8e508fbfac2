//! The test programs: built by one call of cargo, then run from here, suite by suite.
//!
//! Cargo unites the features of what one call selects. A call per suite would select differently and compile tokio and
//! all above it once for each; one call for all compiles everything once, and the programs of the product with it.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::guard::Guard;
use crate::paths::Paths;
use crate::{cargo, command, say, signals};

/// A program with tests inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TestProgram {
    /// The crate it tests.
    pub(super) package: String,
    /// The crate's library or program, or a file below `tests/`.
    target: String,
    file: PathBuf,
    /// Where cargo would run it.
    folder: PathBuf,
}

/// Builds every test and every program of the workspace.
pub(super) fn build(paths: &Paths, guard: &Guard) -> Result<Vec<TestProgram>> {
    let mut build = cargo::command(paths, "build");
    build.args([
        "--workspace",
        "--locked",
        "--bins",
        "--tests",
        "--message-format",
        "json-render-diagnostics",
    ]);
    guard.mark(build.stdout(Stdio::piped()));
    let mut child = command::start(&mut build)?;
    let output = BufReader::new(child.stdout.take().context("cargo's standard output is a pipe")?);
    let found: Vec<_> = output.lines().map_while(Result::ok).filter_map(|line| parse(&line)).collect();
    command::succeed("cargo build --workspace --bins --tests", command::wait(&mut child)?)?;
    Ok(found)
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    manifest_path: Option<PathBuf>,
    target: Option<Target>,
    profile: Option<Profile>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// One of cargo's messages, if it tells of a test program.
fn parse(line: &str) -> Option<TestProgram> {
    let message: Message = serde_json::from_str(line).ok()?;
    if message.reason != "compiler-artifact" || !message.profile?.test {
        return None;
    }
    let folder = message.manifest_path?.parent()?.to_owned();
    let package = folder.file_name()?.to_string_lossy().into_owned();
    Some(TestProgram { package, target: message.target?.name, file: message.executable?, folder })
}

/// Runs them one after the other, also after one failed.
pub(super) fn run<'a>(
    programs: impl Iterator<Item = &'a TestProgram>,
    prepare: impl Fn(&mut Command),
) -> Result<()> {
    let (mut count, mut failed) = (0, Vec::new());
    for program in programs {
        signals::check()?;
        let name = format!("{} {}", program.package, program.target);
        say::note(&name);
        let mut test = Command::new(&program.file);
        test.arg("--quiet").current_dir(&program.folder).env("CARGO_MANIFEST_DIR", &program.folder);
        prepare(&mut test);
        count += 1;
        if !command::status(&mut test)?.success() {
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!("{} of {count} test programs failed: {}", failed.len(), failed.join(", "));
    }
    Ok(())
}

/// The names of the tests that a filter chooses.
pub(super) fn names(program: &TestProgram, filter: &str) -> Result<Vec<String>> {
    let said = command::capture(Command::new(&program.file).args(["--list", "--format", "terse", filter]))?;
    Ok(said.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_test_programs_are_taken_from_cargos_messages() {
        let message = |test: bool, executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"/c/bowline-arm/Cargo.toml","target":{{"name":"it"}},
                "profile":{{"test":{test}}},"executable":{executable}}}"#
            )
            .replace('\n', "")
        };
        let program = parse(&message(true, "\"/t/it-1\"")).unwrap();
        assert_eq!((program.package.as_str(), program.target.as_str()), ("bowline-arm", "it"));
        assert_eq!(program.folder, PathBuf::from("/c/bowline-arm"));
        assert_eq!(parse(&message(false, "\"/t/bowline\"")), None);
        assert_eq!(parse(&message(true, "null")), None);
        assert_eq!(parse(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(parse("warning: text"), None);
    }
}
