//! Rounds: three servers under load, one of them or PostgreSQL killed at a random moment, started again, and so on. Nothing that was acknowledged is lost or
//! done twice, every watcher sees each revision once and in order, no agent goes back, every operation finishes.
//!
//! `BOWLINE_ROUNDS` and `BOWLINE_ROUND_AGENTS` make it longer and wider than it is in CI; `BOWLINE_ROUND_SEED` repeats the order of one run.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bowline_e2e::api::{Answer, Api};
use bowline_e2e::events::Events;
use bowline_e2e::postgres::Mortal;
use bowline_e2e::server::{PASSWORD, group, try_sign_in};
use bowline_e2e::simulation::Agents;
use bowline_e2e::three::Three;
use bowline_e2e::wait::{seconds, until_true};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::spawn_local;

use crate::resources::machine;

const ROUNDS: u64 = 6;
const AGENTS: u64 = 60;
const WRITERS: usize = 8;
/// Machines of each writer.
const EACH: u64 = 12;
/// Longer than any kill takes: whoever shows as gone in between is a fault.
const GRACE: u64 = 60;
/// `byteBudgetPerDay` before the first change.
const FIRST_SETTING: u64 = 100_000_000;
/// How long an answer may take while servers die and come back.
const PATIENCE: Duration = Duration::from_secs(90);

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// xorshift64*, so that a run can be repeated.
struct Dice(Cell<u64>);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(Cell::new(seed | 1))
    }

    fn below(&self, n: u64) -> u64 {
        let mut x = self.0.get();
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.0.set(x);
        (x.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % n
    }
}

/// A client that goes on at another server when one does not answer, and signs in again when its token has ended.
struct Client {
    at: Vec<Api>,
    bearer: Rc<RefCell<String>>,
    dice: Dice,
    /// Requests that had to be sent again.
    again: Rc<Cell<u64>>,
}

impl Client {
    fn new(world: &World, seed: u64) -> Self {
        let (bearer, again) = (Rc::clone(&world.bearer), Rc::clone(&world.again));
        Self { at: world.at.clone(), bearer, dice: Dice::new(seed), again }
    }

    /// Sends until a server says yes, or a no that is an answer too.
    async fn send(&self, method: Method, path: &str, body: Option<&Value>, answers: &[u16]) -> Answer {
        let started = Instant::now();
        let mut last = String::new();
        while started.elapsed() < PATIENCE {
            let api = &self.at[self.dice.below(self.at.len() as u64) as usize];
            let request = api.with(&self.bearer.borrow()).request(method.clone(), path).timeout(PATIENCE);
            match Api::exchange(body.iter().fold(request, |request, body| request.json(body))).await {
                Ok(answer) if answers.contains(&answer.status) => return answer,
                Ok(answer) if answer.status == 401 => self.sign_in(api).await,
                Ok(answer) => {
                    assert!(matches!(answer.status, 409 | 429 | 503), "{method} {path}: {}", answer.text);
                    last = answer.text;
                }
                Err(error) => last = format!("{error:?}"),
            }
            self.again.set(self.again.get() + 1);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{method} {path} was not answered in {PATIENCE:?}: {last}");
    }

    async fn sign_in(&self, api: &Api) {
        // The server may be the next one to be killed; whoever finds the token ended tries again.
        if let Ok(token) = try_sign_in(api, "admin", PASSWORD).await {
            *self.bearer.borrow_mut() = token["access_token"].as_str().unwrap().to_owned();
        }
    }

    async fn get(&self, path: &str, answers: &[u16]) -> Answer {
        self.send(Method::GET, path, None, answers).await
    }
}

/// What all tasks share.
struct World {
    at: Vec<Api>,
    bearer: Rc<RefCell<String>>,
    scope: String,
    stop: Rc<Cell<bool>>,
    again: Rc<Cell<u64>>,
    /// Acknowledged PUTs and DELETEs of each machine.
    done: Rc<RefCell<BTreeMap<String, (u64, u64)>>>,
}

/// Works on its own machines and remembers what was acknowledged.
struct Writer {
    client: Client,
    scope: String,
    number: usize,
    stop: Rc<Cell<bool>>,
    done: Rc<RefCell<BTreeMap<String, (u64, u64)>>>,
    /// The tag of each machine that is there.
    there: BTreeMap<String, u64>,
}

impl Writer {
    fn new(world: &World, number: usize, seed: u64) -> Self {
        let client = Client::new(world, seed);
        let (stop, done) = (Rc::clone(&world.stop), Rc::clone(&world.done));
        Self { client, scope: world.scope.clone(), number, stop, done, there: BTreeMap::new() }
    }

