//! The ledger of a cluster: ConfigMaps in the agent's namespace, one per item and a head.
//!
//! An item's name carries the hash of its content, so that a new content never overwrites the old one before the head has
//! moved. ConfigMaps of the ledger that the head does not name are left-overs of a crash and are swept at the next write.
//! A content that would not fit into a ConfigMap as text is compressed.

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bowline_kubernetes::{ClusterError, Connection, apply_object};
use bowline_link::item::{ContentHash, DesiredDocument, ItemContent, ItemHead, KnownDocument, Merged};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::home::kind;
use crate::ledger::{Ledger, LedgerError};

const PREFIX: &str = "bowline-ledger-";
const HEAD: &str = "bowline-ledger-head";
/// The label by which the ledger's ConfigMaps are found again.
const LABEL: (&str, &str) = ("bowline.dev/part", "ledger");
/// A ConfigMap holds 1 MiB; above this, text is compressed.
const MAX_TEXT: usize = 512 * 1024;
/// No content is larger than a line of the session.
const MAX_UNPACKED: usize = 4 * 1024 * 1024;

/// The desired document on ConfigMaps.
#[derive(Debug)]
pub(super) struct ConfigMapLedger {
    connection: Connection,
    namespace: String,
    principal: String,
}

/// What is written last.
#[derive(Serialize, Deserialize)]
struct Head {
    /// Whose document it is: generations of another resource mean nothing to this one.
    principal: String,
    #[serde(flatten)]
    known: KnownDocument,
}

impl ConfigMapLedger {
    /// The ledger of the resource with this identity; what another one left there is not read.
    pub(super) fn new(connection: Connection, namespace: &str, principal: &str) -> Self {
        Self { connection, namespace: namespace.to_owned(), principal: principal.to_owned() }
    }

    fn path(&self, name: &str) -> String {
        kind("v1/ConfigMap").object_path(Some(&self.namespace), name)
    }

    async fn read(&self, name: &str) -> Result<Option<Value>, LedgerError> {
        let map =
            self.connection.find(&self.path(name)).await.map_err(|error| failed("read", name, error))?;
        Ok(map.and_then(|map| unpack(&map)))
    }

    async fn write(&self, name: &str, content: &Value) -> Result<(), LedgerError> {
        let mut map = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": self.namespace, "labels": {LABEL.0: LABEL.1}},
        });
        pack(content, &mut map).map_err(|source| LedgerError {
            doing: "write",
            what: format!("the ConfigMap {name}"),
            source: Box::new(source),
        })?;
        apply_object(&self.connection, &map, true)
            .await
            .map(drop)
            .map_err(|error| failed("write", name, error))
    }

    async fn item(&self, head: &ItemHead) -> Result<Option<ItemContent>, LedgerError> {
        let name = item_name(head);
        match self.read(&name).await? {
            Some(content) if ContentHash::of(&content) == head.hash => {
                Ok(Some(ItemContent { uid: head.uid, kind: head.kind.clone(), hash: head.hash, content }))
            }
            _ => {
                tracing::warn!(
                    name,
                    "an item of the ledger is missing or damaged; the server will send it again"
                );
                Ok(None)
            }
        }
    }

    async fn sweep(&self, known: &KnownDocument) -> Result<(), LedgerError> {
        let keep: Vec<String> = known.items.iter().map(item_name).collect();
        let maps = kind("v1/ConfigMap").collection_path(Some(&self.namespace));
        let path = format!("{maps}?labelSelector={}%3D{}", LABEL.0.replace('/', "%2F"), LABEL.1);
        let list =
            self.connection.get(&path).await.map_err(|error| failed("list", "bowline-ledger-*", error))?;
        let names = list["items"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|map| map.pointer("/metadata/name")?.as_str());
        for name in names.filter(|name| name.starts_with(PREFIX) && *name != HEAD) {
            if !keep.iter().any(|kept| kept == name) {
                self.connection
                    .delete(&self.path(name))
                    .await
                    .map_err(|error| failed("remove", name, error))?;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Ledger for ConfigMapLedger {
    async fn load(&mut self) -> Result<Option<DesiredDocument>, LedgerError> {
        let Some(head) = self.read(HEAD).await? else { return Ok(None) };
        let Ok(Head { principal, known }) = serde_json::from_value(head) else {
            tracing::warn!("the head of the ledger is damaged; the server will send everything again");
            return Ok(None);
        };
        if principal != self.principal {
            tracing::info!("the ledger is that of an earlier enrolment and is not used");
            return Ok(None);
        }
        let mut items = Vec::with_capacity(known.items.len());
        for head in &known.items {
            match self.item(head).await? {
                Some(item) => items.push(item),
                None => return Ok(None),
            }
        }
        Ok(Some(DesiredDocument { epoch: known.epoch, generation: known.generation, items }))
    }

    async fn store(&mut self, merged: &Merged) -> Result<(), LedgerError> {
        for item in &merged.write {
            self.write(&item_name(&item.head()), &item.content).await?;
        }
        let head = Head { principal: self.principal.clone(), known: merged.known.clone() };
        let head = serde_json::to_value(head).expect("a head is made of strings and numbers");
        self.write(HEAD, &head).await?;
        self.sweep(&merged.known).await
    }
}

/// Kinds come from the server and need not be names of Kubernetes; uid and hash are.
fn item_name(head: &ItemHead) -> String {
    format!("{PREFIX}{}-{}", head.uid, &head.hash.to_string()[..32])
}

fn pack(content: &Value, map: &mut Value) -> std::io::Result<()> {
    let text = content.to_string();
    if text.len() <= MAX_TEXT {
        map["data"] = json!({ "content": text });
    } else {
        let packed = zstd::bulk::compress(text.as_bytes(), 3)?;
        map["binaryData"] = json!({ "content.zst": STANDARD.encode(packed) });
    }
    Ok(())
}

fn unpack(map: &Value) -> Option<Value> {
    if let Some(text) = map.pointer("/data/content").and_then(Value::as_str) {
        return serde_json::from_str(text).ok();
    }
    let packed = STANDARD.decode(map.get("binaryData")?.get("content.zst")?.as_str()?).ok()?;
    serde_json::from_slice(&zstd::bulk::decompress(&packed, MAX_UNPACKED).ok()?).ok()
}

fn failed(doing: &'static str, name: &str, source: ClusterError) -> LedgerError {
    LedgerError { doing, what: format!("the ConfigMap {name}"), source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_contents_are_readable_and_large_ones_fit() {
        let random: String = (0..700_000_u64).map(|n| char::from(b'a' + (n * n % 23) as u8)).collect();
        for (content, member) in [(json!({"a": 1}), "data"), (json!({ "a": random }), "binaryData")] {
            let mut map = json!({});
            pack(&content, &mut map).unwrap();
            assert!(map.get(member).is_some(), "{member}");
            assert!(map.to_string().len() < 1024 * 1024);
            assert_eq!(unpack(&map).unwrap(), content);
        }
        assert_eq!(unpack(&json!({"data": {"content": "{"}})), None);
    }
}
