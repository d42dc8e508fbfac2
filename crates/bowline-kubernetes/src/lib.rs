//! What the CLI and the agent both do with a Kubernetes cluster.
//!
//! - [`Connection`]: a client from a kubeconfig and context or from inside a pod, server-side apply as
//!   [`FIELD_MANAGER`] ([`apply_object`], [`apply_manifests`]).
//! - [`Passage`]: passes requests on as they are, upgrades too.
//! - [`run_checks`]: can this cluster be connected, and what fixes it if not; [`explain`]: why a pod does not run.
//! - [`contents()`]: what lives in a namespace.
//! - [`KindName`], [`ServedKind`], [`resolve`]: what `apps/v1/Deployment` means and where it is served.
//! - [`mod@redact`]: what of an object may leave the cluster.
//! - [`read_facts`], [`Nodes`]: version, distribution, infrastructure, nodes and cores; [`health_of`] one object.
//! - [`watch`]: lists and watches one kind in bounded memory.
//!
//! Invariants: nothing here knows the control plane; nothing here reads the clock, the environment or random numbers.

mod apply;
mod checks;
mod connection;
mod contents;
mod detect;
mod error;
mod facts;
mod health;
mod kinds;
mod passage;
mod redact;
mod trouble;
pub mod watch;

pub use apply::{apply_manifests, apply_object, apply_object_as, path_of, read_manifests};
pub use checks::{Check, Outcome, Purpose, run_checks};
pub use connection::{Access, Connection, FIELD_MANAGER, INSTALLER};
pub use contents::contents;
pub use detect::{GENERIC, NodeFacts, distribution_of_version, observe_node};
pub use error::ClusterError;
pub use facts::{ClusterFacts, Nodes, cluster_uid, read_facts, server_version};
pub use health::{Health, State, health_of};
pub use kinds::{DEFAULT_WATCHED, KindName, ServedKind, WATCHED_WHEN_PRESENT, built_in, resolve};
pub use passage::{Passage, Passing, Sending};
pub use redact::{MAX_OBJECT_BYTES, Rules, identity_of, redact};
pub use trouble::{Seen, Trouble, describe_pod, explain};

// kube compiles only when some crate of the build has chosen the version of Kubernetes' types.
use k8s_openapi as _;
