//! What is in the cluster, sent as whole objects and tombstones.
//!
//! One task per kind lists and watches ([`kind`]); this loop compares hashes with what the server has been told
//! ([`Known`]), lets bursts settle ([`coalesce`]) and hands deltas to the session. No object is kept: a full delivery lists
//! again.
//!
//! While the agent saves bytes ([`Pace`]), changes are gathered for longer and the watches of events rest; afterwards they list
//! again, and only the difference goes up.
//!
//! Design notes: everything between the API server and the session is bounded, and every await in this loop is
//! back-pressure: while the server is away the session's queue fills, this loop stops in `delta`, the kinds' channel fills, the
//! watches are not read, and the API server ends them. Afterwards they resume or list anew and only differences go up. Kinds are
//! listed one at a time, so that one page is in memory.

mod coalesce;
mod kind;
mod newest;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bowline_kubernetes::{
    ClusterError, Connection, DEFAULT_WATCHED, KindName, WATCHED_WHEN_PRESENT, cluster_uid, server_version,
};
use bowline_link::{
    item::{AgentSettings, ContentHash, DesiredDocument, kind as item_kind},
    observed::Delta,
};
use serde_json::Value;
use tokio::{
    sync::{Semaphore, mpsc},
    task::AbortHandle,
};

use self::{
    coalesce::Coalescer,
    kind::{Change, Nature, Seen, What, watch_kind},
    newest::{Admission, MAX_EVENTS, Newest, event_time},
};
use super::{
    facts::Facts,
    uplink::{Downlink, Uplink},
};
use crate::{
    clock, conditions,
    known::Known,
    logging,
    session::{Gone, Order, Pace, ReportError},
};

/// How many changes wait between the kinds and this loop.
const CHANGES: usize = 8;
/// How many kinds are watched at most; each costs a connection.
const MAX_KINDS: usize = 64;
/// How often the API server's version is read; an upgrade of a cluster takes longer.
const VERSION_EVERY: Duration = Duration::from_secs(600);
/// How soon it is read again when the API server did not answer.
const VERSION_AGAIN: Duration = Duration::from_secs(15);
/// After so many failures a kind is left out of a full delivery rather than holding it up.
const PATIENCE: u32 = 3;
/// The setting that names the kinds.
const WATCHED_KINDS: &str = "watchedKinds";

/// One kind under watch.
struct Watched {
    kind: KindName,
    nature: Nature,
    /// Holding it is what keeps the watch going; none while it rests.
    task: Option<AbortOnDrop>,
    known: Known,
    newest: Newest,
    listing: bool,
    listed: bool,
    failures: u32,
    /// Nodes are watched for the facts even when nobody wants to see them.
    reported: bool,
}

/// Ends a task when its owner is gone.
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The inventory of one cluster.
pub(super) struct Inventory<U> {
    connection: Connection,
    uplink: U,
    wanted: Vec<KindName>,
    watched: BTreeMap<u32, Watched>,
    next_watch: u32,
    listing: Arc<Semaphore>,
    changes: mpsc::Sender<Change>,
    coalescer: Coalescer,
    facts: Facts,
    status: Option<Value>,
    /// A full delivery is under way; nothing is watched before the first.
    full: bool,
    pace: Pace,
}

