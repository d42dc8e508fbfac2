//! A role definition, compiled: its patterns, ready to match.

use uuid::Uuid;

use super::pattern::Pattern;
use super::scope::normalise;
use super::{Permission, RoleDefinition};

/// Actions or data actions: the two halves of a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plane {
    /// What is done to a resource.
    Control,
    /// What is done to what a resource holds.
    Data,
}

pub(super) struct Role {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) permissions: Vec<Permission>,
    /// Normalised.
    pub(super) assignable_scopes: Vec<String>,
    control: Vec<Rule>,
    data: Vec<Rule>,
}

/// One permission's half.
struct Rule {
    allow: Vec<Pattern>,
    except: Vec<Pattern>,
}

pub(super) enum Match<'a> {
    Allowed(&'a str),
    Excluded(&'a str),
    None,
}

impl Role {
    pub(super) fn compile(definition: RoleDefinition) -> Self {
        let rules = |allow: fn(&Permission) -> &Vec<String>, except: fn(&Permission) -> &Vec<String>| {
            let compile = |texts: &[String]| texts.iter().map(|text| Pattern::new(text)).collect();
            let rule = |p: &Permission| Rule { allow: compile(allow(p)), except: compile(except(p)) };
            definition.permissions.iter().map(rule).filter(|rule| !rule.allow.is_empty()).collect()
        };
        Self {
            id: definition.id,
            control: rules(|p| &p.actions, |p| &p.not_actions),
            data: rules(|p| &p.data_actions, |p| &p.not_data_actions),
            assignable_scopes: definition.assignable_scopes.iter().map(|scope| normalise(scope)).collect(),
            name: definition.name,
            permissions: definition.permissions,
        }
    }

    /// `action` is in lower case.
    pub(super) fn find(&self, plane: Plane, action: &str) -> Match<'_> {
        let rules = match plane {
            Plane::Control => &self.control,
            Plane::Data => &self.data,
        };
        let mut outcome = Match::None;
        for rule in rules {
            let Some(allow) = rule.allow.iter().find(|pattern| pattern.matches(action)) else { continue };
            match rule.except.iter().find(|pattern| pattern.matches(action)) {
                None => return Match::Allowed(allow.written()),
                Some(except) => outcome = Match::Excluded(except.written()),
            }
        }
        outcome
    }
}
