//! Two really different builds of the server side by side: a rolling upgrade under load, and back again.
//!
//! `BOWLINE_OTHER_SERVER` is the program of another version, which must be at hand; `BOWLINE_ROLLS` (2) is how often all three servers go to this version and
//! back. Load and judgement are those of [`crate::rounds`]; agents and clients are of this version.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use bowline_e2e::postgres::Mortal;
use bowline_e2e::server::group;
use bowline_e2e::three::Three;
use bowline_e2e::wait::seconds;

use crate::rounds::Trial;

const AGENTS: u64 = 60;
/// Longer than any start takes: whoever shows as gone in between is a fault.
const GRACE: u64 = 60;
/// How long all go on between two starts.
const PAUSE: Duration = Duration::from_secs(2);

/// Each server in turn starts as this program; every other one is killed instead of stopped.
async fn roll(three: &mut Three, program: Option<&PathBuf>) {
    for (n, server) in three.servers.iter_mut().enumerate() {
        tokio::time::sleep(PAUSE).await;
        match n % 2 {
            0 => server.stop().await,
            _ => server.kill(),
        }
        server.set_program(program.cloned());
        server.restart().await;
    }
    tokio::time::sleep(PAUSE).await;
}

#[tokio::test]
async fn a_rolling_upgrade_and_a_downgrade_under_load_lose_nothing() {
    let Some(other) = std::env::var_os("BOWLINE_OTHER_SERVER").map(PathBuf::from) else {
        // Not through the captured output: a test that did not run must be seen.
        let _ = writeln!(std::io::stderr(), "skipped: two_builds: BOWLINE_OTHER_SERVER names no other build");
        return;
    };
    let rolls: u64 = std::env::var("BOWLINE_ROLLS").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    let Some(postgres) = Mortal::start("two_builds").await else { return };
    let mut three = Three::start_of(other.clone(), postgres.url(), GRACE).await;
    let scope = group(&three.at[0], "builds").await;
    let fleet = three.agents(&scope, AGENTS, seconds(600 + rolls * 120), None).await;
    let trial = Trial { three: &mut three, fleet: &fleet, agents: AGENTS, scope: &scope, seed: 7 };
    tokio::task::LocalSet::new()
        .run_until(async {
            let disturb = async |three: &mut Three| {
                for _ in 0..rolls {
                    roll(three, None).await;
                    roll(three, Some(&other)).await;
                }
            };
            let _ = trial.run(disturb).await;
        })
        .await;
}
