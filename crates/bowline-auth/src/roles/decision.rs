//! The answer to "may they", and why.

use std::fmt;

use uuid::Uuid;

/// The answer, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<'a> {
    pub allowed: bool,
    pub reason: Reason<'a>,
}

/// Why an action is allowed or not. `Display` is a sentence for the person who asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason<'a> {
    /// Allowed by this assignment; `permission` is the pattern that matched, as written.
    Granted { assignment: Uuid, role: Uuid, role_name: &'a str, scope: &'a str, permission: &'a str },
    /// No assignment holds at this scope.
    NoAssignment,
    /// Roles hold here, but none has the action.
    NotInRoles { role_names: Vec<&'a str> },
    /// A role has the action, but excludes it again, and no other gives it.
    ExcludedBy { assignment: Uuid, role: Uuid, role_name: &'a str, scope: &'a str, not_action: &'a str },
    /// A role has the action under a condition that does not hold; `decided` says whether that could be told.
    Condition { assignment: Uuid, role_name: &'a str, scope: &'a str, condition: &'a str, decided: bool },
    /// A role has the action under a condition on the resource, which nobody has looked at yet.
    AsksResource,
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted { role_name, scope, permission, .. } => {
                write!(f, "the role {role_name} at {scope} allows {permission}")
            }
            Self::NoAssignment => f.write_str("no role is assigned to the caller at this scope or above it"),
            Self::NotInRoles { role_names } => {
                write!(f, "none of the caller's roles at this scope has it ({})", role_names.join(", "))
            }
            Self::ExcludedBy { role_name, scope, not_action, .. } => {
                write!(f, "the role {role_name} at {scope} excludes {not_action}")
            }
            Self::Condition { role_name, scope, decided: true, .. } => {
                write!(f, "the condition of the role {role_name} at {scope} does not hold")
            }
            Self::Condition { role_name, scope, decided: false, .. } => {
                write!(
                    f,
                    "the condition of the role {role_name} at {scope} cannot be decided for this request, so it gives nothing"
                )
            }
            Self::AsksResource => f.write_str("a condition asks about the resource"),
        }
    }
}
