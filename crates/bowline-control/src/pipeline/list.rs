//! LIST: a page of one type's resources at a scope, masked by what the caller may read.
//!
//! Pages are keyset cursors: what existed throughout appears exactly once, whatever is created or deleted meanwhile. The cursor is
//! sealed, so that nobody moves it to another scope or filter.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bowline_arm::{ApiVersion, Cursor, CursorError, Error, Filter, ResourceId, ResourceType};
use bowline_store::{Head, List, Record, Revision, Stamp, StoreError};
use bytes::{Bytes, BytesMut};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::document::{parse, render};
use super::fields::{ResourceFields, parse_filter};
use super::store_error;
use crate::Control;
use crate::answers::{Answer, Serving, encode as encode_record, parse_row};
use crate::authorization::Snapshot;
use crate::context::OpContext;
use crate::pages::Moment;
use crate::provider::{Placement, ResourceProvider};

/// The most resources of one page.
const MAX_PAGE: u32 = 1000;
/// A page with so many bytes ends.
pub const MAX_PAGE_BYTES: usize = 16 << 20;
/// Documents that are read before the page's size is looked at: all of the largest size they make 64 MiB.
const FIRST_STEP: usize = 16;
/// The same where a filter or a condition needs whole documents.
const FIRST_SCAN: u32 = 64;
/// What a filter may ask of an id alone.
const IN_THE_ID: [&str; 6] = ["id", "name", "resourcegroup", "resourcetype", "type", "subscriptionid"];
/// Types whose list at a scope shows what holds there, so that it also has what was made above.
const INHERITED: [&str; 2] =
    ["microsoft.authorization/roleassignments", "microsoft.authorization/roledefinitions"];
/// The page of a caller that asks for nothing.
const DEFAULT_PAGE: u32 = 200;

/// A LIST as it arrived.
pub struct ListRequest {
    /// At or below which scope.
    pub scope: ResourceId,
    /// Of which type.
    pub resource_type: ResourceType,
    /// As asked for.
    pub version: ApiVersion,
    /// `$filter`.
    pub filter: Option<String>,
    /// `$top`.
    pub top: Option<u32>,
    /// `$skipToken`.
    pub skip_token: Option<String>,
}

/// A page.
#[derive(Debug)]
pub struct Listed {
    /// The resources in the caller's api-version: JSON, with commas between them.
    pub row: Bytes,
    /// The `$skipToken` of the next page.
    pub next: Option<String>,
}

impl Listed {
    /// The resources as values, for an answer that shows them in another form.
    ///
    /// # Errors
    /// Never for what [`list`] gave.
    pub fn values(&self) -> Result<Vec<Value>, Error> {
        parse_row(&self.row)
    }
}

