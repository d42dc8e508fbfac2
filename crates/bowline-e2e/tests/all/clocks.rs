//! Clocks that jump: a server's among three, the database's, and that of a server alone. Nothing is lost, nobody is sent away for good, and who looks is told.

use bowline_e2e::agent::{Host, Target};
use bowline_e2e::clock::HostClock;
use bowline_e2e::postgres::{Mortal, postgres};
use bowline_e2e::server::{Options, PASSWORD, Server, enrolment_token, group, sign_in};
use bowline_e2e::three::Three;
use bowline_e2e::wait::{seconds, until_true};
use serde_json::{Value, json};
use tokio::task::LocalSet;

use crate::agents::{ledger, wait_for_status};
use crate::resources::machine;
use crate::rounds::Trial;
use crate::servers::servers;

const AGENTS: u64 = 60;
const GRACE: u64 = 60;
const HOUR: i64 = 3600;

/// What a server says of its host's clock, in seconds.
async fn ahead(three: &Three, server: usize) -> i64 {
    let port = format!(":{}", three.servers[server].port);
    let all = servers(&three.at[server]).await;
    let own = all.iter().find(|one| one["name"].as_str().unwrap().ends_with(&port)).unwrap();
    own["clockAheadMs"].as_i64().unwrap() / 1000
}

/// Servers go by the database's clock: whatever their hosts' clocks do, no client has to send a request twice and no token is refused.
#[tokio::test]
async fn servers_of_one_database_do_not_go_by_their_hosts() {
    let name = "clocks::servers_of_one_database_do_not_go_by_their_hosts";
    let (Some(postgres), Some(one), Some(two)) = (postgres(name), HostClock::new(name), HostClock::new(name))
    else {
        return;
    };
    // One is wrong from the start.
    two.set(-5 * HOUR);
    let environments = [Vec::new(), one.environment(), two.environment()];
    let mut three = Three::start_with("localhost", postgres.database(), GRACE, environments).await;
    let scope = group(&three.at[0], "clocks").await;
    let fleet = three.agents(&scope, AGENTS, seconds(600), None).await;
    let trial = Trial { three: &mut three, fleet: &fleet, agents: AGENTS, scope: &scope, seed: 3 };
    let again = LocalSet::new()
        .run_until(trial.run(async |three| {
            for (clock, server, jump) in [(&one, 1, 2 * HOUR), (&two, 2, 10_000 * HOUR), (&one, 1, -3 * HOUR)]
            {
                clock.set(jump);
                until_true("the server says so", seconds(20), async || {
                    (ahead(three, server).await - jump).abs() <= 1
                })
                .await;
                tokio::time::sleep(seconds(2)).await;
            }
            let log = std::fs::read_to_string(three.servers[1].log()).unwrap();
            assert!(log.contains("the clock of this host is ahead of the database's"), "{log}");
        }))
        .await;
    assert_eq!(again, 0, "no request had to be sent again");
}

/// All servers follow the database's clock, also where it is wrong; a server that dies after it was put back is missed all the same.
#[tokio::test]
async fn a_database_whose_clock_jumps_loses_nothing() {
    let name = "clocks::a_database_whose_clock_jumps_loses_nothing";
    let Some(clock) = HostClock::new(name) else { return };
    let Some(postgres) = Mortal::start_with(name, clock.environment()).await else { return };
    let mut three = Three::start(postgres.url(), GRACE).await;
    let scope = group(&three.at[0], "clocks").await;
    let fleet = three.agents(&scope, AGENTS, seconds(600), None).await;
    let trial = Trial { three: &mut three, fleet: &fleet, agents: AGENTS, scope: &scope, seed: 4 };
    let _ = LocalSet::new()
        .run_until(trial.run(async |three| {
            for jump in [2 * HOUR, 0, -2 * HOUR] {
                clock.set(jump);
                tokio::time::sleep(seconds(5)).await;
                let api = three.servers[0].admin().await;
                until_true("all servers follow", seconds(20), async || {
                    let all = servers(&api).await;
                    all.iter().all(|one| (one["clockAheadMs"].as_i64().unwrap() / 1000 + jump).abs() <= 1)
                })
                .await;
            }
            three.servers[2].kill();
            let port = format!(":{}", three.servers[2].port);
            let survivor = three.servers[0].admin().await;
            until_true("its end is noticed", seconds(20), async || {
                let all = servers(&survivor).await;
                let own = all.iter().find(|one| one["name"].as_str().unwrap().ends_with(&port)).unwrap();
                own["state"] == "Gone"
            })
            .await;
            three.servers[2].restart().await;
        }))
        .await;
}

/// A server alone goes by its host. Whoever signs in again goes on, what was written stays, the agent stays, and its log is in order.
#[tokio::test]
async fn a_server_alone_survives_its_hosts_clock() {
    let name = "clocks::a_server_alone_survives_its_hosts_clock";
    let Some(clock) = HostClock::new(name) else { return };
    let server = Server::start(Options { environment: clock.environment(), ..Options::default() }).await;
    let mut admin = server.admin().await;
    let scope = group(&admin, "alone").await;
    let token = enrolment_token(&admin, &scope, "t", 1).await;
    let (url, ca, mut host) = (server.url(), server.ca(), Host::default());
    let (done, said) =
        host.connect(&Target { url: &url, ca: &ca, group: &scope, name: "host", token: &token }, &[]);
    assert!(done, "{said}");
    host.run();
    let shown = machine(&scope, "host");
    wait_for_status(&admin, &shown, "Connected", 20).await;
    for (n, jump) in [2 * HOUR, 0, -2 * HOUR, 0].into_iter().enumerate() {
        clock.set(jump);
        let id = machine(&scope, &format!("m{n}"));
        let body = json!({"location": "local"});
        let answer = admin.put(&id, &body).await;
        if answer.status == 401 {
            assert!(answer.text.contains("token"), "{}", answer.text);
            let token = sign_in(&server.api(), "admin", PASSWORD).await;
            admin = server.api().with(token["access_token"].as_str().unwrap());
            assert_eq!(admin.put(&id, &body).await.status, 200, "by a new token");
        } else {
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
        let status = admin.get(&shown).await.expect(200);
        assert_eq!(status["properties"]["status"], "Connected", "after {jump} s: {status}");
        let wanted = json!({"properties": {"byteBudgetPerDay": 100_000_000 + n}});
        let settings = format!("{scope}/providers/Microsoft.Bowline/agentSettings/default");
        assert!(admin.put(&settings, &wanted).await.status < 300);
        until_true("the agent has the setting", seconds(20), async || {
            ledger(&host).contains(&(100_000_000 + n).to_string())
        })
        .await;
    }
    let all: Value =
        admin.get(&format!("{scope}/providers/Microsoft.HybridCompute/machines")).await.expect(200);
    assert_eq!(all["value"].as_array().unwrap().len(), 5, "{all}");
}
