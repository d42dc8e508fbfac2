//! Remote kubectl: a real kubectl through the server and the agent's tunnel on a real API server, as the caller and as nobody else.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use bowline_e2e::api::Api;
use bowline_e2e::cluster::{Cli, Cluster};
use bowline_e2e::program::Program;
use bowline_e2e::server::{PASSWORD, Server, group, portal_cookie, sign_in};
use bowline_e2e::wait::{seconds, until, until_true};
use reqwest::Method;
use serde_json::{Value, json};

use crate::kubernetes::wait_for_connectivity;

pub(crate) const CLUSTER_USER: &str = "00493d72-78f6-4148-b6c5-d3ce8e4799dd";

/// The password of every user here.
const PHRASE: &str = "long enough for 4 users";

/// A cluster that is connected, and its administrator.
pub(crate) struct Scene {
    // First, so that what it said can be shown when a test fails.
    pub(crate) agent: Program,
    pub(crate) cluster: Cluster,
    pub(crate) server: Server,
    pub(crate) admin: Api,
    pub(crate) cli: Cli,
    pub(crate) id: String,
}

impl Scene {
    async fn start(test: &str) -> Option<Self> {
        let cluster = Cluster::start(test)?;
        let server = Server::usual().await;
        let admin = server.admin().await;
        let plant = group(&admin, "plant").await;
        let id = format!("{plant}/providers/Microsoft.Kubernetes/connectedClusters/oven");
        let cli = Cli::default();
        cli.sign_in(&server);
        let _ = cli.connect(&cluster);
        let agent = cluster.agent();
        wait_for_connectivity(&admin, &id, "Connected", 60).await;
        Some(Self { cluster, server, admin, cli, id, agent })
    }

    /// `bowline kubectl oven -- …`.
    fn kubectl(&self, arguments: &[&str]) -> Command {
        let mut command = self.cli.command(&["kubectl", "oven", "--group", "plant", "--"]);
        command.args(arguments).env("PATH", self.cluster.programs());
        command
    }

    fn run(&self, arguments: &[&str], input: &str) -> (bool, String, String) {
        let mut command = self.kubectl(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (output.status.success(), text(output.stdout), text(output.stderr))
    }

    fn succeed(&self, arguments: &[&str], input: &str) -> String {
        let (done, out, err) = self.run(arguments, input);
        assert!(done, "kubectl {arguments:?}: {out}{err}\n{}", self.agent.said());
        out
    }

    pub(crate) fn proxy(&self, path: &str) -> String {
        format!("{}/proxy{path}?", self.id)
    }
}

/// Lets a user do everything in the cluster, by its own rules.
pub(crate) fn bind(cluster: &Cluster, user: &str) {
    let arguments =
        ["create", "clusterrolebinding", user, "--clusterrole=cluster-admin", &format!("--user={user}")];
    let _ = cluster.kubectl(&arguments, &[]);
}

/// A user with the role to reach the cluster.
async fn user(scene: &Scene, name: &str) -> (Api, String) {
    let made = json!({"properties": {"password": PHRASE}});
    let made = scene.admin.put(&format!("/providers/Microsoft.Bowline/users/{name}"), &made).await;
    let object_id = made.expect(201)["properties"]["objectId"].as_str().unwrap().to_owned();
    let assignment =
        format!("{}/providers/Microsoft.Authorization/roleAssignments/{}", scene.id, uuid::Uuid::new_v4());
    let role = format!("/providers/Microsoft.Authorization/roleDefinitions/{CLUSTER_USER}");
    let body = json!({"properties": {"roleDefinitionId": role, "principalId": object_id}});
    let _ = scene.admin.put(&format!("{assignment}?api-version=2022-04-01"), &body).await.expect(201);
    let api = scene.server.api();
    let token = sign_in(&api, name, PHRASE).await;
    (api.with(token["access_token"].as_str().unwrap()), assignment)
}

/// The lines of a kubectl that goes on.
struct Watching {
    child: Child,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Watching {
    fn start(mut command: Command) -> Self {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (send, lines) = std::sync::mpsc::channel();
        let out = child.stdout.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        Self { child, lines }
    }

    async fn see(&self, what: &str) {
        until_true(&format!("the line {what}"), seconds(20), async || {
            self.lines.try_iter().any(|line| line.contains(what))
        })
        .await;
    }

    /// Waits for its end.
    async fn ended(mut self, within: u64) {
        let _ = until("the end of kubectl", seconds(within), async || self.child.try_wait().unwrap()).await;
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn kubectl_works_through_the_tunnel_as_its_caller_and_as_nobody_else() {
    let Some(scene) =
        Scene::start("tunnels::kubectl_works_through_the_tunnel_as_its_caller_and_as_nobody_else").await
    else {
        return;
    };
    let (done, _, err) = scene.run(&["get", "configmaps"], "");
    assert!(!done && err.contains("User \"admin\" cannot list"), "Kubernetes' own rules decide: {err}");
    bind(&scene.cluster, "admin");
    for arguments in [
        &["auth", "whoami", "-o", "json"][..],
        &["auth", "whoami", "-o", "json", "--as=system:admin", "--as-group=system:masters"],
    ] {
        let who: Value = serde_json::from_str(&scene.succeed(arguments, "")).unwrap();
        assert_eq!(who["status"]["userInfo"]["username"], "admin", "{who}");
        assert!(!who.to_string().contains("system:masters"), "{who}");
    }

    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "recipe"}, "data": {"flour": "500"}});
    let watching = Watching::start(scene.kubectl(&["get", "configmaps", "--watch", "-o", "name"]));
    let said = scene.succeed(&["apply", "--server-side", "-f", "-"], &map.to_string());
    assert!(said.contains("serverside-applied"), "{said}");
    watching.see("configmap/recipe").await;
    let said = scene.succeed(&["apply", "-f", "-"], &map.to_string().replace("500", "750"));
    assert!(said.contains("configured"), "{said}");
    for format in ["json", "yaml"] {
        let arguments = ["get", "configmap", "recipe", "-o", format];
        assert_eq!(scene.succeed(&arguments, ""), scene.cluster.kubectl(&arguments, &[]));
    }
    for n in 0..4 {
        let large = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("large-{n}")}, "data": {"x": "x".repeat(900_000)}});
        let _ = scene.succeed(&["create", "-f", "-"], &large.to_string());
    }
    let arguments = ["get", "configmaps", "-o", "json"];
    let (through, direct) = (scene.succeed(&arguments, ""), scene.cluster.kubectl(&arguments, &[]));
    assert!(through == direct && through.len() > 3_600_000, "{} and {} bytes", through.len(), direct.len());
    let _ = scene.succeed(&["delete", "configmap", "recipe", "large-0", "large-1", "large-2", "large-3"], "");
    let (done, _, err) = scene.run(&["get", "configmap", "recipe"], "");
    assert!(!done && err.contains("NotFound"), "{err}");

    told_in_the_activity_log(&scene).await;
    withdrawn(&scene).await;
    refused(&scene).await;
    drop(watching);
    gone_and_back(scene).await;
}

