//! `Microsoft.Kubernetes`: connected clusters.

mod connected_cluster;

pub use connected_cluster::ConnectedClusters;
