//! Three servers on one PostgreSQL behind a plain TCP balancer: who is connected is exact through each of them, also while one dies or drains,
//! and what one began another finishes.

use std::time::{Duration, Instant};

use bowline_e2e::api::Api;
use bowline_e2e::events::Events;
use bowline_e2e::keys::Key;
use bowline_e2e::postgres::{Postgres, postgres};
use bowline_e2e::server::{Server, enrolment_token, group};
use bowline_e2e::simulation::{Agents, Wanted};
use bowline_e2e::three::Three;
use bowline_e2e::wait::{seconds, until, until_true};
use futures::StreamExt as _;
use serde_json::{Value, json};

use crate::agents::sessions;
use crate::resources::machine;
use crate::storm::machines;

/// What stays, and what is killed.
const AGENTS: u64 = 200;
const LONE: u64 = 20;
/// Enough that their deletion can be interrupted.
const MANY: usize = 120;
/// The grace of these servers: longer than any of the waits below, so that whoever shows as gone in between is a fault.
const GRACE: u64 = 60;

struct Shared {
    three: Three,
    postgres: &'static Postgres,
}

impl std::ops::Deref for Shared {
    type Target = Three;

    fn deref(&self) -> &Three {
        &self.three
    }
}

impl std::ops::DerefMut for Shared {
    fn deref_mut(&mut self) -> &mut Three {
        &mut self.three
    }
}

impl Shared {
    async fn start(test: &str) -> Option<Self> {
        let postgres = postgres(test)?;
        Some(Self { three: Three::start(postgres.database(), GRACE).await, postgres })
    }

    /// Which server does a task.
    fn holder(&self, task: &str) -> usize {
        let question = format!(
            "SELECT s.name FROM lease l JOIN server s ON s.id::text = l.holder WHERE l.name = '{task}'"
        );
        let name = self.postgres.ask(&self.database, &question);
        let found = self.servers.iter().position(|server| name.ends_with(&format!(":{}", server.port)));
        found.unwrap_or_else(|| panic!("nobody does {task}: '{name}'"))
    }

    fn agents(&self, group: &str, token: &str, prefix: &str, count: u64) -> Agents {
        let (url, ca) = (self.url.as_str(), self.servers[0].ca());
        Agents::start(&Wanted { url, ca, group, token, prefix, count, duration: seconds(600), place: None })
    }
}

/// How many machines show each status, through one server.
async fn count(admin: &Api, group: &str, status: &str) -> u64 {
    let all = machines(admin, group).await;
    all.values().filter(|(shown, _)| shown == status).count() as u64
}

/// What `bowline server status` shows.
pub(crate) async fn servers(admin: &Api) -> Vec<Value> {
    let page = admin.get("/providers/Microsoft.Bowline/servers").await.expect(200);
    page["value"].as_array().unwrap().iter().map(|one| one["properties"].clone()).collect()
}

/// Waits until these servers hold all agents, and sees that none shows as gone meanwhile, through any of them.
async fn all_are_held(three: &Shared, group: &str, by: &[usize], agents: u64) -> Duration {
    let started = Instant::now();
    until_true("the agents are elsewhere", seconds(20), async || {
        let mut held = 0;
        for server in by {
            assert_eq!(
                count(&three.at[*server], group, "Disconnected").await,
                0,
                "an agent on its way shows as gone"
            );
            held += sessions(&three.servers[*server]).await as u64;
        }
        held == agents
    })
    .await;
    started.elapsed()
}

