//! What the CLI and the agent both do with a cluster.
