//! Several servers on one database: heartbeats, agents, and what happens when a server is gone.

use super::{Handles, at_once, uid};
use crate::fleet::{Attaching, Detaching, Fleet, Member, Says};
use std::collections::BTreeSet;
use std::time::Duration;
use uuid::Uuid;

const LONG: Duration = Duration::from_secs(600);

fn member(number: u128) -> Member {
    let name = format!("server {number}");
    Member { id: uid(number), name, version: "1".to_owned() }
}

fn session(agent: u128, connection: u128, instance: &str) -> Attaching {
    Attaching {
        agent: uid(agent),
        resource: format!("/a/{agent}"),
        session: uid(connection + 5000),
        connection: uid(connection),
        instance: instance.to_owned(),
    }
}

async fn join(fleet: &dyn Fleet, number: u128, ttl: Duration) -> Uuid {
    fleet.join(&member(number), ttl).await.unwrap();
    uid(number)
}

async fn holder(fleet: &dyn Fleet, agent: u128) -> Option<Uuid> {
    fleet.attached(&[uid(agent)]).await.unwrap().pop()?.server
}

/// It shows as gone, its heartbeat is refused, and joining again raises its epoch.
pub async fn a_server_that_is_silent_is_gone(handles: Handles) {
    let fleet = handles[0].fleet().unwrap();
    let first = fleet.join(&member(1), Duration::ZERO).await.unwrap();
    join(fleet, 2, LONG).await;
    let live = async || {
        let seen = fleet.members().await.unwrap();
        seen.iter().map(|one| (one.member.name.clone(), one.live)).collect::<Vec<_>>()
    };
    assert_eq!(live().await, [("server 1".to_owned(), false), ("server 2".to_owned(), true)]);
    assert!(!fleet.beat(uid(1), first, &Says::default(), LONG).await.unwrap());
    let again = fleet.join(&member(1), LONG).await.unwrap();
    assert!(again > first);
    assert!(!fleet.beat(uid(1), first, &Says::default(), LONG).await.unwrap(), "its former self is refused");
    assert!(fleet.beat(uid(1), again, &Says { draining: true, status: "{}" }, LONG).await.unwrap());
    let seen = fleet.members().await.unwrap();
    assert_eq!((seen[0].draining, seen[0].status.as_str()), (true, "{}"));
    fleet.leave(uid(1), LONG).await.unwrap();
    assert_eq!(live().await.len(), 1);
}

/// Leases and absences that were made by a clock which was put back since are cut to what they are at most; shorter ones stay.
pub async fn what_would_last_too_long_is_shortened(handles: Handles) {
    let (store, fleet) = (&handles[0], handles[0].fleet().unwrap());
    let brief = Duration::from_millis(300);
    let (one, two) = (join(fleet, 1, LONG).await, join(fleet, 2, LONG).await);
    assert!(store.acquire_lease("task", &one.to_string(), LONG).await.unwrap().is_some());
    fleet.attach(two, &[session(1, 101, "a"), session(2, 102, "b")]).await.unwrap().unwrap();
    fleet.detach(two, &[Detaching { agent: uid(1), connection: uid(101), delay: LONG }]).await.unwrap();
    let before = fleet.time().await.unwrap();
    fleet.shorten(LONG * 2, LONG * 2).await.unwrap();
    assert!(fleet.members().await.unwrap().iter().all(|seen| seen.live), "nothing lasted too long");
    fleet.shorten(brief, Duration::ZERO).await.unwrap();
    assert_eq!(fleet.overdue(10).await.unwrap(), [(uid(1), "/a/1".to_owned())]);
    assert_eq!(holder(fleet, 2).await, Some(two), "who is there is not touched");
    tokio::time::sleep(brief).await;
    assert!(fleet.members().await.unwrap().iter().all(|seen| !seen.live));
    assert!(store.acquire_lease("task", "other", LONG).await.unwrap().is_some());
    assert!(fleet.time().await.unwrap() > before);
}

/// Tasks are held as long as the server that has them beats, and given back when it leaves.
pub async fn a_heartbeat_prolongs_what_is_held(handles: Handles) {
    let fleet = handles[0].fleet().unwrap();
    let epoch = fleet.join(&member(1), LONG).await.unwrap();
    let (own, short) = (uid(1).to_string(), Duration::from_millis(300));
    let lease = handles[0].acquire_lease("task", &own, short).await.unwrap().unwrap();
    assert!(fleet.beat(uid(1), epoch, &Says::default(), LONG).await.unwrap());
    tokio::time::sleep(2 * short).await;
    let seen = fleet.leases().await.unwrap();
    assert_eq!((seen[0].name.as_str(), seen[0].epoch, seen[0].live), ("task", lease.epoch, true));
    assert_eq!(handles[0].acquire_lease("task", "other", LONG).await.unwrap(), None);
    fleet.leave(uid(1), LONG).await.unwrap();
    assert!(handles[0].acquire_lease("task", "other", LONG).await.unwrap().unwrap().epoch > lease.epoch);
}

