//! Three servers on one PostgreSQL behind a plain TCP balancer.

use std::path::PathBuf;
use std::time::Duration;

use crate::api::Api;
use crate::network::Place;
use crate::program::free_port;
use crate::proxy::tcp_balancer;
use crate::server::{Options, Server, enrolment_token};
use crate::simulation::{Agents, Wanted};
use crate::wait::seconds;

/// See the module.
#[derive(Debug)]
pub struct Three {
    /// Each of them.
    pub servers: Vec<Server>,
    /// The administrator at each of them; they stay usable when the first one is gone.
    pub at: Vec<Api>,
    /// The balancer's address.
    pub url: String,
    /// What they share.
    pub database: String,
}

impl Three {
    /// Starts them; `grace` is in seconds.
    pub async fn start(database: String, grace: u64) -> Self {
        Self::start_at("localhost", database, grace).await
    }

    /// Starts them; the balancer has this address.
    pub async fn start_at(host: &str, database: String, grace: u64) -> Self {
        Self::start_with(host, database, grace, Default::default()).await
    }

    /// Starts three of another build.
    pub async fn start_of(program: PathBuf, database: String, grace: u64) -> Self {
        Self::begin("localhost", database, grace, Some(program), Default::default()).await
    }

    /// Starts them, each with more in its environment.
    pub async fn start_with(
        host: &str,
        database: String,
        grace: u64,
        environments: [Vec<(String, String)>; 3],
    ) -> Self {
        Self::begin(host, database, grace, None, environments).await
    }

    async fn begin(
        host: &str,
        database: String,
        grace: u64,
        program: Option<PathBuf>,
        environments: [Vec<(String, String)>; 3],
    ) -> Self {
        let [one, two, three] = environments;
        let (front, ports) = (free_port(), [free_port(), free_port(), free_port()]);
        let url = format!("https://{host}:{front}");
        let usual = Options {
            database: Some(database.clone()),
            public_url: Some(url.clone()),
            restart_grace: grace,
            program,
            ..Options::default()
        };
        let first = Server::start_at(ports[0], Options { environment: one, ..usual.clone() }).await;
        let options = Options {
            root_key: Some(first.data().join("root.key")),
            authority_of: Some(first.data()),
            ..usual
        };
        let (second, third) = tokio::join!(
            Server::start_at(ports[1], Options { environment: two, ..options.clone() }),
            Server::start_at(ports[2], Options { environment: three, ..options })
        );
        let _ = tcp_balancer(host, front, ports.to_vec()).await;
        let servers = vec![first, second, third];
        let admin = servers[0].admin().await;
        let bearer = admin.bearer.clone().expect("an administrator has a token");
        let at = servers.iter().map(|server| server.api().with(&bearer)).collect();
        Self { servers, at, url, database }
    }

    /// Simulated agents of a group, which come through the balancer; waits until they are connected.
    pub async fn agents(&self, group: &str, count: u64, duration: Duration, place: Option<&Place>) -> Agents {
        let token = enrolment_token(&self.at[0], group, "t", count).await;
        let (url, ca) = (self.url.as_str(), self.servers[0].ca());
        let wanted = Wanted { url, ca, group, token: &token, prefix: "a", count, duration, place };
        let agents = Agents::start(&wanted);
        agents.wait_until_connected(seconds(60 + count / 10)).await;
        agents
    }
}
