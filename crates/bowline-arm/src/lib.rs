//! ARM's language: ids, versions, errors, pages, operations and wire types.
//!
//! Everything that Azure Resource Manager's REST dialect fixes lives here and nowhere else: how a path is read
//! ([`ResourceId`], [`Target`]), which api-version serves a request ([`ApiVersion`]), what an error looks like ([`Error`]),
//! how a list is paged ([`Page`]) and what a long-running operation answers ([`Operation`]). The wire types of each provider
//! namespace are in [`types`].
//!
//! # Design notes
//! - No async, no IO, no clock: the agent, the CLI and the server share this crate.
//! - Ids keep the letters they were written with and compare by their lower-cased [`ResourceId::key`], as ARM does.
//! - A resource is JSON inside Bowline. The wire types say what of it a given api-version shows and accepts, as tables
//!   ([`types::Shape`]); members that this binary does not know are kept.

mod api_version;
pub mod audit;
pub mod chain;
pub mod codes;
mod error;
mod etag;
mod filter;
mod names;
mod operation;
mod page;
mod resource_id;
mod target;
pub mod types;

pub use api_version::{ApiVersion, InvalidApiVersion};
pub use error::{Denied, Error, ErrorBody, ErrorDetail};
pub use etag::{ETag, Precondition};
pub use filter::{Argument, Call, Comparison, Fields, Filter, FilterError, Operator};
pub use names::{NameRule, normalize_location};
pub use operation::{Operation, OperationStatus};
pub use page::{Cursor, CursorError, Page};
pub use resource_id::{InvalidResourceId, ResourceId, ResourceType};
pub use target::{Target, TargetError};
