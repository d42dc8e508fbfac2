//! The one path of every request on a resource: the same ordered steps, one verb a file.
//!
//! `Parsed → Loaded → Authorized → Admitted → Committed`: each step takes the one before by value, so that none can be skipped.
//! A commit that lost a race (somebody wrote in between, a role changed) starts over from `Loaded`, a bounded number of times.

mod action;
mod amend;
mod attempts;
mod delete;
mod document;
mod fields;
mod get;
mod list;
mod patch;
mod put;
mod resources;
mod siblings;
mod status;
mod view;

pub use action::action;
pub(crate) use amend::amend;
use attempts::Attempts;
pub(crate) use attempts::{ATTEMPTS, Line};
pub(crate) use delete::delete_tree;
pub use delete::{Deleted, delete};
pub(crate) use document::{parse, record_id, stamp};
pub use document::{render, render_record};
pub(crate) use fields::parse_filter;
pub(crate) use get::require_readable;
pub use get::{Shown, get};
pub use list::{ListRequest, Listed, MAX_PAGE_BYTES, list};
pub(crate) use list::{question_of, start};
pub use patch::patch;
pub(crate) use put::missing_scope;
pub use put::{WriteRequest, Written, put, rehearse};
pub use resources::{FlatRequest, list_flat};
pub use status::{StatusChange, update_status, update_status_told};
pub use view::view;

use bowline_arm::Error;
use bowline_store::{CommitError, Reason, StoreError};

/// A failed read as the caller sees it.
pub(crate) fn store_error(error: &StoreError) -> Error {
    Error::unavailable("The database cannot be read right now; nothing was changed. Try again.", 2)
        .with_context(error)
}

/// A failed commit as the caller sees it; `None` when the commit should be tried again from the start.
pub(crate) fn commit_error(error: &CommitError) -> Option<Error> {
    match error {
        CommitError::Refused(refusal) => match refusal.reason {
            Reason::Changed | Reason::Missing | Reason::Exists | Reason::OtherUid | Reason::WatermarkMoved => None,
            Reason::Deleting => Some(Error::conflict("ResourceGroupBeingDeleted", "The scope is being deleted and takes no new resources. Wait until the deletion has ended, then create it again.")),
            Reason::EntryExists => Some(Error::conflict("UpstreamIdentityInUse", "Another user is linked to this upstream identity. Unlink or delete that user first.")),
            Reason::EntryUsedUp | Reason::EntryExpired | Reason::EntryMissing => Some(Error::unauthenticated("The enrolment token is used up, expired or withdrawn. Ask for a new one.")),
            Reason::LeaseLost => Some(Error::unavailable("Another server has taken this task over; it goes on there.", 1).with_context(refusal)),
            _ => Some(Error::conflict("Conflict", "Another request changed the same thing at the same time. Read it again, then retry.").with_context(refusal)),
        },
        CommitError::Overloaded { retry_after } => {
            let seconds = u32::try_from(retry_after.as_secs().max(1)).unwrap_or(1);
            Some(Error::unavailable("The server has more writes than it can take. Nothing was written; try again.", seconds).with_context(error))
        }
        CommitError::DiskFull { .. } => Some(
            Error::new(507, "InsufficientStorage", "The server's disk is nearly full, so it takes no writes; reading goes on. Its operator must free space; writing then resumes by itself.")
                .with_retry_after(30)
                .with_context(error),
        ),
        CommitError::Invalid(_) => Some(Error::bad_request("InvalidRequestContent", "The resource cannot be stored: it is too large or holds characters that cannot be kept.").with_context(error)),
        CommitError::OutcomeUnknown { .. } => Some(Error::unavailable("The database was lost while it wrote; the change may or may not be there. Read the resource before you retry.", 2).with_context(error)),
        CommitError::ReadOnly { .. } | CommitError::Unavailable { .. } => {
            Some(Error::unavailable("The database takes no writes right now; nothing was changed. Try again.", 2).with_context(error))
        }
    }
}

/// The error after all attempts lost.
pub(crate) fn contended() -> Error {
    Error::conflict(
        "AnotherOperationInProgress",
        "Other requests keep changing this resource. Nothing was written; try again.",
    )
    .with_retry_after(1)
}
