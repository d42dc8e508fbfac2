//! The HTTP server: routes, TLS, wiring, the embedded portal.
