//! Steps that connecting a cluster and connecting a machine share.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use tokio::time::Instant;

use crate::app::App;
use crate::client::{Arm, Body};
use crate::failure::{Failure, Kind, Result};
use crate::identity::Session;
pub(super) use crate::render::Steps;

/// How often the resource is looked at while its agent is waited for.
const POLL: Duration = Duration::from_secs(2);
/// After this long without a report, how to start the agent is said.
const PATIENCE: Duration = Duration::from_secs(5);

/// The server answers, is who it should be, and knows us.
pub(super) async fn check_server(app: &App, steps: &mut Steps) -> Result<Arm> {
    steps.begin("server reachable");
    let client = app.client()?;
    let at = client.server.as_str().trim_end_matches('/').to_owned();
    let reply = client.send(Method::GET, client.on_server("/healthz")?, None, &[], &Body::None).await;
    match reply {
        Err(failure) if failure.code.as_deref() == Some("CertificateNotTrusted") => {
            steps.done(&at);
            steps.begin("certificate trusted");
            return Err(failure);
        }
        Err(failure) => return Err(failure),
        Ok(_) => steps.done(&at),
    }
    steps.begin("certificate trusted");
    steps.done(&match &app.settings.ca_file {
        Some(path) => format!("by {}", path.display()),
        None => "by this computer's certificate authorities".to_owned(),
    });
    steps.begin("signed in");
    let arm = Arm { session: Session::open(&app.settings)?, client };
    arm.session.access_token(&arm.client).await?;
    let credential = arm.session.credential()?;
    let who = [&credential.username, &credential.name, &credential.object_id];
    steps.done(who.into_iter().find(|text| !text.is_empty()).map_or("", String::as_str));
    Ok(arm)
}

/// Waits until the resource says Connected; `what` is its id, api-version and the pointer to its status.
pub(super) async fn wait_until_connected(
    arm: &Arm,
    steps: &mut Steps,
    (id, version, pointer): (&str, &str, &str),
    limit: Duration,
    hint: &str,
) -> Result<Value> {
    steps.begin("first report");
    let start = Instant::now();
    let mut hinted = false;
    loop {
        let resource = arm.get(id, version).await?;
        let status = resource.pointer(pointer).and_then(Value::as_str).unwrap_or("unknown").to_owned();
        if status == "Connected" {
            steps.done("Connected");
            return Ok(resource);
        }
        let waited = start.elapsed();
        if waited >= limit {
            return Err(Failure::new(Kind::Service, format!("no report came within {} s", limit.as_secs()))
                .code("AgentNotConnected")
                .why(format!("it is enrolled, and its status is {status}"))
                .next(hint)
                .next("if it runs, its log says what it waits for; then run this command again"));
        }
        if !hinted && waited >= PATIENCE {
            steps.say(hint);
            hinted = true;
        }
        steps.waiting(&format!("{status}, waiting for the agent ({} s)", waited.as_secs()));
        tokio::time::sleep(POLL.min(limit - waited)).await;
    }
}
