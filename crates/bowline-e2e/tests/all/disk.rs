//! The disk of PostgreSQL fills under three servers: writes are refused with a reason, what was acknowledged is there when there is room again, and
//! nobody restarts a server.

use std::path::{Path, PathBuf};
use std::process::Command;

use bowline_e2e::api::Api;
use bowline_e2e::postgres::Mortal;
use bowline_e2e::server::group;
use bowline_e2e::three::Three;
use bowline_e2e::wait::{seconds, until_true};
use reqwest::Method;
use serde_json::json;

use crate::resources::machine;

/// Enough for an empty database and some of its log.
const SIZE: &str = "size=160m";

/// A small disk, as long as the test lives.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: &Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        let mounted = mount.args(["-t", "tmpfs", "-o", SIZE, "bowline-test"]).arg(at).status();
        mounted.is_ok_and(|status| status.success()).then(|| Self(at.to_owned()))
    }

    /// Takes all the room that there is.
    fn fill(&self) {
        let mut fill = Command::new("sh");
        let script = "cat /dev/zero > \"$0/filler\" 2>/dev/null; true";
        assert!(fill.args(["-c", script]).arg(&self.0).status().unwrap().success());
    }

    fn free(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").args(["--lazy"]).arg(&self.0).status();
    }
}

/// One write, and what became of it: its status, or none when no server answered in time.
async fn put(api: &Api, id: &str, n: usize) -> Option<(u16, String)> {
    let body = json!({"location": "local", "tags": {"n": n.to_string(), "filler": "x".repeat(200)}});
    let request = api.request(Method::PUT, id).json(&body).timeout(seconds(30));
    Api::exchange(request).await.ok().map(|answer| (answer.status, answer.text))
}

#[tokio::test]
async fn a_full_disk_of_the_database_refuses_and_loses_nothing() {
    let name = "disk::a_full_disk_of_the_database";
    let place = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::mount(place.path()) else {
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), "skipped: {name}: only root may mount a small disk");
        return;
    };
    let Some(mut postgres) = Mortal::start_on(name, place.path()).await else { return };
    let three = Three::start(postgres.url(), 60).await;
    let scope = group(&three.at[0], "full").await;
    let mut acknowledged = Vec::new();
    for n in 0..30 {
        let id = machine(&scope, &format!("before{n}"));
        assert_eq!(put(&three.at[n % 3], &id, n).await.unwrap().0, 200);
        acknowledged.push(id);
    }
    disk.fill();
    let mut refused = None;
    for n in 0..600 {
        let id = machine(&scope, &format!("full{n}"));
        match put(&three.at[n % 3], &id, n).await {
            Some((200, _)) => acknowledged.push(id),
            Some((status, text)) => {
                assert_eq!(status, 503, "{text}");
                refused = Some(text);
                break;
            }
            None => {}
        }
    }
    let refused = refused.expect("a full disk refuses writes");
    eprintln!("{} writes were acknowledged; then: {refused}", acknowledged.len());
    disk.free();
    // PostgreSQL may have ended itself when it could not write its log: then its administrator starts it.
    if postgres.has_ended() {
        postgres.restart().await;
    }
    for (n, api) in three.at.iter().enumerate() {
        let id = machine(&scope, &format!("after{n}"));
        until_true("writes are taken again", seconds(40), async || {
            put(api, &id, n).await.is_some_and(|(status, _)| status == 200)
        })
        .await;
    }
    for id in &acknowledged {
        assert_eq!(three.at[1].get(id).await.status, 200, "{id} was acknowledged");
    }
}
