//! Simulated agents, in a process of their own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::network::Place;
use crate::program::{Program, binary};
use crate::wait::until_true;

/// Where they live, and how many there are.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// The server's or the balancer's address.
    pub url: &'a str,
    /// The certificate authority to trust.
    pub ca: PathBuf,
    /// The resource group's id.
    pub group: &'a str,
    /// An enrolment token of it.
    pub token: &'a str,
    /// Their names are this and a number.
    pub prefix: &'a str,
    /// How many.
    pub count: u64,
    /// How long they live.
    pub duration: Duration,
    /// Where, if not beside the test.
    pub place: Option<&'a Place>,
}

/// See the module.
#[derive(Debug)]
pub struct Agents {
    _folder: TempDir,
    log: PathBuf,
    /// Their process.
    pub program: Program,
    count: u64,
}

/// The last line that a simulation printed which is not about a setting.
#[must_use]
pub fn last(log: &Path) -> Value {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let mut lines = text.lines().rev().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.find(|line| line.get("connected").is_some()).unwrap_or_default()
}

impl Agents {
    /// Starts them.
    ///
    /// # Panics
    /// When the group is none.
    #[must_use]
    pub fn start(wanted: &Wanted<'_>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (file, log) = (folder.path().join("token"), folder.path().join("agents.log"));
        std::fs::write(&file, wanted.token).unwrap();
        let (ca, file) = (wanted.ca.to_string_lossy(), file.to_string_lossy().into_owned());
        let (many, duration) = (wanted.count.to_string(), wanted.duration.as_secs().to_string());
        let mut parts = wanted.group.split('/');
        let place = (parts.nth(2), parts.nth(1));
        let (Some(subscription), Some(name)) = place else { panic!("'{}' is no group", wanted.group) };
        let arguments = [
            ["simulate", "--measure", "--count", &many, "--server", wanted.url, "--duration", &duration]
                .as_slice(),
            &["--ca-file", &ca, "--prefix", wanted.prefix],
            &["--subscription", subscription, "--resource-group", name, "--enrollment-token-file", &file],
        ]
        .concat();
        let arguments = arguments.into_iter().map(str::to_owned);
        let agent = binary("bowline-agent").to_string_lossy().into_owned();
        let enter = wanted.place.map(|place| ["ip", "netns", "exec", place.namespace.as_str()]);
        let mut command: Vec<String> = enter.into_iter().flatten().map(str::to_owned).collect();
        command.push(agent);
        command.extend(arguments);
        let program = Program::start(Path::new(&command[0]), &command[1..], &[], &log);
        Self { _folder: folder, log, program, count: wanted.count }
    }

    /// What they said last.
    #[must_use]
    pub fn said(&self) -> Value {
        last(&self.log)
    }

    /// How many agents got settings that fit, as far as they said.
    #[must_use]
    pub fn settled(&self, fits: impl Fn(&Value) -> bool) -> u64 {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines = text.lines().rev().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let counts = lines.filter(|line| fits(&line["settings"])).filter_map(|line| line["agents"].as_u64());
        counts.max().unwrap_or_default()
    }

    /// Waits until all are connected and reported.
    pub async fn wait_until_connected(&self, within: Duration) {
        let what = format!("{} agents are connected", self.count);
        until_true(&what, within, async || {
            let said = self.said();
            said["connected"] == self.count && said["acknowledged"].as_u64() >= Some(self.count)
        })
        .await;
    }
}
