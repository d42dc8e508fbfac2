//! Running the command in a folder of its own, and writing down what it did.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// One person at one computer.
pub(crate) struct Desk {
    pub(crate) dir: TempDir,
    /// What is different in each run, and the word that stands for it.
    known: Vec<(String, &'static str)>,
    environment: Vec<(&'static str, String)>,
    text: String,
}

/// What one command did.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let known = vec![(dir.path().display().to_string(), "DIR")];
        Self { dir, known, environment: Vec::new(), text: String::new() }
    }

    pub(crate) fn known(&mut self, text: &str, word: &'static str) -> &mut Self {
        self.known.push((text.to_owned(), word));
        self
    }

    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<String>) -> &mut Self {
        self.environment.push((name, value.into()));
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Runs a command and writes it into the transcript.
    pub(crate) fn run(&mut self, arguments: &str) -> Ran {
        self.run_with_input(arguments, "")
    }

    pub(crate) fn run_with_input(&mut self, arguments: &str, input: &str) -> Ran {
        let ran = self.quietly(arguments, input);
        let entry = format!(
            "$ bowline {arguments}\nexit {}\n--- stdout\n{}--- stderr\n{}\n",
            ran.code, ran.stdout, ran.stderr
        );
        self.text.push_str(&self.hide(entry));
        ran
    }

    /// Runs a command that is not part of the transcript.
    pub(crate) fn quietly(&self, arguments: &str, input: &str) -> Ran {
        let mut child = self.command(arguments).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The command, under a watchdog that ends it even when this test is gone.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=5", "60", env!("CARGO_BIN_EXE_bowline")]);
        command.args(
            split(arguments).into_iter().map(|word| word.replace("DIR/", &format!("{}/", self.folder()))),
        );
        command.env_clear().env("PATH", std::env::var("PATH").unwrap()).env("HOME", self.dir.path());
        command.env("BOWLINE_CONFIG_DIR", self.path("config"));
        command.envs(self.environment.iter().map(|(name, value)| (*name, value.as_str())));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn folder(&self) -> String {
        self.dir.path().display().to_string()
    }

    fn hide(&self, mut text: String) -> String {
        for (known, word) in &self.known {
            text = text.replace(known, word);
        }
        text
    }

    /// Compares the transcript with the blessed one.
    pub(crate) fn check(&self, name: &str) {
        let mut settings = insta::Settings::clone_current();
        settings.set_omit_expression(true);
        settings.set_prepend_module_to_snapshot(false);
        settings.add_filter(
            r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
            "RANDOM-GUID",
        );
        settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME");
        settings.add_filter(r"\b\d+s ago", "SECONDS ago");
        settings.add_filter(r"\bin (\d+d\d+h|\d+h\d+m|59m)\b", "in A WHILE");
        settings.add_filter(r"localhost_\d+\.crt", "localhost_PORT.crt");
        settings.add_filter(r"([0-9A-F]{2}:){31}[0-9A-F]{2}", "FINGERPRINT");
        settings.bind(|| insta::assert_snapshot!(name, self.text));
    }
}

/// Words as a shell splits them, single quotes included.
fn split(arguments: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quoted, mut started) = (String::new(), false, false);
    for c in arguments.chars() {
        match c {
            '\'' => (quoted, started) = (!quoted, true),
            ' ' if !quoted => {
                if started {
                    words.push(std::mem::take(&mut word));
                }
                started = false;
            }
            c => {
                word.push(c);
                started = true;
            }
        }
    }
    if started {
        words.push(word);
    }
    words
}

/// The access bits of a file.
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}
