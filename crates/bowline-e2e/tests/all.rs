//! Scenarios with real parts. One binary, one module per area.
#![allow(clippy::disallowed_methods, reason = "tests read the clock, files and the environment")]
#![allow(clippy::unwrap_used, reason = "a scenario that cannot go on fails")]

#[path = "all/activity.rs"]
mod activity;
#[path = "all/agents.rs"]
mod agents;
#[path = "all/arc_connect.rs"]
mod arc_connect;
#[path = "all/audit.rs"]
mod audit;
#[path = "all/authorization.rs"]
mod authorization;
#[path = "all/backups.rs"]
mod backups;
#[path = "all/clients.rs"]
mod clients;
#[path = "all/clocks.rs"]
mod clocks;
#[path = "all/coverage.rs"]
mod coverage;
#[path = "all/dialect.rs"]
mod dialect;
#[path = "all/directory.rs"]
mod directory;
#[path = "all/disk.rs"]
mod disk;
#[path = "all/durability.rs"]
mod durability;
#[path = "all/examples.rs"]
mod examples;
#[path = "all/failover.rs"]
mod failover;
#[path = "all/federation.rs"]
mod federation;
#[path = "all/identity.rs"]
mod identity;
#[path = "all/install.rs"]
mod install;
#[path = "all/keys.rs"]
mod keys;
#[path = "all/kubernetes.rs"]
mod kubernetes;
#[path = "all/login.rs"]
mod login;
#[path = "all/monitoring.rs"]
mod monitoring;
#[path = "all/network.rs"]
mod network;
#[path = "all/node.rs"]
mod node;
#[path = "all/overload.rs"]
mod overload;
#[path = "all/pod.rs"]
mod pod;
#[path = "all/point_in_time.rs"]
mod point_in_time;
#[path = "all/proxies.rs"]
mod proxies;
#[path = "all/queries.rs"]
mod queries;
#[path = "all/query_objects.rs"]
mod query_objects;
#[path = "all/query_servers.rs"]
mod query_servers;
#[path = "all/reading.rs"]
mod reading;
#[path = "all/requests.rs"]
mod requests;
#[path = "all/resource_manager.rs"]
mod resource_manager;
#[path = "all/resources.rs"]
mod resources;
#[path = "all/roles.rs"]
mod roles;
#[path = "all/rounds.rs"]
mod rounds;
#[path = "all/servers.rs"]
mod servers;
#[path = "all/stage.rs"]
mod stage;
#[path = "all/storm.rs"]
mod storm;
#[path = "all/tables.rs"]
mod tables;
#[path = "all/traces.rs"]
mod traces;
#[path = "all/tunnel_servers.rs"]
mod tunnel_servers;
#[path = "all/tunnels.rs"]
mod tunnels;
#[path = "all/two_builds.rs"]
mod two_builds;
#[path = "all/up.rs"]
mod up;
#[path = "all/upgrades.rs"]
mod upgrades;
#[path = "all/upstream.rs"]
mod upstream;
#[path = "all/versions.rs"]
mod versions;
