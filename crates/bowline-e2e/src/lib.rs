//! Development only: the parts of a real installation as children of a test.
//!
//! | module | what it starts or speaks |
//! |---|---|
//! | [`program`] | a child process: its log, its signals, its certain end |
//! | [`server`] | `bowline-server` on a free port with a data directory of its own |
//! | [`api`] | the HTTP API over TLS with the server's certificate |
//! | [`events`] | a reader of the live event stream |
//! | [`agent`] | `bowline-agent machine` with a state directory of its own |
//! | [`clients`] | azure-cli and the Azure SDKs, driven in their own languages |
//! | [`issuer`] | an issuer of somebody else's, with workloads that show its tokens |
//! | [`keys`] | an agent's key pair and its client assertions |
//! | [`kubelet`] | what stands in for a kubelet behind a real API server |
//! | [`network`] | namespaces joined by a network that drops, delays and reorders |
//! | [`node`] | the node of a Kubernetes cluster |
//! | [`postgres`] | a PostgreSQL server |
//! | [`clock`] | a host whose clock jumps |
//! | [`cluster`] | a real Kubernetes control plane |
//! | [`proxy`] | proxies that stand between an agent and its server |
//! | [`simulation`] | many simulated agents in one process |
//! | [`three`] | three servers on one PostgreSQL behind a balancer |
//! | [`wait`] | waiting for a condition |
//!
//! # Design notes
//! Nothing outlives a test. What one test starts is killed by the kernel when that test's thread ends
//! (`setpriv --pdeathsig`), so it must be started by the test's own thread and not by a blocking task. What tests
//! share ends when its standard input closes, which is when the whole test process ends.
//! The harness panics instead of returning errors where a test could do nothing but unwrap them.
#![allow(clippy::disallowed_methods, reason = "tests read the clock, files and the environment")]
#![allow(clippy::unwrap_used, reason = "a harness that fails fails its test")]

pub mod agent;
pub mod api;
pub mod clients;
pub mod clock;
pub mod cluster;
pub mod events;
pub mod issuer;
pub mod keys;
pub mod kubelet;
pub mod network;
pub mod node;
pub mod postgres;
pub mod program;
pub mod proxy;
pub mod server;
pub mod simulation;
pub mod three;
pub mod wait;
