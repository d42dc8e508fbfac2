//! What a client of Resource Graph asks for: `POST /providers/Microsoft.ResourceGraph/resources` (2022-10-01, 2024-04-01).

use bowline_arm::Error;
use serde_json::Value;

/// The most rows of one answer, and those of a client that names no number; both as in Azure.
const MOST: usize = 1000;
const USUAL: usize = 100;
/// The most facets of one request, and of subscriptions and management groups.
const MAX_FACETS: usize = 20;
const MAX_SCOPES: usize = 10_000;
/// As the language bounds it.
const MAX_QUERY: usize = bowline_kql::LONGEST_QUERY;

/// See the module.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) query: String,
    /// Names of subscriptions; none: all.
    pub(super) subscriptions: Vec<String>,
    /// Names of management groups.
    pub(super) management_groups: Vec<String>,
    pub(super) top: usize,
    pub(super) skip: usize,
    /// The page link, if one is followed.
    pub(super) link: Option<Link>,
    /// Columns and rows instead of objects.
    pub(super) table: bool,
    pub(super) facets: Vec<Facet>,
}

/// Where a page begins.
#[derive(Debug)]
pub(super) struct Link {
    /// The kept answer that it is of.
    pub(super) pin: u64,
    /// The key of the row before, where rows have one.
    pub(super) key: Option<String>,
}

/// Counts of the answer by a column.
#[derive(Debug)]
pub(super) struct Facet {
    pub(super) expression: String,
    pub(super) sort_by: String,
    pub(super) ascending: bool,
    pub(super) filter: Option<String>,
    pub(super) top: usize,
}

fn refused(target: &str, why: &str) -> Error {
    Error::bad_request("InvalidRequestContent", format!("'{target}' {why}.")).with_target(target)
}

fn names(body: &Value, member: &str) -> Result<Vec<String>, Error> {
    let Some(value) = body.get(member).filter(|value| !value.is_null()) else { return Ok(Vec::new()) };
    let texts: Option<Vec<String>> =
        value.as_array().and_then(|list| list.iter().map(|one| one.as_str().map(str::to_owned)).collect());
    match texts {
        Some(texts) if texts.len() <= MAX_SCOPES => Ok(texts),
        _ => Err(refused(member, "must be a list of at most 10,000 names")),
    }
}

/// A whole number between two; a text of digits is one too, as some clients send it.
fn number(value: &Value, target: &str, least: usize, most: usize) -> Result<Option<usize>, Error> {
    if value.is_null() {
        return Ok(None);
    }
    let read = value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
    match read.and_then(|number| usize::try_from(number).ok()) {
        Some(number) if (least..=most).contains(&number) => Ok(Some(number)),
        _ => Err(refused(target, &format!("must be a whole number from {least} to {most}"))),
    }
}

impl Request {
    pub(super) fn parse(body: &Value) -> Result<Self, Error> {
        let query = body["query"].as_str().map(str::trim).filter(|query| !query.is_empty());
        let query = query
            .ok_or_else(|| refused("query", "must hold a query in KQL, for example: Resources | count"))?;
        if query.len() > MAX_QUERY {
            return Err(refused("query", &format!("has at most {MAX_QUERY} bytes")));
        }
        let options = &body["options"];
        let (skip, link) = match options["$skipToken"].as_str() {
            Some(token) => {
                let (next, link) = from_token(token, query)?;
                (next, Some(link))
            }
            None => (number(&options["$skip"], "options.$skip", 0, usize::MAX)?.unwrap_or_default(), None),
        };
        let table = match options["resultFormat"].as_str() {
            None => false,
            Some(format) if format.eq_ignore_ascii_case("objectArray") => false,
            Some(format) if format.eq_ignore_ascii_case("table") => true,
            Some(_) => return Err(refused("options.resultFormat", "must be objectArray or table")),
        };
        let facets = body["facets"].as_array().map_or(&[][..], Vec::as_slice);
        if facets.len() > MAX_FACETS {
            return Err(refused("facets", "are at most 20"));
        }
        Ok(Self {
            query: query.to_owned(),
            subscriptions: names(body, "subscriptions")?,
            management_groups: names(body, "managementGroups")?,
            top: number(&options["$top"], "options.$top", 1, MOST)?.unwrap_or(USUAL),
            skip,
            link,
            table,
            facets: facets.iter().map(Facet::parse).collect::<Result<_, _>>()?,
        })
    }

    /// Where the next page begins, for this query alone, in the answer of this name, and behind which row when that is gone.
    pub(super) fn token(&self, next: usize, pin: u64, key: Option<&str>) -> String {
        let key = key.map(|key| format!(".{key}")).unwrap_or_default();
        format!("{next}.{:016x}.{pin:016x}{key}", self.fingerprint())
    }

    fn fingerprint(&self) -> u64 {
        fingerprint(&self.query)
    }

    /// Tells whole questions apart: the query and the scopes that it names.
    pub(super) fn question(&self) -> u64 {
        let scopes = [self.subscriptions.join(","), self.management_groups.join(",")].join("|");
        fingerprint(&format!("{}|{scopes}", self.query))
    }
}

fn from_token(token: &str, query: &str) -> Result<(usize, Link), Error> {
    let stale = || {
        Error::bad_request(
            "InvalidSkipToken",
            "The '$skipToken' belongs to another query. Send the query of the page that gave it, or start without.",
        )
        .with_target("options.$skipToken")
    };
    let mut parts = token.split('.');
    let (next, of, pin, key) = (parts.next(), parts.next(), parts.next(), parts.next());
    if of != Some(&format!("{:016x}", fingerprint(query))) || parts.next().is_some() {
        return Err(stale());
    }
    let next = next.and_then(|next| next.parse().ok()).ok_or_else(stale)?;
    let pin = pin.and_then(|pin| u64::from_str_radix(pin, 16).ok()).ok_or_else(stale)?;
    Ok((next, Link { pin, key: key.map(str::to_owned) }))
}

/// FNV-1a: it tells queries apart and protects nothing.
fn fingerprint(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

impl Facet {
    fn parse(facet: &Value) -> Result<Self, Error> {
        let expression = facet["expression"].as_str().filter(|text| !text.is_empty());
        let options = &facet["options"];
        Ok(Self {
            expression: expression
                .ok_or_else(|| refused("facets.expression", "must name a column"))?
                .to_owned(),
            sort_by: options["sortBy"].as_str().unwrap_or("count").to_owned(),
            ascending: options["sortOrder"].as_str().is_some_and(|order| order.eq_ignore_ascii_case("asc")),
            filter: options["filter"].as_str().map(str::to_owned),
            top: number(&options["$top"], "facets.options.$top", 1, MOST)?.unwrap_or(10),
        })
    }
}
