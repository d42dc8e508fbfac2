//! The HTTP server: TLS, routes and wiring around the application.
//!
//! Handlers only parse, call and convert. What a request may do is decided in `bowline-control`; who sends it is proved in
//! [`http::context`]; what a path means is in `bowline-arm`.

pub mod audit;
pub mod backup;
pub mod config;
pub mod host;
pub mod http;
pub mod limits;
pub mod listener;
pub mod logging;
pub mod meter;
pub mod metrics;
pub mod openapi;
pub mod peers;
pub mod registry;
pub mod tls;
pub mod trace;
pub mod tunnel;
pub mod upstream;
pub mod verify;
pub mod wire;
