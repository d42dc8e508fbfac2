//! The application: pipeline, providers, operations, feed, observed state.
