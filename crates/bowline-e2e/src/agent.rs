//! `bowline-agent machine` with a state directory of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::program::{Program, binary, clean};

/// A host as the agent sees it: a state directory, and the environment of its commands.
#[derive(Debug)]
pub struct Host {
    folder: TempDir,
    /// Set for every command: proxies, say.
    pub environment: Vec<(String, String)>,
    program: Option<Program>,
}

impl Default for Host {
    fn default() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), environment: Vec::new(), program: None }
    }
}

/// Where to connect.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    /// The server's URL.
    pub url: &'a str,
    /// The certificate to trust.
    pub ca: &'a Path,
    /// The group's id.
    pub group: &'a str,
    /// The machine's name.
    pub name: &'a str,
    /// An enrolment or access token.
    pub token: &'a str,
}

impl Host {
    /// Its state directory.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// A copy of its disk.
    #[must_use]
    pub fn clone_disk(&self) -> Self {
        let copy = Self::default();
        let done = Command::new("cp").arg("-a").arg(self.state()).arg(copy.state()).status().unwrap();
        assert!(done.success(), "the state directory can be copied");
        copy
    }

    /// `bowline-agent machine …`, to its end.
    #[must_use]
    pub fn machine(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(binary("bowline-agent"));
        command.arg("machine").args(arguments).arg("--state-dir").arg(self.state()).stdin(Stdio::null());
        clean(&mut command).envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.output().unwrap()
    }

    /// `connect`; the outcome and what it said.
    #[must_use]
    pub fn connect(&self, target: &Target<'_>, more: &[&str]) -> (bool, String) {
        let file = self.folder.path().join("token");
        std::fs::write(&file, target.token).unwrap();
        let mut segments = target.group.split('/').filter(|part| !part.is_empty());
        let (subscription, group) = (segments.nth(1).unwrap(), segments.nth(1).unwrap());
        let ca = target.ca.to_string_lossy();
        let kind =
            if target.token.starts_with("bwe_") { "--enrollment-token-file" } else { "--access-token-file" };
        let file = file.to_string_lossy();
        let mut arguments =
            vec!["connect", "--server", target.url, "--ca-file", &ca, "--subscription", subscription];
        arguments.extend(["--resource-group", group, "--name", target.name, kind, &file]);
        arguments.extend(more);
        let output = self.machine(&arguments);
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    /// Starts `run`.
    pub fn run(&mut self) {
        let mut arguments =
            vec!["machine".to_owned(), "run".to_owned(), "--log-level".to_owned(), "debug".to_owned()];
        arguments.extend(["--state-dir".to_owned(), self.state().to_string_lossy().into_owned()]);
        let program = Program::start(&binary("bowline-agent"), &arguments, &self.environment, &self.log());
        self.program = Some(program);
    }

    /// What `run` said.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("run.log")
    }

    /// The running agent.
    ///
    /// # Panics
    /// When it was not started.
    pub fn agent(&mut self) -> &mut Program {
        self.program.as_mut().expect("the agent was started")
    }
}