/// Lists resources.
///
/// # Errors
/// ARM errors for the caller.
pub async fn list(control: &Control, context: &OpContext, request: ListRequest) -> Result<Listed, Error> {
    let provider = control.registry().find(&request.resource_type)?;
    let spec = provider.spec();
    let filter = parse_filter(request.filter.as_deref(), &["atscope", "atexactscope", "assignedto"])?;
    let snapshot = control.authorization().snapshot().await;
    let action = spec.action_of("read");
    let mask = snapshot.scopes(context, &action);
    if mask.as_ref().is_some_and(|m| !m.reaches(request.scope.key())) && spec.placement != Placement::Tenant {
        return Err(Error::forbidden(&context.actor.name, &action, request.scope.key()));
    }
    check_scope(control, &snapshot, &request.scope).await?;
    let question =
        question_of(&request.scope, request.resource_type.key(), request.filter.as_deref(), context);
    let (after, head, until) = start(control, request.skip_token.as_deref(), &question).await?;
    let limit = request.top.map_or(DEFAULT_PAGE, |top| top.clamp(1, MAX_PAGE));
    let inherited = INHERITED.contains(&spec.type_key().as_str());
    let here = mask.as_ref().is_none_or(|mask| mask.contains(request.scope.key()));
    let serving = Serving::of(spec, &request.version);
    // The same for everybody who may see all of the scope: then it is kept for the next. What is inherited depends on the hierarchy too.
    let sees_all = here && mask.as_ref().is_none_or(|mask| !mask.has_conditions());
    let mut kept = None;
    if sees_all && !inherited && filter == Filter::Everything {
        let (scope, after) = (request.scope.key(), after.as_deref().unwrap_or_default());
        let key = format!("{}\n{}\n{scope}\n{limit}\n{after}", spec.resource_type, serving.number());
        let last_change = control.pages().last_change(&**control.store(), head, &spec.type_key()).await;
        let moment = Moment { head, until, changed: last_change.map_err(|e| store_error(&e))? };
        if let Some(page) = control.pages().find(&key, moment) {
            let next =
                page.after.clone().map(|last| control.next(last, head, until, question)).transpose()?;
            return Ok(Listed { row: page.row.clone(), next });
        }
        kept = Some((key, moment));
    }
    let visible = |found: &Found| {
        let Some(mask) = &mask else { return true };
        // Who may read at the scope may see what holds there.
        if inherited && here && !bowline_auth::roles::covers(request.scope.key(), &found.stamp.key) {
            return true;
        }
        let document = found.record.as_ref().map_or("null", |record| &record.document);
        snapshot.shows(context, mask, &action, &found.stamp.key, document)
    };
    let whole = mask.as_ref().is_some_and(|mask| mask.has_conditions());
    let mut query = Query::new(&request.scope, spec.type_key(), &filter, whole || inherited);
    if query.at_scope || inherited {
        query.parents = snapshot.hierarchy().ancestors(request.scope.key());
        query.parents.drain(..usize::from(!query.at_scope));
    }
    if filter.call("atexactscope").is_some() {
        query.parents.truncate(1);
    }
    if let Some(principal) = filter.call("assignedto").and_then(|call| call.text()) {
        query.assigned_to(principal, &snapshot)?;
    }
    let (mut found, more) = page(control, &query, after.clone(), until, limit, visible).await?;
    for found in found.iter_mut().filter(|_| inherited) {
        found.show_from(&request.scope, &snapshot, &**provider, serving)?;
    }
    let last = found.last().filter(|_| more).map(|last| last.stamp.key.clone());
    let mut row = Row::default();
    if after.is_none() {
        row.push_built_in(&**provider, &request.scope, &filter, serving);
    }
    let cut = encode(control, context, &**provider, serving, found, &mut row).await?;
    let last = cut.or(last);
    let (row, live) = (row.json.freeze(), row.live);
    if let Some((key, moment)) = kept.filter(|_| !live) {
        control.pages().keep(key, moment, row.clone(), last.clone());
    }
    Ok(Listed { row, next: last.map(|last| control.next(last, head, until, question)).transpose()? })
}

/// Resources one after the other, with commas between them.
#[derive(Default)]
struct Row {
    json: BytesMut,
    /// Whether this moment's values are in it.
    live: bool,
}

impl Row {
    /// What exists without a record.
    fn push_built_in(
        &mut self,
        provider: &dyn ResourceProvider,
        scope: &ResourceId,
        filter: &Filter,
        serving: Serving,
    ) {
        for (id, document) in provider.built_in(scope) {
            if filter.matches(&ResourceFields { id: &id, document: &document }) {
                let shown = render(provider.spec(), &id, document, None, serving.version);
                self.push(shown.to_string().as_bytes());
            }
        }
    }

    fn push(&mut self, json: &[u8]) {
        if !self.json.is_empty() {
            self.json.extend_from_slice(b",");
        }
        self.json.extend_from_slice(json);
    }
}

/// Appends the answers about what was found until the page is large enough; gives the last key when it ends early. Documents are read in
/// steps that grow: a page of large ones must not be in memory as a whole.
async fn encode(
    control: &Control,
    context: &OpContext,
    provider: &dyn ResourceProvider,
    serving: Serving,
    mut found: Vec<Found>,
    row: &mut Row,
) -> Result<Option<String>, Error> {
    let mut step = FIRST_STEP;
    while !found.is_empty() {
        let rest = found.split_off(step.min(found.len()));
        let cut = encode_step(control, context, provider, serving, found, row).await?;
        if cut.is_some() {
            // What ended with the last one of all is whole.
            return Ok(cut.filter(|(_, more)| *more || !rest.is_empty()).map(|(last, _)| last));
        }
        found = rest;
        step *= 4;
    }
    Ok(None)
}

/// Appends answers: those that are kept, and those of records that are read now. Where the page is large enough: the last key, and whether
/// there were more.
async fn encode_step(
    control: &Control,
    context: &OpContext,
    provider: &dyn ResourceProvider,
    serving: Serving,
    found: Vec<Found>,
    row: &mut Row,
) -> Result<Option<(String, bool)>, Error> {
    let mut answers = Vec::with_capacity(found.len());
    let mut missing = Vec::new();
    for Found { stamp, record, own } in found {
        let answer = match (own, &record) {
            (Some(own), _) => Some(own),
            (None, Some(record)) => Some(control.answer(provider, record, serving)?),
            (None, None) => control.answers().find(&stamp, serving),
        };
        if answer.is_none() {
            missing.push(stamp.key.clone());
        }
        answers.push((stamp, answer));
    }
    let mut read = HashMap::new();
    if !missing.is_empty() {
        for record in control.store().get_many(&missing).await.map_err(|e| store_error(&e))? {
            // A name that was deleted and made again meanwhile is another resource, and none of this page.
            read.insert(record.uid, control.answer(provider, &record, serving)?);
        }
    }
    let mut answers = answers.into_iter();
    while let Some((stamp, answer)) = answers.next() {
        if let Some(answer) = answer.or_else(|| read.remove(&stamp.uid)) {
            row.live |= answer.is_live();
            row.push(&control.finish(stamp.uid, &answer, context.now).await?);
        }
        if row.json.len() >= MAX_PAGE_BYTES {
            return Ok(Some((stamp.key, answers.len() > 0)));
        }
    }
    Ok(None)
}

