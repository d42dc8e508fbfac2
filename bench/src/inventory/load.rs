//! Writes the fleet: into a server's database while it is down, and as lines of JSON for its peers.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use bowline_store::conformance::Dice;
use bowline_store::{Commit, Draft, Observation, Segment, SqliteOptions, Store, Write, open_sqlite};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::data::{Made, TYPES, guid, object, resource};
use crate::machine::create;

/// Records of a commit.
const AT_ONCE: usize = 4000;
/// Clusters that have the objects.
pub(super) const CLUSTERS: u64 = 200;

/// What was written.
#[derive(Default)]
pub(super) struct Fleet {
    /// A machine that lies where the limited caller sees it: its name and its id.
    pub(super) one: Option<(String, String)>,
    /// Bytes of all tags and properties.
    pub(super) bytes: usize,
}

fn draft(made: &Made, properties: &str) -> Draft {
    let mut dice = Dice::new(made.number);
    let key = made.id.to_lowercase();
    // As the id's own parent: what stands before the last type and name.
    let parent = key.rsplit_once('/').and_then(|(above, _)| above.rsplit_once('/')).map(|(parent, _)| {
        parent
            .split_once("/providers/")
            .filter(|_| made.kind != 2)
            .map_or(parent, |(group, _)| group)
            .to_owned()
    });
    Draft {
        uid: Uuid::from_u128(0x0b0e_11e5 << 96 | u128::from(made.number)),
        id: made.id.clone(),
        key,
        resource_type: TYPES[made.kind].0.to_owned(),
        parent,
        principal: None,
        etag: guid(&mut dice)[..24].replace('-', "0"),
        model: 1,
        deleting: false,
        document: format!(
            r#"{{"location":"{}","properties":{properties},"systemData":{{"createdBy":"admin","createdByType":"User","createdAt":"2026-10-01T00:00:00Z","lastModifiedBy":"admin","lastModifiedByType":"User","lastModifiedAt":"2026-10-01T00:00:00Z"}},"tags":{}}}"#,
            made.location, made.tags
        ),
        protected: None,
    }
}

fn commit(tenant: Uuid, writes: Vec<Write>) -> Commit {
    Commit {
        tenant,
        actor: "admin".to_owned(),
        correlation_id: Uuid::nil(),
        now: Timestamp::UNIX_EPOCH,
        guards: Vec::new(),
        writes,
        entries: Vec::new(),
        watermarks: Vec::new(),
        origin: None,
        activity: Vec::new(),
    }
}

/// All resources and objects; the limited caller sees these subscriptions.
pub(super) async fn fleet(
    data: &Path,
    peers: &Path,
    tenant: Uuid,
    (count, objects): (u64, u64),
    seen: &[String],
) -> Result<Fleet> {
    let store = open_sqlite(SqliteOptions::new(data)).await?;
    let mut lines = std::io::BufWriter::new(create(&peers.join("rows.ndjson"))?);
    let mut fleet = Fleet::default();
    let mut clusters = Vec::new();
    // In the order of the database's own index: else it is written over and over.
    let mut order: Vec<(String, u64)> =
        (0..count).map(|number| (resource(number, count).id, number)).collect();
    order.sort_unstable();
    for some in order.chunks(AT_ONCE) {
        let mut writes = Vec::new();
        for (_, number) in some {
            let made = resource(*number, count);
            let (tags, properties) = (made.tags.to_string(), made.properties.to_string());
            fleet.bytes += tags.len() + properties.len();
            let row = json!({
                "id": made.id, "name": made.name, "type": TYPES[made.kind].0, "location": made.location, "resourceGroup": made.group,
                "subscriptionId": made.subscription, "tags": made.tags, "properties": made.properties,
            });
            writeln!(lines, "{row}")?;
            if made.kind == 1 && seen.contains(&made.subscription) {
                fleet.one = Some((made.name.clone(), made.id.clone()));
            }
            let draft = draft(&made, &properties);
            if made.kind == 0 && clusters.len() < usize::try_from(CLUSTERS)? {
                clusters.push(draft.uid);
            }
            writes.push(Write::Create(draft));
        }
        let _ = store.commit(commit(tenant, writes)).await?;
    }
    lines.flush()?;
    for (number, cluster) in clusters.iter().enumerate() {
        segment(&*store, *cluster, number as u64, objects / CLUSTERS).await?;
    }
    Ok(fleet)
}

/// What the agent of a cluster reported, as the server keeps it.
async fn segment(store: &dyn Store, cluster: Uuid, number: u64, objects: u64) -> Result<()> {
    let seen = |at: u64| {
        let (key, object) = object(number, at);
        json!([key, {"object": object.to_string(), "at": "2026-10-31T00:00:00Z"}])
    };
    let objects: Vec<Value> = (0..objects).map(seen).collect();
    let bytes = zstd::bulk::compress(json!({"objects": objects}).to_string().as_bytes(), 3)?;
    let source = format!("{}/inventory", cluster.simple());
    let time = Timestamp::UNIX_EPOCH;
    let source_epoch = Uuid::from_u128(u128::from(number));
    // The segment takes its place.
    let first = Observation { source: source.clone(), source_epoch, seq: 1, time, bytes: Vec::new() };
    let _ = store.append_observation(first).await?;
    let segment = Segment { source, source_epoch, seq: 1, time, bytes };
    store.put_segment(segment).await.context("a cluster's objects can be kept")
}
