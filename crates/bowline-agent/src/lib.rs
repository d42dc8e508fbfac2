//! The agent: one binary, two roles, cluster and machine.
