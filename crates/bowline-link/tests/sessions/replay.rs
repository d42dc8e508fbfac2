//! Both ends against the recorded sessions in `tests/fixtures`. A line is `open`, or has `at` (seconds) and one of `down` and
//! `up` (what was on the wire), `document` (what the server was given) or `rendezvous` (for which it asks the agent to open a tunnel).

use std::{path::Path, time::Duration};

use bowline_link::{
    agent_session::{AgentSession, AgentTick, Event},
    item::{DesiredDocument, ItemContent, ItemHead, KnownDocument},
    line,
    message::{Down, Up},
    server_session::{Claim, Direction, Opening, ServerSession, Tick},
};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Open {
    agent_only: bool,
    session: Uuid,
    epoch: Uuid,
    server_version: String,
    time: Option<jiff::Timestamp>,
    lifetime_seconds: u64,
    keep_alive_seconds: u64,
    claim: Has,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Has {
    epoch: Option<Uuid>,
    generation: u64,
    items: Vec<ItemHead>,
}

#[derive(Deserialize)]
struct Given {
    epoch: Uuid,
    generation: u64,
    items: Vec<ItemContent>,
}

struct Recorded {
    name: String,
    open: Open,
    lines: Vec<(Duration, String, Value)>,
}

fn recorded() -> Vec<Recorded> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let open = serde_json::from_value(lines.next().unwrap()["open"].take()).unwrap();
        let lines = lines.map(|mut line| {
            let at = Duration::from_secs_f64(line["at"].as_f64().unwrap());
            let what = ["down", "up", "document", "rendezvous"]
                .into_iter()
                .find(|what| line.get(what).is_some())
                .unwrap();
            (at, what.to_owned(), line[what].take())
        });
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        all.push(Recorded { name, open, lines: lines.collect() });
    }
    assert!(all.len() >= 5, "the recorded sessions are there");
    all
}

#[test]
fn the_server_says_what_was_recorded() {
    for Recorded { name, open, lines } in recorded() {
        if open.agent_only {
            continue;
        }
        let opening = Opening {
            session: open.session,
            epoch: open.epoch,
            server_version: open.server_version,
            time: open.time.unwrap(),
            lifetime: Duration::from_secs(open.lifetime_seconds),
            keep_alive: Duration::from_secs(open.keep_alive_seconds),
            direction: Direction::Both,
            claim: Claim {
                epoch: open.claim.epoch,
                generation: open.claim.generation,
                hashes: open.claim.items.iter().map(|item| item.hash).collect(),
            },
        };
        let (mut session, hello) = ServerSession::open(opening, Duration::ZERO);
        let mut said = Some(hello);
        for (at, what, content) in lines {
            match what.as_str() {
                "document" => {
                    let Given { epoch, generation, items } = serde_json::from_value(content).unwrap();
                    said = session.desired(&DesiredDocument { epoch, generation, items }, at);
                }
                "rendezvous" => {
                    said = Some(session.tunnel(content.as_str().unwrap().to_owned(), at));
                }
                "down" => {
                    let said = said.take().unwrap_or_else(|| match session.tick(at) {
                        Tick::Send(line) | Tick::End(line) => line,
                        quiet => panic!("{name} at {at:?}: {quiet:?} instead of {content}"),
                    });
                    let bytes = line::encode(&said).unwrap();
                    let text: Value = serde_json::from_slice(&bytes).unwrap();
                    assert_eq!(text, content, "{name} at {at:?}");
                }
                "up" => {
                    assert_eq!(said, None, "{name} at {at:?}: the server said something unrecorded");
                    let up: Up = line::decode(content.to_string().as_bytes()).unwrap().unwrap();
                    session.received(up, at);
                }
                other => panic!("{other}"),
            }
        }
    }
}

#[test]
fn the_agent_says_what_was_recorded() {
    for Recorded { name, open, lines } in recorded() {
        let known = KnownDocument {
            epoch: open.claim.epoch.unwrap_or_default(),
            generation: open.claim.generation,
            items: open.claim.items,
        };
        let mut session = AgentSession::start(known, Duration::ZERO);
        let mut applied: Option<KnownDocument> = None;
        let mut asked: Option<Value> = None;
        for (at, what, content) in lines {
            if what == "down" {
                let Some(down) = line::decode::<Down>(content.to_string().as_bytes()).unwrap() else {
                    continue;
                };
                match session.received(down, at).unwrap_or_else(|fault| panic!("{name} at {at:?}: {fault}")) {
                    Event::Desired(merged) => applied = Some(merged.known),
                    Event::Tunnel(tunnel) => {
                        assert_eq!(Some(tunnel.rendezvous.into()), asked.take(), "{name}");
                    }
                    Event::Ended(_) => {
                        assert!(matches!(session.tick(at), AgentTick::Wait(_) | AgentTick::Send(_)));
                    }
                    _ => {}
                }
            } else if what == "rendezvous" {
                asked = Some(content);
            } else if what == "up" {
                let said = match applied.take() {
                    Some(known) => session.applied(known, at),
                    None => match session.tick(at) {
                        AgentTick::Send(up) => up,
                        quiet => panic!("{name} at {at:?}: {quiet:?} instead of {content}"),
                    },
                };
                assert_eq!(serde_json::to_value(said).unwrap(), content, "{name} at {at:?}");
            }
        }
        assert_eq!(applied, None, "{name}: a document was not applied");
        assert_eq!(asked, None, "{name}: a tunnel was not asked for");
    }
}
