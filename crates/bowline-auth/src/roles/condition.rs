//! The ports through which the rules that are not roles reach a decision: conditions on assignments, and what lies above a subscription.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

/// What a condition may ask about, beside who does what where.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts<'a> {
    /// The moment of the request.
    pub now: Option<Timestamp>,
    /// `User`, `ServicePrincipal` or `ManagedServiceIdentity`.
    pub principal_kind: Option<&'a str>,
    /// The resource as it is stored; null when there is none, and none when nobody has looked.
    pub resource: Option<&'a Value>,
    /// The resource as the request would have it.
    pub request: Option<&'a Value>,
}

/// One question to a condition.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    pub principal: Uuid,
    /// Lower case.
    pub action: &'a str,
    /// Whether it is a data action.
    pub data: bool,
    /// Normalised.
    pub scope: &'a str,
    pub facts: &'a Facts<'a>,
}

/// A condition on a role assignment.
pub trait Condition: fmt::Debug + Send + Sync {
    /// As it was written.
    fn written(&self) -> &str;

    /// Whether it looks at the resource itself, so that it can be decided only with [`Facts::resource`].
    fn asks_resource(&self) -> bool;

    /// Whether it holds; none when that cannot be decided, which gives nothing.
    fn holds(&self, question: &Question<'_>) -> Option<bool>;
}

/// What hangs above and below management groups.
pub trait Hierarchy: Send + Sync {
    /// The management groups above a subscription or a management group, nearest first, without the root `/`.
    fn above(&self, scope: &str) -> Vec<Arc<str>>;

    /// The subscriptions and management groups below a management group.
    fn below(&self, scope: &str) -> Vec<Arc<str>>;
}

/// No management groups.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Flat;

impl Hierarchy for Flat {
    fn above(&self, _scope: &str) -> Vec<Arc<str>> {
        Vec::new()
    }

    fn below(&self, _scope: &str) -> Vec<Arc<str>> {
        Vec::new()
    }
}
