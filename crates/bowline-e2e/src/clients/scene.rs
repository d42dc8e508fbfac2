//! Who the drivers sign in as, and where: made through the API, written as the one file that every driver reads.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api::Api;
use crate::server::{PASSWORD, Server, subscription};

const OWNER: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";

/// The callers of a run, on one server.
#[derive(Debug)]
pub struct Scene {
    folder: TempDir,
    ca: PathBuf,
    base: String,
}

impl Scene {
    /// Makes an owner of everything, a reader of the subscription, a stranger without rights, a principal that others are
    /// given roles for, and an owner whose budget of requests is small.
    ///
    /// # Panics
    /// When the server refuses one of them.
    pub async fn make(server: &Server, admin: &Api) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let scene = Self { folder, ca: server.ca(), base: server.url() };
        let here = subscription(admin).await;
        let shown = admin.get(&here).await.expect(200);
        let (certificate, public_key) = scene.certificate();
        let mut file = json!({
            "base": scene.base,
            "ca": scene.ca,
            "tenant": shown["tenantId"],
            "subscription": shown["subscriptionId"],
            "user": {"name": "admin", "password": PASSWORD},
            "work": scene.folder.path(),
            "certificate": certificate,
        });
        for (name, role, scope) in [
            ("owner", Some(OWNER), ""),
            ("reader", Some(READER), &here),
            ("stranger", None, ""),
            ("spare", None, ""),
        ] {
            let keys = if name == "owner" { vec![public_key.clone()] } else { Vec::new() };
            file[name] = principal(admin, name, &keys).await;
            if let Some(role) = role {
                assign(admin, scope, role, file[name]["objectId"].as_str().unwrap()).await;
            }
        }
        std::fs::write(scene.file(), file.to_string()).unwrap();
        scene
    }

    /// The file for the drivers.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("scene.json")
    }

    /// A client's own folder.
    #[must_use]
    pub fn folder(&self, client: &str) -> PathBuf {
        let folder = self.folder.path().join(client);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// What `bowline env` prints for trust: the server's certificate authority, for every language.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"]
            .map(|name| (name, self.ca.clone()))
            .to_vec()
    }

    /// A key and a certificate in one file, as the clients read them, and the public key as it is registered.
    fn certificate(&self) -> (PathBuf, String) {
        let file = self.folder.path().join("certificate.pem");
        let make = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=owner -days 2 -keyout key.pem -out cert.pem \
                    && cat key.pem cert.pem > certificate.pem && openssl pkey -in key.pem -pubout";
        let public = shell(self.folder.path(), make);
        let base64: String = public.lines().filter(|line| !line.starts_with("-----")).collect();
        (file, base64)
    }
}

fn shell(folder: &Path, script: &str) -> String {
    let output = std::process::Command::new("sh").args(["-c", script]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A service principal with a secret: its client id, secret, object id and name.
async fn principal(admin: &Api, name: &str, public_keys: &[String]) -> Value {
    let client = uuid::Uuid::new_v4();
    let id = format!("/providers/Microsoft.Bowline/servicePrincipals/{client}");
    let body = json!({"properties": {"displayName": name, "publicKeys": public_keys}});
    let made = admin.put(&id, &body).await.expect(201);
    let secret = admin.post(&format!("{id}/addPassword"), &json!({})).await.expect(200);
    json!({"clientId": client, "secret": secret["secret"], "objectId": made["properties"]["objectId"], "name": name})
}

async fn assign(admin: &Api, scope: &str, role: &str, principal: &str) {
    let id = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{}", uuid::Uuid::new_v4());
    let role = format!("/providers/Microsoft.Authorization/roleDefinitions/{role}");
    let body = json!({"properties": {"roleDefinitionId": role, "principalId": principal, "principalType": "ServicePrincipal"}});
    let _ = admin.put(&id, &body).await.expect(201);
}