    async fn run(mut self) -> BTreeMap<String, u64> {
        let mut value = 0;
        while !self.stop.get() {
            let name = format!("w{}-{}", self.number, self.client.dice.below(EACH));
            let id = machine(&self.scope, &name);
            match self.client.dice.below(100) {
                0..50 => self.read(&name, &id).await,
                50..55 => self.list().await,
                55..65 => {
                    let answer = self.client.send(Method::DELETE, &id, None, &[200, 204]).await;
                    let had = self.there.remove(&name).is_some();
                    assert!(had || answer.status == 204, "{name} was not there: {}", answer.text);
                    self.done.borrow_mut().entry(name).or_default().1 += u64::from(had);
                }
                _ => {
                    value += 1;
                    let body = json!({"location": "local", "tags": {"n": value.to_string()}});
                    let _ = self.client.send(Method::PUT, &id, Some(&body), &[200, 201]).await;
                    self.there.insert(name.clone(), value);
                    self.done.borrow_mut().entry(name).or_default().0 += 1;
                }
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.there
    }

    /// Whichever server is asked, it knows what another one acknowledged.
    async fn read(&self, name: &str, id: &str) {
        let answer = self.client.get(id, &[200, 404]).await;
        let found = answer.body["tags"]["n"].as_str().map(str::to_owned);
        assert_eq!(
            found,
            self.there.get(name).map(u64::to_string),
            "{name} as it was acknowledged: {}",
            answer.text
        );
    }

    async fn list(&self) {
        let page = machines(&self.client, &self.scope, &format!("w{}-", self.number)).await;
        assert_eq!(page, self.there, "a list shows what was acknowledged");
    }
}

/// The machines of a group whose names begin so, with their tags.
async fn machines(client: &Client, scope: &str, prefix: &str) -> BTreeMap<String, u64> {
    let mut next =
        Some(format!("{scope}/providers/Microsoft.HybridCompute/machines?api-version=2026-07-15&$top=1000"));
    let mut found = BTreeMap::new();
    while let Some(link) = next {
        let path = link.find("/subscriptions").map_or(link.as_str(), |at| &link[at..]).to_owned();
        let page = client.get(&path, &[200]).await.body;
        for one in page["value"].as_array().unwrap() {
            let name = one["name"].as_str().unwrap();
            if name.starts_with(prefix) {
                found.insert(name.to_owned(), one["tags"]["n"].as_str().unwrap().parse().unwrap());
            }
        }
        next = page["nextLink"].as_str().map(str::to_owned);
    }
    found
}

/// What a watcher saw.
#[derive(Default)]
struct Seen {
    revisions: Vec<u64>,
    /// Changes and deletions of each machine of the writers.
    machines: BTreeMap<String, (u64, u64)>,
    reconnects: u64,
}

/// Follows everything, first at one server, and at the next one whenever a stream ends.
async fn watch(at: Vec<Api>, first: usize, bearer: Rc<RefCell<String>>, seen: Rc<RefCell<Seen>>) {
    let mut cursor: Option<String> = None;
    for server in (0..at.len()).cycle().skip(first) {
        let api = at[server].with(&bearer.borrow());
        if let Ok(mut events) = Events::open(&api, "", cursor.as_deref()).await {
            while let Some(event) = events.next().await {
                let mut seen = seen.borrow_mut();
                if matches!(event.name.as_str(), "changed" | "deleted") {
                    let id = event.id.clone().unwrap_or_default();
                    seen.revisions.push(id.rsplit('.').next().unwrap().parse().unwrap());
                    let name = event.data["id"].as_str().unwrap_or_default().rsplit('/').next().unwrap();
                    if name.starts_with('w') {
                        let counted = seen.machines.entry(name.to_owned()).or_default();
                        *(if event.name == "changed" { &mut counted.0 } else { &mut counted.1 }) += 1;
                    }
                }
                assert!(cursor.is_none() || event.name != "snapshot", "a cursor resumes without a snapshot");
                cursor = event.id.or(cursor);
            }
        }
        seen.borrow_mut().reconnects += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Gives the agents of the group a new setting, again and again; gives the last one.
async fn set(client: Client, scope: String, stop: Rc<Cell<bool>>) -> u64 {
    let id = format!("{scope}/providers/Microsoft.Bowline/agentSettings/default");
    let mut bytes = FIRST_SETTING;
    while !stop.get() {
        bytes += 1;
        let body = json!({"properties": {"byteBudgetPerDay": bytes}});
        let _ = client.send(Method::PUT, &id, Some(&body), &[200, 201]).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    bytes
}

/// Makes groups with something in them and deletes them, each as an operation that must end; gives how many.
async fn operate(client: Client, scope: String, stop: Rc<Cell<bool>>) -> u64 {
    let mut ended = 0;
    while !stop.get() {
        let doomed = format!("{scope}-{ended}");
        let body = json!({"location": "local"});
        let _ = client.send(Method::PUT, &doomed, Some(&body), &[200, 201]).await;
        for n in 0..20 {
            let _ =
                client.send(Method::PUT, &machine(&doomed, &format!("d{n}")), Some(&body), &[200, 201]).await;
        }
        let accepted = client.send(Method::DELETE, &doomed, None, &[202, 404]).await;
        if let Some(poll) = accepted.header("azure-asyncoperation") {
            let poll = poll[poll.find("/subscriptions").unwrap()..].to_owned();
            let started = Instant::now();
            loop {
                let status = client.get(&poll, &[200, 404]).await;
                let state = status.body["status"].as_str().unwrap_or_default().to_owned();
                if state == "Succeeded" {
                    break;
                }
                assert!(!matches!(state.as_str(), "Failed" | "Canceled"), "{}", status.text);
                assert!(started.elapsed() < PATIENCE, "an operation does not end: {}", status.text);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        let gone = client.get(&doomed, &[200, 404]).await;
        assert_eq!(gone.status, 404, "an operation that succeeded has done it: {}", gone.text);
        ended += 1;
    }
    ended
}

/// Kills and starts again.
async fn rounds(three: &mut Three, postgres: &mut Mortal, dice: &Dice, count: u64) {
    let mut kills = [0_u64; 4];
    for round in 1..=count {
        tokio::time::sleep(Duration::from_millis(200 + dice.below(1500))).await;
        let victim = dice.below(4) as usize;
        kills[victim] += 1;
        let away = Duration::from_millis(dice.below(1000));
        if victim == 3 {
            postgres.kill();
            tokio::time::sleep(away).await;
            postgres.restart().await;
        } else {
            three.servers[victim].kill();
            tokio::time::sleep(away).await;
            three.servers[victim].restart().await;
        }
        if round % 20 == 0 {
            eprintln!("{round} rounds");
        }
    }
    eprintln!("killed: servers {:?}, PostgreSQL {}", &kills[..3], kills[3]);
}

/// What is under load, and how it is disturbed.
pub(crate) struct Trial<'a> {
    pub(crate) three: &'a mut Three,
    pub(crate) fleet: &'a Agents,
    /// How many are in the fleet.
    pub(crate) agents: u64,
    /// The group that everything is in.
    pub(crate) scope: &'a str,
    pub(crate) seed: u64,
}

impl Trial<'_> {
    /// Runs all clients while `disturb` does its work, and then looks whether everything is as it was acknowledged. Says how many requests had to
    /// be sent again.
    pub(crate) async fn run(self, disturb: impl AsyncFnOnce(&mut Three)) -> u64 {
        let Self { three, fleet, agents, scope, seed } = self;
        let world = World {
            at: three.at.clone(),
            bearer: Rc::new(RefCell::new(three.at[0].bearer.clone().unwrap())),
            scope: scope.to_owned(),
            stop: Rc::default(),
            again: Rc::default(),
            done: Rc::default(),
        };
        let watchers: Vec<Rc<RefCell<Seen>>> = (0..3).map(|_| Rc::default()).collect();
        for (n, seen) in watchers.iter().enumerate() {
            spawn_local(watch(world.at.clone(), n, Rc::clone(&world.bearer), Rc::clone(seen)));
        }
        let client = |n: u64| Client::new(&world, seed ^ (n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let first = machine(scope, "first");
        until_true("the watchers watch", seconds(10), async || {
            let body = json!({"location": "local"});
            let _ = client(99).send(Method::PUT, &first, Some(&body), &[200, 201]).await;
            let _ = client(98).send(Method::DELETE, &first, None, &[200, 204]).await;
            watchers.iter().all(|seen| !seen.borrow().revisions.is_empty())
        })
        .await;
        let writer = |n: usize| Writer::new(&world, n, seed.wrapping_add(77 * n as u64 + 5)).run();
        let writers: Vec<_> = (0..WRITERS).map(|n| spawn_local(writer(n))).collect();
        let setting = spawn_local(set(client(1), scope.to_owned(), Rc::clone(&world.stop)));
        let operating = spawn_local(operate(client(2), scope.to_owned(), Rc::clone(&world.stop)));
        disturb(three).await;
        world.stop.set(true);
        let mut model = BTreeMap::new();
        for writer in writers {
            model.extend(writer.await.unwrap());
        }
        let (bytes, operations) = (setting.await.unwrap(), operating.await.unwrap());
        for api in &world.at {
            let one = Client { at: vec![api.clone()], ..client(3) };
            assert_eq!(machines(&one, scope, "w").await, model, "what was acknowledged, through each server");
        }
        let fits = |settings: &Value| settings.to_string().contains(&bytes.to_string());
        until_true("every agent has the last setting", seconds(60), async || fleet.settled(fits) >= agents)
            .await;
        let said = fleet.said();
        let found = (&said["older"], &said["ended"], &said["connected"]);
        assert_eq!(found, (&json!(0), &json!(0), &json!(agents)), "{said}");
        let head = three.servers[0].revision().await;
        until_true("the watchers have seen everything", seconds(30), async || {
            watchers.iter().all(|seen| seen.borrow().revisions.last() >= Some(&head))
        })
        .await;
        let done = world.done.borrow();
        let writes: u64 = done.values().map(|(puts, deletions)| puts + deletions).sum();
        eprintln!(
            "{writes} acknowledged writes, {} sent again, {operations} operations, {} settings",
            world.again.get(),
            bytes - FIRST_SETTING
        );
        for seen in &watchers {
            seen.borrow().agrees_with(&done);
        }
        world.again.get()
    }
}

impl Seen {
    fn agrees_with(&self, done: &BTreeMap<String, (u64, u64)>) {
        let gap = self.revisions.windows(2).find(|pair| pair[1] != pair[0] + 1);
        assert_eq!(gap, None, "a revision came twice, out of order, or was skipped");
        let wrong: Vec<_> =
            self.machines.iter().filter(|(name, counts)| done.get(*name) != Some(counts)).collect();
        assert!(wrong.is_empty(), "each acknowledged write is one change: {wrong:?}");
        eprintln!(
            "a watcher saw {} revisions over {} connections",
            self.revisions.len(),
            self.reconnects + 1
        );
    }
}

#[tokio::test]
async fn nothing_is_lost_while_servers_and_the_database_are_killed() {
    let Some(mut postgres) = Mortal::start("rounds::nothing_is_lost").await else { return };
    let (count, agents) = (setting("BOWLINE_ROUNDS", ROUNDS), setting("BOWLINE_ROUND_AGENTS", AGENTS));
    let seed = setting("BOWLINE_ROUND_SEED", uuid::Uuid::new_v4().as_u64_pair().0);
    eprintln!("BOWLINE_ROUND_SEED={seed}");
    let mut three = Three::start(postgres.url(), GRACE).await;
    let scope = group(&three.at[0], "rounds").await;
    let fleet = three.agents(&scope, agents, seconds(600 + count * 30), None).await;
    let trial = Trial { three: &mut three, fleet: &fleet, agents, scope: &scope, seed };
    let dice = Dice::new(seed);
    tokio::task::LocalSet::new()
        .run_until(async {
            let _ = trial.run(async |three| rounds(three, &mut postgres, &dice, count).await).await;
        })
        .await;
}