pub(super) async fn check_scope(
    control: &Control,
    snapshot: &Snapshot,
    scope: &ResourceId,
) -> Result<(), Error> {
    if scope.key() == "/" || control.store().stamp(scope.key()).await.map_err(|e| store_error(&e))?.is_some()
    {
        return Ok(());
    }
    Err(snapshot.missing_scope(scope))
}

/// The question of which a page is the continuation.
pub(crate) fn question_of(
    scope: &ResourceId,
    types: &str,
    filter: Option<&str>,
    context: &OpContext,
) -> String {
    let text =
        format!("{}\n{types}\n{}\n{}", scope.key(), filter.unwrap_or_default(), context.actor.object_id);
    hex::encode(&Sha256::digest(text.as_bytes())[..8])
}

/// The key after which to go on, where the store is, and the revision at which the list began.
pub(crate) async fn start(
    control: &Control,
    token: Option<&str>,
    question: &str,
) -> Result<(Option<String>, Head, Revision), Error> {
    let head = control.store().head().await.map_err(|e| store_error(&e))?;
    let Some(token) = token else {
        return Ok((None, head, head.revision));
    };
    let refuse =
        |why: CursorError| Error::bad_request("InvalidSkipToken", why.to_string()).with_target("$skipToken");
    let cursor = control.open_cursor(token).ok_or_else(|| refuse(CursorError::Invalid))?;
    if cursor.question != question {
        return Err(refuse(CursorError::OtherQuestion));
    }
    if cursor.epoch != head.epoch {
        return Err(refuse(CursorError::OtherEpoch));
    }
    Ok((Some(cursor.after), head, Revision(cursor.revision)))
}

struct Query<'a> {
    scope: &'a ResourceId,
    type_key: String,
    filter: &'a Filter,
    /// `atScope()`: what is assigned at the scope and above it, and nothing below.
    at_scope: bool,
    /// The scopes above, whose own rows are listed too; with `at_scope` the scope itself among them, and nothing else.
    parents: Vec<String>,
    /// `assignedTo('…')`: the principal and its groups.
    assigned: Option<Vec<String>>,
    /// Whether the ids decide, and no condition on a role: then no document is read for it.
    by_id: bool,
}

/// A record of the page; the whole of it only where the filter needed that.
struct Found {
    stamp: Stamp,
    record: Option<Record>,
    /// What this list alone says of it.
    own: Option<Arc<Answer>>,
}

impl Found {
    /// What was made above the scope is shown as it is seen from there.
    fn show_from(
        &mut self,
        scope: &ResourceId,
        snapshot: &Snapshot,
        provider: &dyn ResourceProvider,
        serving: Serving,
    ) -> Result<(), Error> {
        let above = !bowline_auth::roles::covers(scope.key(), &self.stamp.key);
        let Some(record) = self.record.as_ref().filter(|_| above) else { return Ok(()) };
        let mut document = parse(record)?;
        provider.inherited_at(snapshot, scope, &mut document);
        let record = Record { document: document.to_string(), ..record.clone() };
        self.own = Some(Arc::new(encode_record(provider, &record, serving.version)?));
        Ok(())
    }
}

/// Reads until the page is full, passing over what the caller may not see or did not ask for. Whole documents are read in steps that grow as
/// long as they are small.
async fn page(
    control: &Control,
    query: &Query<'_>,
    mut after: Option<String>,
    until: Revision,
    limit: u32,
    visible: impl Fn(&Found) -> bool,
) -> Result<(Vec<Found>, bool), Error> {
    let mut page = Vec::new();
    let plain = query.filter.is_only_calls() && query.assigned.is_none();
    let most = if plain { limit + 1 } else { MAX_PAGE };
    let mut batch = if query.by_id { most } else { most.min(FIRST_SCAN) };
    let mut held = 0;
    loop {
        let (rows, end) =
            query.read_all(control, after.as_deref(), until, batch).await.map_err(|e| store_error(&e))?;
        let mut read = 0;
        for row in rows {
            after = Some(row.stamp.key.clone());
            let bytes = row.record.as_ref().map_or(0, |record| record.document.len());
            read += bytes;
            if visible(&row) && (plain || query.wants(&row)?) {
                if page.len() == limit as usize || held >= MAX_PAGE_BYTES {
                    return Ok((page, true));
                }
                held += bytes;
                page.push(row);
            }
        }
        if end {
            return Ok((page, false));
        }
        batch = if read < MAX_PAGE_BYTES / 4 { most.min(batch * 4) } else { most.min(FIRST_SCAN) };
    }
}