/// The newest session of an installation owns the agent; another installation is refused while the holder lives.
pub async fn agents_are_held_once(handles: Handles) {
    let fleet = handles[0].fleet().unwrap();
    let (one, two) = (join(fleet, 1, LONG).await, join(fleet, 2, LONG).await);
    let taken =
        |server, session| async move { fleet.attach(server, &[session]).await.unwrap().unwrap().len() };
    assert_eq!(taken(one, session(10, 100, "disk")).await, 1);
    assert_eq!(taken(two, session(10, 101, "copy")).await, 0, "a clone is refused");
    assert_eq!(holder(fleet, 10).await, Some(one));
    assert_eq!(taken(two, session(10, 102, "disk")).await, 1);
    assert_eq!(holder(fleet, 10).await, Some(two));
    // The end of the older connection changes nothing.
    let ended = Detaching { agent: uid(10), connection: uid(100), delay: Duration::ZERO };
    fleet.detach(one, &[ended]).await.unwrap();
    assert_eq!(holder(fleet, 10).await, Some(two));
    let ended = Detaching { connection: uid(102), ..ended };
    fleet.detach(two, &[ended]).await.unwrap();
    assert_eq!(taken(one, session(10, 103, "copy")).await, 1, "nobody has it");
    assert_eq!(
        fleet.attach(uid(9), &[session(11, 1, "x")]).await.unwrap(),
        None,
        "who never joined holds nobody"
    );
}

/// What stays away is overdue, once.
pub async fn ended_sessions_are_awaited_and_then_forgotten(handles: Handles) {
    let fleet = handles[0].fleet().unwrap();
    let one = join(fleet, 1, LONG).await;
    let sessions = [session(1, 101, "a"), session(2, 102, "b"), session(3, 103, "c")];
    fleet.attach(one, &sessions).await.unwrap().unwrap();
    let ends = |agent, delay| Detaching { agent: uid(agent), connection: uid(agent + 100), delay };
    fleet.detach(one, &[ends(1, Duration::ZERO), ends(2, LONG), ends(3, Duration::ZERO)]).await.unwrap();
    let overdue = fleet.overdue(10).await.unwrap();
    let keys: BTreeSet<&str> = overdue.iter().map(|(_, key)| key.as_str()).collect();
    assert_eq!(keys, BTreeSet::from(["/a/1", "/a/3"]));
    assert!(fleet.forget(uid(1)).await.unwrap());
    assert!(!fleet.forget(uid(1)).await.unwrap());
    assert!(!fleet.forget(uid(2)).await.unwrap(), "it may still come back");
    fleet.attach(one, &[session(3, 104, "c")]).await.unwrap().unwrap();
    assert!(!fleet.forget(uid(3)).await.unwrap(), "it is back");
    assert!(fleet.overdue(10).await.unwrap().is_empty());
}

/// Their time starts when the loss is noticed, so that an outage of the database itself costs nobody.
pub async fn agents_of_a_lost_server_are_freed(handles: Handles) {
    let fleet = handles[0].fleet().unwrap();
    let brief = Duration::from_millis(300);
    let (one, two) = (join(fleet, 1, brief).await, join(fleet, 2, LONG).await);
    fleet.attach(one, &[session(1, 101, "a"), session(2, 102, "b")]).await.unwrap().unwrap();
    fleet.attach(two, &[session(3, 103, "c")]).await.unwrap().unwrap();
    assert_eq!(fleet.free_lost(LONG).await.unwrap(), 0);
    while fleet.free_lost(LONG).await.unwrap() != 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(fleet.overdue(10).await.unwrap().is_empty(), "they have their time");
    assert_eq!(fleet.attach(one, &[session(4, 104, "d")]).await.unwrap(), None, "it is cut off");
    fleet.attach(two, &[session(1, 105, "a")]).await.unwrap().unwrap();
    assert_eq!(holder(fleet, 1).await, Some(two));
    assert_eq!(holder(fleet, 2).await, None);
    assert_eq!(holder(fleet, 3).await, Some(two));
}

/// It takes back those that nobody else has.
pub async fn a_server_that_comes_back_takes_its_agents(handles: Handles) {
    let fleet = handles[0].fleet().unwrap();
    let (one, two) = (join(fleet, 1, Duration::from_millis(200)).await, join(fleet, 2, LONG).await);
    fleet.attach(one, &[session(1, 101, "a"), session(2, 102, "b")]).await.unwrap().unwrap();
    while fleet.free_lost(LONG).await.unwrap() == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    fleet.attach(two, &[session(1, 103, "a")]).await.unwrap().unwrap();
    join(fleet, 1, LONG).await;
    let back = fleet.reclaim(one, &[(uid(1), uid(101)), (uid(2), uid(102))]).await.unwrap();
    assert_eq!(back, [uid(2)]);
    assert_eq!((holder(fleet, 1).await, holder(fleet, 2).await), (Some(two), Some(one)));
}

/// Servers that take the same agents at once wait for each other in a line, and each agent ends up with one of them.
pub async fn many_agents_move_at_once(handles: Handles) {
    for number in 1..=3 {
        join(handles[0].fleet().unwrap(), number, LONG).await;
    }
    let taken = at_once(&handles, 12, |store, number| async move {
        let number = number as u128;
        let sessions: Vec<_> = (0..300).map(|agent| session(agent, 1000 + number, "same")).collect();
        let fleet = store.fleet().unwrap();
        let taken = fleet.attach(uid(number % 3 + 1), &sessions).await.unwrap().unwrap().len();
        let ended: Vec<_> = sessions
            .iter()
            .map(|one| Detaching { agent: one.agent, connection: one.connection, delay: LONG })
            .collect();
        fleet.detach(uid(number % 3 + 1), &ended).await.unwrap();
        taken
    })
    .await;
    assert!(taken.iter().all(|taken| *taken == 300), "{taken:?}");
    let agents: Vec<Uuid> = (0..300).map(uid).collect();
    assert_eq!(handles[0].fleet().unwrap().attached(&agents).await.unwrap().len(), 300);
}
