//! How many requests a principal may send in a subscription: token buckets for reads, writes and deletes, as ARM has them.
//!
//! The budgets are far above a busy client; they keep one runaway script from taking the server from everybody. A request beyond them is
//! refused before its body is read. Design notes: a bucket holds one minute's worth and refills steadily; buckets that are full again are
//! forgotten, so that memory follows who is active. Each server counts for itself.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bowline_arm::{Error, Target};
use bowline_control::RequestBudgets;
use bowline_control::context::{Actor, OpContext};
use http::{HeaderName, HeaderValue, Method};
use tokio::time::Instant;

/// Principals and subscriptions that are counted at once; beyond, all share the table's last place and nobody is refused for another.
const MAX_BUCKETS: usize = 65_536;

/// What a request is counted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Reads,
    Writes,
    Deletes,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    principal: String,
    subscription: Option<String>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

/// The buckets of all principals.
pub struct Budgets {
    limits: RequestBudgets,
    buckets: Mutex<HashMap<Key, Bucket>>,
}

/// What is left, as the answer's header says it.
#[derive(Clone, Debug)]
pub struct Remaining {
    /// The header's name.
    pub name: HeaderName,
    /// Requests that are left.
    pub value: HeaderValue,
}

impl Budgets {
    /// Empty books.
    #[must_use]
    pub fn new(limits: RequestBudgets) -> Self {
        Self { limits, buckets: Mutex::default() }
    }

    /// Takes one request from the caller's budget.
    ///
    /// # Errors
    /// `SubscriptionRequestsThrottled` or `TooManyRequests` (429) with the time until the next one fits.
    pub fn take(
        &self,
        context: &OpContext,
        method: &Method,
        target: &Target,
        now: Instant,
    ) -> Result<Remaining, Error> {
        let key = Key {
            principal: principal(&context.actor),
            subscription: subscription(target).map(str::to_ascii_lowercase),
            kind: kind(method),
        };
        let limit = f64::from(self.limit(key.kind));
        let (name, subscription) =
            (header_name(key.kind, key.subscription.is_some()), key.subscription.clone());
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_BUCKETS {
            let full = |key: &Key, b: &Bucket| refilled(*b, f64::from(self.limit(key.kind)), now);
            buckets.retain(|key, bucket| full(key, bucket) < f64::from(self.limit(key.kind)));
        }
        let bucket = buckets.entry(key).or_insert(Bucket { tokens: limit, at: now });
        *bucket = Bucket { tokens: refilled(*bucket, limit, now), at: now };
        if bucket.tokens < 1.0 {
            let seconds = ((1.0 - bucket.tokens) * 60.0 / limit).ceil().max(1.0);
            return Err(throttled(subscription.as_deref(), name.as_str(), limit, whole(seconds)));
        }
        bucket.tokens -= 1.0;
        Ok(Remaining { name, value: whole(bucket.tokens).into() })
    }

    fn limit(&self, kind: Kind) -> u32 {
        match kind {
            Kind::Reads => self.limits.reads_per_minute,
            Kind::Writes => self.limits.writes_per_minute,
            Kind::Deletes => self.limits.deletes_per_minute,
        }
    }
}

fn refilled(bucket: Bucket, limit: f64, now: Instant) -> f64 {
    let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
    (bucket.tokens + passed * limit / 60.0).min(limit)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and a u32 limit")]
fn whole(number: f64) -> u32 {
    number.floor().clamp(0.0, f64::from(u32::MAX)) as u32
}

/// Who is counted. Bearers of enrolment tokens have no object id of their own.
#[must_use]
pub fn principal(actor: &Actor) -> String {
    match actor.object_id.is_nil() {
        true => actor.name.clone(),
        false => actor.object_id.to_string(),
    }
}

fn subscription(target: &Target) -> Option<&str> {
    match target {
        Target::Resource(id) | Target::Action { resource: id, .. } | Target::Collection { scope: id, .. } => {
            id.subscription()
        }
    }
}

fn kind(method: &Method) -> Kind {
    match *method {
        Method::GET | Method::HEAD => Kind::Reads,
        Method::DELETE => Kind::Deletes,
        _ => Kind::Writes,
    }
}

fn header_name(kind: Kind, subscription: bool) -> HeaderName {
    HeaderName::from_static(match (kind, subscription) {
        (Kind::Reads, true) => "x-ms-ratelimit-remaining-subscription-reads",
        (Kind::Writes, true) => "x-ms-ratelimit-remaining-subscription-writes",
        (Kind::Deletes, true) => "x-ms-ratelimit-remaining-subscription-deletes",
        (Kind::Reads, false) => "x-ms-ratelimit-remaining-tenant-reads",
        (Kind::Writes, false) => "x-ms-ratelimit-remaining-tenant-writes",
        (Kind::Deletes, false) => "x-ms-ratelimit-remaining-tenant-deletes",
    })
}

fn throttled(subscription: Option<&str>, name: &str, limit: f64, seconds: u32) -> Error {
    let kind = name.rsplit('-').next().unwrap_or_default();
    let error = match subscription {
        Some(subscription) => Error::new(
            429,
            "SubscriptionRequestsThrottled",
            format!(
                "Your {kind} in subscription '{subscription}' are over the budget of {limit} a minute. Nothing was done; try again after {seconds} s."
            ),
        ),
        None => Error::new(
            429,
            "TooManyRequests",
            format!(
                "Your {kind} at tenant level are over the budget of {limit} a minute. Nothing was done; try again after {seconds} s."
            ),
        ),
    };
    error.with_retry_after(seconds)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn take(budgets: &Budgets, method: &Method, path: &str, now: Instant) -> Result<u32, Error> {
        let context = OpContext::system("test", jiff::Timestamp::UNIX_EPOCH);
        let target = Target::parse(path, false).unwrap();
        let remaining = budgets.take(&context, method, &target, now)?;
        Ok(remaining.value.to_str().unwrap().parse().unwrap())
    }

    #[test]
    fn a_budget_is_used_up_refills_and_is_counted_by_kind_and_subscription() {
        let limits = RequestBudgets { reads_per_minute: 60, writes_per_minute: 2, deletes_per_minute: 1 };
        let (budgets, start) = (Budgets::new(limits), Instant::now());
        let (one, other) = ("/subscriptions/A/resourceGroups/g", "/subscriptions/b/resourceGroups/g");
        assert_eq!(take(&budgets, &Method::PUT, one, start).unwrap(), 1);
        assert_eq!(take(&budgets, &Method::PATCH, &one.to_lowercase(), start).unwrap(), 0);
        let refused = take(&budgets, &Method::PUT, one, start).unwrap_err();
        assert_eq!(
            (refused.status, refused.code, refused.retry_after),
            (429, "SubscriptionRequestsThrottled", Some(30))
        );
        assert_eq!(take(&budgets, &Method::PUT, other, start).unwrap(), 1);
        assert_eq!(take(&budgets, &Method::DELETE, one, start).unwrap(), 0);
        assert_eq!(take(&budgets, &Method::GET, one, start).unwrap(), 59);
        assert_eq!(take(&budgets, &Method::PUT, one, start + Duration::from_secs(31)).unwrap(), 0);
        assert_eq!(take(&budgets, &Method::PUT, "/", start).unwrap(), 1);
        take(&budgets, &Method::PUT, "/", start).unwrap();
        assert_eq!(take(&budgets, &Method::PUT, "/", start).unwrap_err().code, "TooManyRequests");
    }
}