impl<'a> Query<'a> {
    fn new(scope: &'a ResourceId, type_key: String, filter: &'a Filter, whole: bool) -> Self {
        let at_scope = filter.call("atscope").or_else(|| filter.call("atexactscope")).is_some();
        let by_id = !whole && (filter.is_only_calls() || filter.asks_only(&IN_THE_ID));
        Self { scope, type_key, filter, at_scope, parents: Vec::new(), assigned: None, by_id }
    }

    fn assigned_to(&mut self, principal: &str, snapshot: &Snapshot) -> Result<(), Error> {
        let id: uuid::Uuid = principal.parse().map_err(|_| {
            Error::bad_request(
                "InvalidFilter",
                format!("assignedTo('{principal}') needs the object id of a principal, a GUID."),
            )
            .with_target("$filter")
        })?;
        let groups = snapshot.groups_of(id);
        self.assigned = Some(std::iter::once(id).chain(groups).map(|id| id.to_string()).collect());
        self.by_id = false;
        Ok(())
    }

    /// The next rows in the order of their keys, of the scope and of those above it, and whether they were the last.
    async fn read_all(
        &self,
        control: &Control,
        after: Option<&str>,
        until: Revision,
        batch: u32,
    ) -> Result<(Vec<Found>, bool), StoreError> {
        let list = List {
            resource_type: Some(self.type_key.clone()),
            after: after.map(str::to_owned),
            limit: batch,
            created_until: Some(until),
            ..List::default()
        };
        let prefix = (self.scope.key() != "/").then(|| self.scope.key().to_owned());
        let below = (!self.at_scope).then(|| List { prefix, ..list.clone() });
        let above = self.parents.iter().map(|parent| List { parent: Some(parent.clone()), ..list.clone() });
        let (mut rows, mut end) = (Vec::new(), true);
        for list in below.into_iter().chain(above) {
            let part = self.read(control, &list).await?;
            end &= part.len() < batch as usize;
            rows.extend(part);
        }
        if !self.parents.is_empty() {
            rows.sort_by(|a, b| a.stamp.key.cmp(&b.stamp.key));
            rows.dedup_by(|a, b| a.stamp.key == b.stamp.key);
            // Beyond these, rows of another part may lie between.
            end &= rows.len() <= batch as usize;
            rows.truncate(batch as usize);
        }
        Ok((rows, end))
    }

    async fn read(&self, control: &Control, list: &List) -> Result<Vec<Found>, StoreError> {
        if self.by_id {
            let stamps = control.store().stamps(list).await?;
            return Ok(stamps.into_iter().map(|stamp| Found { stamp, record: None, own: None }).collect());
        }
        let records = control.store().list(list).await?;
        Ok(records
            .into_iter()
            .map(|record| Found { stamp: record.stamp(), record: Some(record), own: None })
            .collect())
    }

    fn wants(&self, found: &Found) -> Result<bool, Error> {
        let id: ResourceId = found
            .stamp
            .key
            .parse()
            .map_err(|e| Error::internal(format!("the key {} is no id: {e}", found.stamp.key)))?;
        let document = found.record.as_ref().map(parse).transpose()?.unwrap_or_default();
        let principal = document["properties"]["principalId"].as_str();
        if self.assigned.as_ref().is_some_and(|all| !all.iter().any(|one| Some(one.as_str()) == principal)) {
            return Ok(false);
        }
        Ok(self.filter.is_only_calls()
            || self.filter.matches(&ResourceFields { id: &id, document: &document }))
    }
}

impl Control {
    /// The token of the page after `after` of a list that began at `until`.
    pub(crate) fn next(
        &self,
        after: String,
        head: Head,
        until: Revision,
        question: String,
    ) -> Result<String, Error> {
        let cursor = Cursor { epoch: head.epoch, revision: until.0, after, question };
        let plain = serde_json::to_vec(&cursor).map_err(Error::internal)?;
        Ok(URL_SAFE_NO_PAD.encode(self.seal().seal("page", b"", &plain)))
    }

    fn open_cursor(&self, token: &str) -> Option<Cursor> {
        let sealed = URL_SAFE_NO_PAD.decode(token.get(..4096.min(token.len()))?).ok()?;
        let plain = self.seal().open("page", b"", &sealed).ok()?;
        serde_json::from_slice(&plain).ok()
    }
}