#[tokio::test]
async fn agents_move_between_servers_and_what_is_shown_is_exact() {
    let Some(mut three) = Shared::start("servers::agents_move_between_servers").await else { return };
    let here = group(&three.at[0], "fleet").await;
    let alone = group(&three.at[0], "lone").await;
    let token = enrolment_token(&three.at[0], &here, "t", AGENTS).await;
    let lone_token = enrolment_token(&three.at[0], &alone, "t", LONE).await;
    let agents = three.agents(&here, &token, "stays", AGENTS);
    let mut lone = three.agents(&alone, &lone_token, "lone", LONE);
    agents.wait_until_connected(seconds(60)).await;
    lone.wait_until_connected(seconds(60)).await;
    let mut held = Vec::new();
    for (server, admin) in three.servers.iter().zip(&three.at) {
        assert_eq!(count(admin, &here, "Connected").await, AGENTS, "exact through every server");
        assert_eq!(count(admin, &alone, "Connected").await, LONE);
        held.push(sessions(server).await as u64);
    }
    assert!(held.iter().sum::<u64>() == AGENTS + LONE && !held.contains(&0), "{held:?}");

    // Whoever is asked knows all.
    for admin in &three.at {
        let seen = servers(admin).await;
        assert!(seen.len() == 3 && seen.iter().all(|one| one["state"] == "Live"), "{seen:?}");
        assert_eq!(seen.iter().filter_map(|one| one["sessions"].as_u64()).sum::<u64>(), AGENTS + LONE);
        let tasks = seen.iter().map(|one| one["tasks"].as_array().unwrap().len()).sum::<usize>();
        assert_eq!(tasks, 4, "each task is done by one server");
        assert!(
            seen.iter().all(|one| one["limits"].as_array().is_some_and(|all| all.len() == 11)),
            "{seen:?}"
        );
    }

    // A killed agent is gone within 10 s, whichever server held it and whichever is asked.
    lone.program.kill();
    let killed = Instant::now();
    for admin in &three.at {
        let left = seconds(10).saturating_sub(killed.elapsed());
        until_true("the killed agents show as gone", left, async || {
            count(admin, &alone, "Disconnected").await == LONE
        })
        .await;
        assert_eq!(count(admin, &here, "Connected").await, AGENTS);
    }
    eprintln!("killed agents were gone through every server after {:?}", killed.elapsed());

    // A server that drains sends them elsewhere.
    three.servers[1].stop().await;
    let took = all_are_held(&three, &here, &[0, 2], AGENTS).await;
    eprintln!("{AGENTS} agents were elsewhere {took:?} after their server had drained");

    // A server that dies loses them.
    let victim = three.holder("presence");
    three.servers[victim].kill();
    let left = [0, 2].into_iter().find(|server| *server != victim).unwrap();
    let took = all_are_held(&three, &here, &[left], AGENTS).await;
    eprintln!("{AGENTS} agents were elsewhere {took:?} after their server was killed");
    until_true("the tasks are done again", seconds(12), async || three.holder("presence") == left).await;
    assert_eq!(count(&three.at[left], &here, "Connected").await, AGENTS);
    let states: Vec<_> = servers(&three.at[left]).await.iter().map(|one| one["state"].clone()).collect();
    assert_eq!(states.iter().filter(|state| **state == "Live").count(), 1, "{states:?}");
    assert_eq!(states.len(), 2, "the one that drained has gone, the one that died is shown: {states:?}");
    let said = agents.said();
    assert_eq!((&said["ended"], &said["enrolmentFailures"]), (&0.into(), &0.into()), "{said}");
    drop(agents);
    until_true("who held nobody else's agents still shows them as gone", seconds(10), async || {
        count(&three.at[left], &here, "Disconnected").await == AGENTS
    })
    .await;
}

/// Lets the server that does operations delete a group of many machines, has it interrupted in the middle by `interrupt`, and waits until
/// another one has finished it. Gives who was interrupted.
async fn delete_interrupted(three: &mut Shared, scope: &str, interrupt: impl Fn(&mut Server)) -> usize {
    let worker = three.holder("operations");
    let asker = (worker + 1) % 3;
    let accepted = three.at[asker].delete(scope).await;
    assert_eq!(accepted.status, 202, "{}", accepted.text);
    let poll = accepted.header("azure-asyncoperation").unwrap();
    let poll = poll[poll.find("/subscriptions").unwrap()..].to_owned();
    let admin = three.at[asker].clone();
    until_true("the worker is at it", seconds(10), async || machines(&admin, scope).await.len() < MANY).await;
    interrupt(&mut three.servers[worker]);
    let left = machines(&admin, scope).await.len();
    assert!(left > 0, "the worker was interrupted in the middle");
    let done = until("another server finishes it", seconds(40), async || {
        let status = admin.get(&poll).await;
        (status.status == 200 && status.body["status"] != "InProgress").then_some(status.body)
    })
    .await;
    assert_eq!(done["status"], "Succeeded", "{done}");
    assert_eq!(admin.get(scope).await.status, 404);
    eprintln!("{left} of {MANY} were left when the worker was interrupted");
    worker
}

