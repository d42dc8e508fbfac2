//! `Microsoft.Authorization`: role definitions, role assignments and locks.

mod deny_assignment;
mod lock;
mod role_assignment;
mod role_definition;

pub use deny_assignment::DenyAssignments;
pub use lock::Locks;
pub use role_assignment::RoleAssignments;
pub use role_definition::RoleDefinitions;

use bowline_arm::NameRule;

/// Both are named by GUIDs.
const GUID: NameRule =
    NameRule { min: 36, max: 36, extra: "-", alphanumeric_ends: true, words: "the 36 characters of a GUID" };