/// Runs the inventory until the session is gone.
pub(super) async fn run(connection: Connection, uplink: impl Uplink, mut orders: impl Downlink) -> Gone {
    let (sender, mut changes) = mpsc::channel(CHANGES);
    let versions = tokio::spawn(follow_version(connection.clone(), sender.clone()));
    let _stops_with_this = AbortOnDrop(versions.abort_handle());
    let mut inventory = Inventory::new(connection, uplink, sender);
    loop {
        let due = inventory.coalescer.next_due();
        let settle = async {
            match due {
                Some(due) => clock::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        let done = tokio::select! {
            biased;
            order = orders.next() => match order {
                Ok(order) => inventory.obey(order).await,
                Err(gone) => Err(gone),
            },
            () = settle => inventory.send_due().await,
            Some(change) = changes.recv() => inventory.take(change).await,
        };
        if let Err(gone) = done {
            return gone;
        }
    }
}

impl<U: Uplink> Inventory<U> {
    fn new(connection: Connection, uplink: U, changes: mpsc::Sender<Change>) -> Self {
        Self {
            connection,
            uplink,
            wanted: default_kinds(),
            watched: BTreeMap::new(),
            next_watch: 1,
            listing: Arc::new(Semaphore::new(1)),
            changes,
            coalescer: Coalescer::default(),
            facts: Facts::default(),
            status: None,
            full: false,
            pace: Pace::Usual,
        }
    }

    async fn obey(&mut self, order: Order) -> Result<(), Gone> {
        match order {
            Order::Desired(document) => self.adopt_settings(&document).await,
            Order::SendEverything { reason } => {
                tracing::info!(reason, "delivering the whole inventory");
                self.deliver_everything().await
            }
            Order::Pace(pace) => self.adopt_pace(pace).await,
        }
    }

    /// Lists every kind again and sends all of it. No object is kept for this.
    async fn deliver_everything(&mut self) -> Result<(), Gone> {
        self.coalescer.clear();
        self.watched.clear();
        self.full = true;
        self.uplink.begin_full().await?;
        for kind in self.to_watch() {
            self.start(kind);
        }
        self.send_status().await
    }

    /// The wanted kinds, and nodes in any case: the facts need them.
    fn to_watch(&self) -> Vec<KindName> {
        let mut kinds = self.wanted.clone();
        kinds.extend(
            default_kinds()
                .into_iter()
                .filter(|kind| Nature::of(kind) == Nature::Node && !self.wanted.contains(kind)),
        );
        kinds
    }

    fn start(&mut self, kind: KindName) {
        let watch = self.next_watch;
        self.next_watch += 1;
        let task = Some(self.watch(&kind, watch));
        let watched = Watched {
            nature: Nature::of(&kind),
            reported: self.wanted.contains(&kind),
            kind,
            task,
            known: Known::default(),
            newest: Newest::new(MAX_EVENTS),
            listing: false,
            listed: false,
            failures: 0,
        };
        self.watched.insert(watch, watched);
    }

    fn watch(&self, kind: &KindName, watch: u32) -> AbortOnDrop {
        let (connection, listing) = (self.connection.clone(), self.listing.clone());
        let task = watch_kind(connection, kind.clone(), watch, listing, self.changes.clone());
        AbortOnDrop(tokio::spawn(task).abort_handle())
    }

    /// Gathers changes for as long as the pace says, and lets events rest while bytes are short.
    async fn adopt_pace(&mut self, pace: Pace) -> Result<(), Gone> {
        self.pace = pace;
        self.coalescer.gather_for(pace.gathering(), clock::moment());
        self.facts.tell(conditions::BYTE_BUDGET, conditions::of_budget(pace), clock::now());
        self.rest_events();
        self.send_status().await
    }

    /// Events rest unless the pace is the usual one; a full delivery has them in any case, and they rest after it.
    fn rest_events(&mut self) {
        let rest = self.pace != Pace::Usual && !self.full;
        let ids = self.watched.iter().filter(|(_, watched)| watched.nature == Nature::Event);
        let ids: Vec<u32> =
            ids.filter(|(_, watched)| watched.task.is_some() == rest).map(|(id, _)| *id).collect();
        for id in ids {
            let Some(mut watched) = self.watched.remove(&id) else { continue };
            tracing::info!(kind = %watched.kind, rest, "the day's byte budget decides about events");
            watched.task = (!rest).then(|| self.watch(&watched.kind, id));
            self.watched.insert(id, watched);
        }
    }

    /// Starts and ends watches so that exactly the wanted kinds are watched.
    async fn adopt_settings(&mut self, document: &DesiredDocument) -> Result<(), Gone> {
        let settings = settings_of(document);
        let version = settings.as_ref().ok().and_then(|settings| settings.agent_version.as_deref());
        self.facts.tell(conditions::AGENT_VERSION, conditions::of_version(version), clock::now());
        logging::set_level(settings.as_ref().ok().and_then(|settings| settings.log_level.as_deref()));
        let wanted = match settings.and_then(wanted_kinds) {
            Ok(wanted) => {
                self.facts.understands(WATCHED_KINDS);
                wanted
            }
            Err(why) => {
                tracing::warn!(
                    why,
                    "the setting watchedKinds cannot be followed; the kinds stay as they are"
                );
                self.facts.misunderstands(WATCHED_KINDS, &why, clock::now());
                return self.send_status().await;
            }
        };
        if wanted != self.wanted {
            self.wanted = wanted;
            // Before the first full delivery nothing is watched yet.
            if !self.watched.is_empty() {
                self.change_kinds().await?;
            }
        }
        self.send_status().await
    }

    async fn change_kinds(&mut self) -> Result<(), Gone> {
        let wanted = self.to_watch();
        let is_kept = |watched: &Watched, this: &Self| {
            wanted.contains(&watched.kind) && watched.reported == this.wanted.contains(&watched.kind)
        };
        let ended: Vec<u32> =
            self.watched.iter().filter(|(_, watched)| !is_kept(watched, self)).map(|(id, _)| *id).collect();
        for id in ended {
            let Some(watched) = self.watched.remove(&id) else { continue };
            self.facts.works(&watched.kind);
            tracing::info!(kind = %watched.kind, "the kind is no longer watched");
            for name in watched.known.names().filter(|_| watched.reported) {
                self.put(Delta::tombstone(key_of(&watched.kind, name))).await?;
            }
        }
        for kind in wanted {
            if !self.watched.values().any(|watched| watched.kind == kind) {
                tracing::info!(%kind, "the kind is watched from now on");
                self.start(kind);
            }
        }
        self.rest_events();
        self.finish_full_when_complete().await
    }

    async fn take(&mut self, change: Change) -> Result<(), Gone> {
        if let What::Cluster { version, uid } = change.what {
            self.facts.saw_version(version);
            self.facts.saw_uid(uid);
            return self.send_status().await;
        }
        // Taken out while it is worked on, so that the rest of the inventory can be used; put back below.
        let Some(mut watched) = self.watched.remove(&change.watch) else { return Ok(()) };
        let done = self.take_from(&mut watched, change.what).await;
        self.watched.insert(change.watch, watched);
        done?;
        self.finish_full_when_complete().await
    }

    async fn take_from(&mut self, watched: &mut Watched, what: What) -> Result<(), Gone> {
        match what {
            What::ListBegan => {
                watched.known.begin_list();
                watched.newest.clear();
                watched.listing = true;
                Ok(())
            }
            What::ListEnded => self.end_list(watched).await,
            What::Object(seen) => self.take_object(watched, *seen).await,
            What::Absent(name) => self.take_absence(watched, &name).await,
            What::Failed(error) => self.take_failure(watched, &error).await,
            What::Cluster { .. } => Ok(()),
        }
    }

    async fn take_object(&mut self, watched: &mut Watched, seen: Seen) -> Result<(), Gone> {
        if let Some(node) = seen.node {
            self.facts.saw_node(&seen.name, node);
            if watched.listed {
                self.send_status().await?;
            }
        }
        if watched.nature != Nature::Event {
            return self.compare(watched, &seen.name, seen.hash, seen.object).await;
        }
        // While a list runs it is not known which events are the newest: they are held, as text, until it ends.
        let held = watched.listing.then(|| seen.object.to_string().into());
        match watched.newest.admit(&seen.name, event_time(&seen.object), held) {
            Admission::In { .. } if watched.listing => Ok(()),
            Admission::In { evicted } => {
                if let Some(evicted) = evicted.filter(|evicted| watched.known.forget(evicted)) {
                    self.put(Delta::tombstone(key_of(&watched.kind, &evicted))).await?;
                }
                self.compare(watched, &seen.name, seen.hash, seen.object).await
            }
            Admission::TooOld => Ok(()),
        }
    }

    async fn compare(
        &mut self,
        watched: &mut Watched,
        name: &str,
        hash: ContentHash,
        object: Value,
    ) -> Result<(), Gone> {
        if watched.known.saw(name, &hash) && watched.reported {
            self.put(Delta::object(key_of(&watched.kind, name), hash, object)).await?;
        }
        Ok(())
    }

    async fn take_absence(&mut self, watched: &mut Watched, name: &str) -> Result<(), Gone> {
        watched.newest.remove(name);
        if watched.nature == Nature::Node {
            self.facts.lost_node(name);
            self.send_status().await?;
        }
        if watched.known.forget(name) && watched.reported {
            self.put(Delta::tombstone(key_of(&watched.kind, name))).await?;
        }
        Ok(())
    }

    async fn end_list(&mut self, watched: &mut Watched) -> Result<(), Gone> {
        for (name, text) in watched.newest.release() {
            let object: Value = serde_json::from_str(&text).expect("it was written from a value");
            self.compare(watched, &name, ContentHash::of(&object), object).await?;
        }
        for name in watched.known.end_list() {
            if watched.reported {
                self.put(Delta::tombstone(key_of(&watched.kind, &name))).await?;
            }
        }
        (watched.listing, watched.listed, watched.failures) = (false, true, 0);
        if watched.nature == Nature::Node {
            // Not what this list found gone: a node may have gone while no watch of nodes ran at all.
            self.facts.listed_nodes(|name| watched.known.contains(name));
        }
        self.facts.works(&watched.kind);
        self.send_status().await
    }

    async fn take_failure(&mut self, watched: &mut Watched, error: &ClusterError) -> Result<(), Gone> {
        watched.failures += 1;
        if error.is_transient() {
            return Ok(());
        }
        if error.is_missing() && watched.kind.is_optional() {
            watched.failures = watched.failures.max(PATIENCE);
            return Ok(());
        }
        self.facts.fails(&watched.kind, error, clock::now());
        // What waits for a person must not hold up a full delivery.
        watched.failures = watched.failures.max(PATIENCE);
        self.send_status().await
    }

    /// A full delivery is complete when each kind has been listed, or is out of reach.
    async fn finish_full_when_complete(&mut self) -> Result<(), Gone> {
        let complete = self.watched.values().all(|watched| watched.listed || watched.failures >= PATIENCE);
        if !self.full || !complete {
            return Ok(());
        }
        while let Some(delta) = self.coalescer.pop(clock::moment()) {
            self.send(delta).await?;
        }
        self.full = false;
        self.rest_events();
        let objects: usize = self.watched.values().map(|watched| watched.known.len()).sum();
        tracing::info!(objects, "the whole inventory has been handed over");
        self.uplink.finish_full().await
    }

    async fn put(&mut self, delta: Delta) -> Result<(), Gone> {
        self.coalescer.put(delta, clock::moment());
        // A list would otherwise fill the memory before the loop comes round.
        self.send_due().await
    }

    async fn send_due(&mut self) -> Result<(), Gone> {
        while let Some(delta) = self.coalescer.pop_due(clock::moment()) {
            self.send(delta).await?;
        }
        Ok(())
    }

    async fn send(&mut self, delta: Delta) -> Result<(), Gone> {
        match self.uplink.delta(delta).await {
            Ok(()) => Ok(()),
            Err(ReportError::TooLarge(error)) => {
                tracing::warn!(%error, "an object is missing from the inventory");
                Ok(())
            }
            Err(ReportError::Gone(gone)) => Err(gone),
        }
    }

    async fn send_status(&mut self) -> Result<(), Gone> {
        let status = self.facts.status();
        if status.is_some() && status != self.status {
            self.status.clone_from(&status);
            self.uplink.status(status.unwrap_or_default()).await?;
        }
        Ok(())
    }
}

/// Reads the API server's version, and which cluster it is, now and then.
async fn follow_version(connection: Connection, changes: mpsc::Sender<Change>) {
    loop {
        let read: Result<_, ClusterError> =
            async { Ok((server_version(&connection).await?, cluster_uid(&connection).await?)) }.await;
        let wait = match read {
            Ok((version, uid)) => {
                if changes.send(Change { watch: 0, what: What::Cluster { version, uid } }).await.is_err() {
                    return;
                }
                VERSION_EVERY
            }
            Err(error) => {
                tracing::warn!(%error, advice = error.advice(), "the cluster's version cannot be read");
                VERSION_AGAIN
            }
        };
        tokio::time::sleep(wait).await;
    }
}

fn default_kinds() -> Vec<KindName> {
    let parse = |name: &&str| KindName::parse(name).expect("the default kinds are well formed");
    DEFAULT_WATCHED.iter().chain(WATCHED_WHEN_PRESENT).map(parse).collect()
}

fn settings_of(document: &DesiredDocument) -> Result<AgentSettings, String> {
    let Some(content) = document.content(item_kind::AGENT_SETTINGS) else {
        return Ok(AgentSettings::default());
    };
    serde_json::from_value(content.clone())
        .map_err(|error| format!("the agent's settings are malformed: {error}"))
}

/// What the settings ask for; the defaults when they say nothing.
fn wanted_kinds(settings: AgentSettings) -> Result<Vec<KindName>, String> {
    let Some(names) = settings.watched_kinds else { return Ok(default_kinds()) };
    if names.len() > MAX_KINDS {
        return Err(format!("{} kinds are asked for; an agent watches at most {MAX_KINDS}", names.len()));
    }
    let mut kinds = Vec::with_capacity(names.len());
    for name in names {
        let kind = KindName::parse(&name).map_err(|error| error.to_string())?;
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    Ok(kinds)
}

/// `group/version/Kind/namespace/name`; read from the right, every part is where it belongs.
fn key_of(kind: &KindName, name: &str) -> String {
    format!("{kind}/{name}")
}

#[cfg(test)]
mod tests;