#[tokio::test]
async fn what_an_interrupted_server_was_doing_is_finished_by_another() {
    let Some(mut three) = Shared::start("servers::what_an_interrupted_server_was_doing").await else {
        return;
    };
    let mut doomed = Vec::new();
    for name in ["first", "second"] {
        let scope = group(&three.at[0], name).await;
        let puts = futures::stream::iter(0..MANY).map(|n| {
            let (admin, id) = (&three.at[n % 3], machine(&scope, &format!("m{n}")));
            async move { assert_eq!(admin.put(&id, &json!({"location": "local"})).await.status, 200) }
        });
        puts.buffer_unordered(32).for_each(|()| async {}).await;
        doomed.push(scope);
    }
    // One that only stood still goes on where it was: it is refused, and becomes a server like any other.
    let frozen = delete_interrupted(&mut three, &doomed[0], |server| server.freeze()).await;
    three.servers[frozen].thaw();
    until_true("the former holder is refused", seconds(10), async || {
        let log = std::fs::read_to_string(three.servers[frozen].log()).unwrap();
        log.contains("Another server has taken this task over")
    })
    .await;
    until_true("it is a server again", seconds(10), async || {
        let live = "SELECT count(*) FROM server WHERE expires_at > extract(epoch FROM now()) * 1000000";
        three.postgres.ask(&three.database, live) == "3"
    })
    .await;
    let killed = delete_interrupted(&mut three, &doomed[1], Server::kill).await;
    assert_ne!(killed, frozen, "who took it over had it");
    let twice =
        "SELECT count(*) FROM (SELECT uid FROM change WHERE kind = 2 GROUP BY uid HAVING count(*) > 1) x";
    assert_eq!(three.postgres.ask(&three.database, twice), "0", "each was deleted once");
}

#[tokio::test]
async fn a_client_reads_its_writes_through_every_server_and_news_need_no_notification() {
    let Some(three) = Shared::start("servers::a_client_reads_its_writes").await else { return };
    let scope = group(&three.at[0], "moving").await;
    let list = format!("{scope}/providers/Microsoft.HybridCompute/machines");
    for n in 0..30 {
        let (writer, reader) = (&three.at[n % 3], &three.at[(n + 1) % 3]);
        let id = machine(&scope, &format!("m{n}"));
        let put = json!({"location": "local", "tags": {"n": n.to_string()}});
        assert_eq!(writer.put(&id, &put).await.status, 200);
        assert_eq!(reader.get(&id).await.expect(200)["tags"]["n"], n.to_string());
        assert_eq!(reader.get(&list).await.expect(200)["value"].as_array().unwrap().len(), n + 1);
    }
    // The connections that listen are cut, again and again.
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
         WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    assert_eq!(three.postgres.ask(&three.database, cut), "3");
    let mut events = Events::open(&three.at[2], &scope, None).await.unwrap();
    while events.next().await.expect("a snapshot").name != "ready" {}
    for n in 0..5 {
        let _ = three.postgres.ask(&three.database, cut);
        let name = format!("news{n}");
        assert_eq!(three.at[0].put(&machine(&scope, &name), &json!({"location": "local"})).await.status, 200);
        let news = tokio::time::timeout(seconds(5), events.next()).await.expect("in time").expect("an event");
        assert_eq!(news.data["name"], name.as_str(), "each once and in order");
    }
}

#[tokio::test]
async fn an_agent_whose_key_another_server_replaced_is_sent_away() {
    let Some(three) = Shared::start("servers::an_agent_whose_key_another_server_replaced").await else {
        return;
    };
    let scope = group(&three.at[0], "keys").await;
    let token = enrolment_token(&three.at[0], &scope, "t", 1).await;
    let agents = three.agents(&scope, &token, "a", 1);
    agents.wait_until_connected(seconds(60)).await;
    let mut held = Vec::new();
    for server in &three.servers {
        held.push(sessions(server).await);
    }
    let holder = held.iter().position(|count| *count == 1).expect("one of them holds it");
    let body = json!({"location": "local", "properties": {"clientPublicKey": Key::generate().public()}});
    let elsewhere = &three.at[(holder + 1) % 3];
    let request = elsewhere.request(reqwest::Method::PUT, &machine(&scope, "a00000"));
    let replaced = Api::send(request.header("x-bowline-replace", "true").json(&body)).await;
    assert_eq!(replaced.status, 200, "{}", replaced.text);
    until_true("its session has ended", seconds(5), async || sessions(&three.servers[holder]).await == 0)
        .await;
    until_true("it knows that it is not wanted", seconds(20), async || agents.said()["ended"] == 1).await;
    for server in &three.servers {
        assert_eq!(sessions(server).await, 0, "nobody takes the key that was replaced");
    }
}
