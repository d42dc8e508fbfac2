//! Case files: each case is data, so that a new distribution or a new rule is a line and not a function.

use bowline_kubernetes::{health_of, observe_node};
use serde_json::Value;

fn cases(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

#[test]
fn detection() {
    for case in cases(include_str!("cases/detection.json")) {
        let found = observe_node(&case["node"]);
        assert_eq!(found.distribution, case["distribution"], "{}", case["name"]);
        assert_eq!(found.infrastructure, case["infrastructure"], "{}", case["name"]);
    }
}

#[test]
fn health() {
    for case in cases(include_str!("cases/health.json")) {
        let health = health_of(&case["object"]);
        assert_eq!(
            serde_json::to_value(health.state).unwrap(),
            case["state"],
            "{}: {}",
            case["name"],
            health.message
        );
        assert!(!health.message.is_empty());
        if let Some(message) = case["message"].as_str() {
            assert_eq!(health.message, message, "{}", case["name"]);
        }
    }
}