async fn told_in_the_activity_log(scene: &Scene) {
    let since = "2020-01-01T00:00:00Z";
    let log = format!(
        "{}/providers/Microsoft.Insights/eventtypes/management/values?api-version=2015-04-01&$filter=eventTimestamp ge '{since}'",
        scene.id.split("/resourceGroups").next().unwrap()
    );
    let page = scene.admin.get(&log).await.expect(200);
    let used = |entry: &&Value| {
        entry["operationName"]["value"] == "Microsoft.Kubernetes/connectedClusters/proxy/action"
            && entry["caller"] == "admin"
            && entry["resourceId"] == scene.id.as_str()
    };
    let count = page["value"].as_array().unwrap().iter().filter(used).count();
    assert_eq!(count, 1, "a visit is told once: {page}");
}

/// A right that is withdrawn, and a user that is disabled, end what is open.
async fn withdrawn(scene: &Scene) {
    let (bob, assignment) = user(scene, "bob").await;
    bind(&scene.cluster, "bob");
    let path = scene.proxy("/api/v1/namespaces/default/configmaps") + "watch=true&api-version=x";
    let open = async || {
        let mut answer = bob.request(Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.headers()["content-security-policy"].to_str().unwrap().contains("sandbox"));
        let first = answer.chunk().await.unwrap().expect("the watch begins with what is there");
        assert!(String::from_utf8_lossy(&first).contains("ADDED"), "{first:?}");
        answer
    };
    let mut watch = open().await;
    let gone = scene.admin.delete(&format!("{assignment}?api-version=2022-04-01")).await;
    assert_eq!(gone.status, 200, "{}", gone.text);
    let end =
        tokio::time::timeout(seconds(5), async { while let Ok(Some(_)) = watch.chunk().await {} }).await;
    assert!(end.is_ok(), "the watch ends within 5 s");
    let refused = bob.get(&path).await;
    assert_eq!((refused.status, &refused.body["reason"]), (403, &json!("Forbidden")), "{}", refused.text);
    assert!(
        refused.body["message"].as_str().unwrap().contains("listClusterUserCredential"),
        "{}",
        refused.text
    );

    let (eve, _) = user(scene, "eve").await;
    bind(&scene.cluster, "eve");
    let mut watch = eve.request(Method::GET, &path).send().await.unwrap();
    let _ = watch.chunk().await.unwrap();
    let disabled = json!({"properties": {"accountEnabled": false}});
    let _ = scene.admin.patch("/providers/Microsoft.Bowline/users/eve", &disabled).await.expect(200);
    let end =
        tokio::time::timeout(seconds(5), async { while let Ok(Some(_)) = watch.chunk().await {} }).await;
    assert!(end.is_ok(), "the watch of a disabled user ends within 5 s");
    assert_eq!(eve.get(&path).await.status, 401);
}

