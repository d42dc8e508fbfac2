//! Development only: the harness and scenarios with real parts.
