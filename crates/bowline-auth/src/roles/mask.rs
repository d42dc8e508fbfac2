//! Where an action is allowed: the mask of LIST and of the event stream.

use std::sync::Arc;

use super::condition::{Condition, Question};
use super::scope::{ScopeSet, covers};

/// The scopes at which an action is allowed, and those at which a condition says for each resource.
#[derive(Debug, Clone, Default)]
pub struct Mask {
    always: ScopeSet,
    conditional: Vec<(Arc<str>, Arc<dyn Condition>)>,
}

impl Mask {
    pub(super) fn new<'a>(
        always: impl IntoIterator<Item = &'a str>,
        conditional: Vec<(Arc<str>, Arc<dyn Condition>)>,
    ) -> Self {
        Self { always: ScopeSet::new(always), conditional }
    }

    /// The scopes without a condition.
    pub fn scopes(&self) -> &ScopeSet {
        &self.always
    }

    /// Whether the action is allowed everywhere.
    pub fn is_everything(&self) -> bool {
        self.always.is_everything()
    }

    /// Whether the action is allowed at this normalised scope, whatever a condition says.
    pub fn contains(&self, scope: &str) -> bool {
        self.always.contains(scope)
    }

    /// Whether a LIST at the normalised scope can show anything.
    pub fn reaches(&self, scope: &str) -> bool {
        self.always.reaches(scope)
            || self.conditional.iter().any(|(at, _)| covers(at, scope) || covers(scope, at))
    }

    /// Whether a condition is asked anywhere.
    pub fn has_conditions(&self) -> bool {
        !self.conditional.is_empty()
    }

    /// Whether a condition may let the action through at this normalised scope: then the resource must be looked at.
    pub fn asks(&self, scope: &str) -> bool {
        self.conditional.iter().any(|(at, _)| covers(at, scope))
    }

    /// Whether the action is allowed. What a condition cannot decide stays hidden.
    pub fn allows(&self, question: &Question<'_>) -> bool {
        self.contains(question.scope)
            || self
                .conditional
                .iter()
                .any(|(at, condition)| covers(at, question.scope) && condition.holds(question) == Some(true))
    }
}
