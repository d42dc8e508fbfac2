//! LIST: a page of one type's resources at a scope, masked by what the caller may read.
//!
//! Pages are keyset cursors: what existed throughout appears exactly once, whatever is created or deleted meanwhile. The cursor is
//! sealed, so that nobody moves it to another scope or filter.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bowline_arm::{ApiVersion, Cursor, CursorError, Error, Filter, ResourceId, ResourceType};
use bowline_store::{List, Record, Revision};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::document::{parse, render};
use super::fields::{ResourceFields, parse_filter};
use super::put::missing_scope;
use super::store_error;
use crate::Control;
use crate::context::OpContext;
use crate::provider::{Placement, ResourceProvider};

/// The most resources of one page.
const MAX_PAGE: u32 = 1000;
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
    /// The resources in the caller's api-version.
    pub value: Vec<Value>,
    /// The `$skipToken` of the next page.
    pub next: Option<String>,
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
    let mask = snapshot.scopes(context, &spec.action_of("read"));
    if mask.as_ref().is_some_and(|m| !m.reaches(request.scope.key())) && spec.placement != Placement::Tenant {
        return Err(Error::forbidden(&context.actor.name, &spec.action_of("read"), request.scope.key()));
    }
    check_scope(control, &request.scope).await?;
    let question = question(&request, context);
    let (after, until) = start(control, request.skip_token.as_deref(), &question).await?;
    let limit = request.top.map_or(DEFAULT_PAGE, |top| top.clamp(1, MAX_PAGE));
    let visible = |record: &Record| mask.as_ref().is_none_or(|m| m.contains(&record.key));
    let query = Query {
        scope: &request.scope,
        type_key: spec.type_key(),
        filter: &filter,
        at_scope: filter.call("atscope").or_else(|| filter.call("atexactscope")).is_some(),
    };
    let (records, more) = page(control, &query, after.clone(), until, limit, visible).await?;
    let version = spec.serving(&request.version);
    let mut value =
        if after.is_none() { built_in(&**provider, &request.scope, &filter, version) } else { Vec::new() };
    for record in &records {
        value.push(control.show(spec, record, parse(record)?, version, context.now)?);
    }
    let next = match records.last().filter(|_| more) {
        Some(last) => Some(control.seal_cursor(&Cursor {
            epoch: control.store().watch().borrow().epoch,
            revision: until.0,
            after: last.key.clone(),
            question,
        })?),
        None => None,
    };
    Ok(Listed { value, next })
}

async fn check_scope(control: &Control, scope: &ResourceId) -> Result<(), Error> {
    if scope.key() == "/" || control.store().get(scope.key()).await.map_err(|e| store_error(&e))?.is_some() {
        return Ok(());
    }
    Err(missing_scope(scope))
}

fn built_in(
    provider: &dyn ResourceProvider,
    scope: &ResourceId,
    filter: &Filter,
    version: &ApiVersion,
) -> Vec<Value> {
    provider
        .built_in(scope)
        .into_iter()
        .filter(|(id, document)| filter.matches(&ResourceFields { id, document }))
        .map(|(id, document)| render(provider.spec(), &id, document, None, version))
        .collect()
}

/// The question of which a page is the continuation.
fn question(request: &ListRequest, context: &OpContext) -> String {
    let text = format!(
        "{}\n{}\n{}\n{}",
        request.scope.key(),
        request.resource_type.key(),
        request.filter.as_deref().unwrap_or_default(),
        context.actor.object_id
    );
    hex::encode(&Sha256::digest(text.as_bytes())[..8])
}

async fn start(
    control: &Control,
    token: Option<&str>,
    question: &str,
) -> Result<(Option<String>, Revision), Error> {
    let Some(token) = token else {
        let head = control.store().head().await.map_err(|e| store_error(&e))?;
        return Ok((None, head.revision));
    };
    let refuse =
        |why: CursorError| Error::bad_request("InvalidSkipToken", why.to_string()).with_target("$skipToken");
    let cursor = control.open_cursor(token).ok_or_else(|| refuse(CursorError::Invalid))?;
    if cursor.question != question {
        return Err(refuse(CursorError::OtherQuestion));
    }
    if cursor.epoch != control.store().watch().borrow().epoch {
        return Err(refuse(CursorError::OtherEpoch));
    }
    Ok((Some(cursor.after), Revision(cursor.revision)))
}

struct Query<'a> {
    scope: &'a ResourceId,
    type_key: String,
    filter: &'a Filter,
    /// `atScope()`: what is assigned at the scope and above it, and nothing below.
    at_scope: bool,
}

/// Reads until the page is full, passing over what the caller may not see or did not ask for.
async fn page(
    control: &Control,
    query: &Query<'_>,
    mut after: Option<String>,
    until: Revision,
    limit: u32,
    visible: impl Fn(&Record) -> bool,
) -> Result<(Vec<Record>, bool), Error> {
    let mut records = Vec::new();
    let plain = query.filter.is_only_calls() && !query.at_scope;
    let prefix = (query.scope.key() != "/" && !query.at_scope).then(|| query.scope.key().to_owned());
    loop {
        let batch = if plain { limit + 1 } else { MAX_PAGE };
        let rows = control
            .store()
            .list(&List {
                prefix: prefix.clone(),
                resource_type: Some(query.type_key.clone()),
                after: after.clone(),
                limit: batch,
                created_until: Some(until),
                ..List::default()
            })
            .await
            .map_err(|e| store_error(&e))?;
        let end = rows.len() < batch as usize;
        for row in rows {
            after = Some(row.key.clone());
            if visible(&row) && query.wants(&row)? {
                if records.len() == limit as usize {
                    return Ok((records, true));
                }
                records.push(row);
            }
        }
        if end {
            return Ok((records, false));
        }
    }
}

impl Query<'_> {
    fn wants(&self, record: &Record) -> Result<bool, Error> {
        let id = super::document::record_id(record)?;
        if self.at_scope {
            let holder = id.parent().unwrap_or_else(ResourceId::root);
            if !holder.contains(self.scope) {
                return Ok(false);
            }
        }
        Ok(self.filter.is_only_calls()
            || self.filter.matches(&ResourceFields { id: &id, document: &parse(record)? }))
    }
}

impl Control {
    fn seal_cursor(&self, cursor: &Cursor) -> Result<String, Error> {
        let plain = serde_json::to_vec(cursor).map_err(Error::internal)?;
        Ok(URL_SAFE_NO_PAD.encode(self.seal().seal("page", b"", &plain)))
    }

    fn open_cursor(&self, token: &str) -> Option<Cursor> {
        let sealed = URL_SAFE_NO_PAD.decode(token.get(..4096.min(token.len()))?).ok()?;
        let plain = self.seal().open("page", b"", &sealed).ok()?;
        serde_json::from_slice(&plain).ok()
    }
}