/// Nobody gets in without a token, by a cookie, by a path that climbs, or as a part of the cluster.
async fn refused(scene: &Scene) {
    let api = scene.server.api();
    let path = scene.proxy("/api/v1/pods");
    let nobody = api.get(&path).await;
    assert_eq!((nobody.status, &nobody.body["kind"]), (401, &json!("Status")), "{}", nobody.text);
    let forged = api.request(Method::GET, &path).header("cookie", "__Host-bowline=anything");
    assert_eq!(Api::send(forged.header("x-bowline-portal", "1")).await.status, 401);
    by_portal(scene).await;
    // A URL library would shorten it before it is sent.
    let climbing = format!("{}/proxy/api/%252e%252e/%252e%252e/version?api-version=x", scene.id);
    assert_eq!(scene.admin.get(&climbing).await.status, 400);
    let (mallory, _) = user(scene, "mallory").await;
    let spoofed = mallory
        .request(Method::GET, &path)
        .header("impersonate-user", "system:admin")
        .header("impersonate-group", "system:masters")
        .header("x-tunnel-user", "admin")
        .header("x-tunnel-group", "system:masters")
        .header("x-remote-user", "admin")
        .header("connection", "x-tunnel-user");
    let spoofed = Api::send(spoofed).await;
    assert_eq!(spoofed.status, 403, "{}", spoofed.text);
    assert!(spoofed.text.contains("User \\\"mallory\\\" cannot list"), "{}", spoofed.text);
    // An agent's rendezvous is nobody else's, and nothing to guess.
    let knock = mallory.request(Method::GET, "/agents/v1/tunnel").header("x-bowline-rendezvous", "a.b");
    assert_eq!(Api::send(knock).await.status, 403);
}

/// The portal's cookie reads for the portal's own scripts; it is no way in for links and frames, changes nothing, and ends with its session.
async fn by_portal(scene: &Scene) {
    let api = scene.server.api();
    let cookie = portal_cookie(&api, "admin", PASSWORD).await;
    let asked = |method: Method, path: &str| api.request(method, path).header("cookie", &cookie);
    let by_script = |method: Method, path: &str| asked(method, path).header("x-bowline-portal", "1");
    let maps = scene.proxy("/api/v1/namespaces/default/configmaps");
    let list = Api::send(by_script(Method::GET, &maps)).await.expect(200);
    assert_eq!(list["kind"], "ConfigMapList", "as admin, who may: {list}");
    assert_eq!(Api::send(asked(Method::GET, &maps)).await.status, 401, "a link or a frame sends no header");
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "recipe"}});
        let refused = Api::send(by_script(method.clone(), &maps).json(&map)).await;
        assert_eq!(refused.status, 401, "{method}: {}", refused.text);
    }
    let mut watch = by_script(Method::GET, &(maps + "watch=true&api-version=x")).send().await.unwrap();
    assert!(watch.chunk().await.unwrap().is_some());
    let logout = api.http.post(format!("{}/portal/logout", api.base));
    let out = Api::send(logout.header("cookie", &cookie).header("x-bowline-portal", "1")).await;
    assert_eq!(out.status, 204);
    let end =
        tokio::time::timeout(seconds(15), async { while let Ok(Some(_)) = watch.chunk().await {} }).await;
    assert!(end.is_ok(), "what a session opened does not outlive it");
}

/// An agent that is killed is told as such; the next one carries again, and one that was told not to says so.
async fn gone_and_back(mut scene: Scene) {
    let watching = Watching::start(scene.kubectl(&["get", "configmaps", "--watch", "-o", "name"]));
    watching.see("kube-root-ca").await;
    let path = scene.proxy("/api/v1/namespaces/default/configmaps") + "watch=true&api-version=x";
    let mut watch = scene.admin.request(Method::GET, &path).send().await.unwrap();
    assert!(watch.chunk().await.unwrap().is_some());
    scene.agent.kill();
    // What kubectl makes of it is kubectl's: it takes some broken watches for ended ones.
    watching.ended(20).await;
    let end = async {
        loop {
            match watch.chunk().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("a cut watch looks as if it were complete"),
                Err(_) => return,
            }
        }
    };
    tokio::time::timeout(seconds(20), end).await.expect("a cut watch ends");
    let told = until("the agent to be missed", seconds(20), async || {
        let (done, _, err) = scene.run(&["get", "configmaps"], "");
        (!done && err.contains("is not connected")).then_some(err)
    })
    .await;
    assert!(told.contains("ServiceUnavailable") || told.contains("AgentNotConnected"), "{told}");
    scene.agent = scene.cluster.agent_with(&[("BOWLINE_AGENT_TUNNELS", "false")]);
    let refused = until("the agent without tunnels", seconds(30), async || {
        let (done, _, err) = scene.run(&["get", "configmaps"], "");
        (!done && err.contains("opens no tunnels")).then_some(err)
    })
    .await;
    assert!(refused.contains("TunnelsNotSupported"), "{refused}");
    scene.agent.kill();
    scene.agent = scene.cluster.agent();
    until_true("the next agent carries", seconds(30), async || scene.run(&["get", "configmaps"], "").0).await;
}
