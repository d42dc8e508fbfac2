//! The way to the server, tried from inside the cluster before the agent is installed: names, proxy, certificate, clock.

use anyhow::Context as _;
use bowline_link::item::Proxy;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    home::{Enrolment, chain},
    session::{client::Client, sign_in::discover},
};

/// Where to.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Way {
    server: String,
    #[serde(default)]
    ca_pem: Option<String>,
    #[serde(default)]
    proxy: Proxy,
}

/// `{"reached": true, "clockOffset": seconds}`, or `{"reached": false, "why"}`.
pub async fn try_way(to: &str) -> anyhow::Result<Value> {
    let way: Way = serde_json::from_str(to).context("the way to try is not understood")?;
    let enrolment = Enrolment {
        server: way.server,
        ca_pem: way.ca_pem,
        tenant_id: String::new(),
        resource_id: String::new(),
        principal_id: String::new(),
        proxy: way.proxy,
        key_expires_on: None,
        key_renew_from: None,
        other: Map::new(),
    };
    let tried = async {
        let client = Client::new(&enrolment)?;
        discover(&client).await.map(|_| client.clock_offset())
    };
    Ok(match tried.await {
        Ok(offset) => json!({"reached": true, "clockOffset": offset}),
        Err(error) => json!({"reached": false, "why": chain(&error)}),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_way_that_ends_says_where() {
        let found = try_way(r#"{"server": "https://127.0.0.1:1", "proxy": {}}"#).await.unwrap();
        assert_eq!(found["reached"], false);
        assert!(
            found["why"].as_str().unwrap().contains("https://127.0.0.1:1/ could not be reached"),
            "{found}"
        );
        assert!(try_way("{").await.is_err());
    }
}
