//! The directory: groups and what they give, applications and their credentials; what ends takes effect on the next request.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bowline_e2e::api::Api;
use bowline_e2e::server::{Server, group, sign_in};
use serde_json::{Value, json};

use crate::roles::{READER, assign, user};

const GROUPS: &str = "/providers/Microsoft.Bowline/groups";
const TOKEN: &str = "/organizations/oauth2/v2.0/token";

/// A group of the directory; its id and object id.
async fn team(admin: &Api, name: &str, members: &[&str]) -> (String, String) {
    let id = format!("{GROUPS}/{name}");
    let made = admin.put(&id, &json!({"properties": {"members": members}})).await.expect(201);
    (id, made["properties"]["objectId"].as_str().unwrap().to_owned())
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a token has three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn a_role_reaches_the_members_of_groups_in_groups_until_they_leave() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let plant = group(&admin, "plant").await;
    let (ada, ada_id) = user(&admin, "ada").await;
    let (inner, inner_id) = team(&admin, "inner", &[&ada_id]).await;
    let (outer, outer_id) = team(&admin, "outer", &[&inner_id]).await;
    ada.get(&plant).await.refused(403, "AuthorizationFailed");
    assign(&admin, &plant, READER, &outer_id).await;
    assert_eq!(ada.get(&plant).await.status, 200, "a role of the outer group is inherited");

    let tokens = sign_in(&admin, "ada", "a long passphrase that nobody guesses 77").await;
    for token in ["access_token", "id_token"] {
        assert_eq!(claims(tokens[token].as_str().unwrap())["groups"], json!([inner_id, outer_id]), "{token}");
    }

    // A circle changes nothing, and the group that closes it is in no group twice.
    let _ = admin.post(&format!("{inner}/addMembers"), &json!({"principals": [outer_id]})).await.expect(200);
    assert_eq!(ada.get(&plant).await.status, 200);

    let left =
        admin.post(&format!("{inner}/removeMembers"), &json!({"principals": [ada_id]})).await.expect(200);
    assert_eq!(left["changed"], json!([ada_id]));
    ada.get(&plant).await.refused(403, "AuthorizationFailed");
    let _ = admin.post(&format!("{inner}/addMembers"), &json!({"principals": [ada_id]})).await.expect(200);
    assert_eq!(ada.get(&plant).await.status, 200, "the next request sees the member again");
    let _ = admin.delete(&inner).await.expect(200);
    ada.get(&plant).await.refused(403, "AuthorizationFailed");
    let shown = admin.get(&outer).await.expect(200);
    assert_eq!(shown["properties"]["members"], json!([inner_id]), "who was deleted is named until taken out");
}

#[tokio::test]
async fn groups_take_only_principals_that_exist_and_owners_change_members_only() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let (ada, ada_id) = user(&admin, "ada").await;
    let (_, bob_id) = user(&admin, "bob").await;
    let (id, own) = team(&admin, "team", &[]).await;
    let put = async |properties: Value| admin.put(&id, &json!({"properties": properties})).await;
    let nobody = uuid::Uuid::new_v4().to_string();
    put(json!({"members": [nobody]})).await.refused(400, "PrincipalNotFound");
    put(json!({"members": [own]})).await.refused(400, "InvalidMember");
    put(json!({"owners": [own]})).await.refused(400, "InvalidOwner");
    put(json!({"members": ["no guid"]})).await.refused(400, "InvalidRequestContent");
    let many: Vec<String> = (0..10_001).map(|_| uuid::Uuid::new_v4().to_string()).collect();
    put(json!({"members": many})).await.refused(400, "TooManyMembers");
    let twice = put(json!({"members": [bob_id, bob_id.to_uppercase()]})).await.expect(200);
    assert_eq!(twice["properties"]["members"], json!([bob_id]), "each member once, in one form");

    let add = json!({"principals": [ada_id]});
    ada.post(&format!("{id}/addMembers"), &add).await.refused(403, "AuthorizationFailed");
    let _ = admin.post(&format!("{id}/addOwners"), &add).await.expect(200);
    assert_eq!(ada.post(&format!("{id}/addMembers"), &add).await.expect(200)["changed"], json!([ada_id]));
    assert_eq!(
        ada.post(&format!("{id}/addMembers"), &add).await.expect(200)["changed"],
        json!([]),
        "once is enough"
    );
    ada.post(&format!("{id}/removeOwners"), &add).await.refused(403, "AuthorizationFailed");
    ada.patch(&id, &json!({"properties": {"displayName": "mine"}})).await.refused(403, "AuthorizationFailed");
    ada.post(&format!("{GROUPS}/no-such/addMembers"), &add).await.refused(403, "AuthorizationFailed");

    // A Contributor at the root must not join a group of owners.
    let contributor = "b24988ac-6180-42a0-ab88-20f7382dd24c";
    let (eve, eve_id) = user(&admin, "eve").await;
    assign(&admin, "", contributor, &eve_id).await;
    eve.post(&format!("{id}/addMembers"), &json!({"principals": [eve_id]}))
        .await
        .refused(403, "AuthorizationFailed");
    eve.put(&format!("{GROUPS}/other"), &json!({})).await.refused(403, "AuthorizationFailed");
    let application = format!("/providers/Microsoft.Bowline/applications/{}", uuid::Uuid::new_v4());
    eve.put(&application, &json!({})).await.refused(403, "AuthorizationFailed");
}

#[tokio::test]
async fn the_identity_of_a_machine_may_be_in_a_group_and_have_a_role() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let plant = group(&admin, "plant").await;
    let id = crate::resources::machine(&plant, "m1");
    let key = bowline_e2e::keys::Key::generate();
    let body = json!({"location": "local", "properties": {"clientPublicKey": key.public()}});
    let made = admin.put(&id, &body).await.expect(200);
    let identity = made["identity"]["principalId"].as_str().unwrap();
    team(&admin, "machines", &[identity]).await;
    let assignment = assign(&admin, &plant, READER, identity).await;
    let shown = admin.get(&assignment).await.expect(200);
    assert_eq!(shown["properties"]["principalType"], "ServicePrincipal");
    let wrong =
        json!({"properties": {"roleDefinitionId": READER, "principalId": identity, "principalType": "User"}});
    let other = format!("{id}/providers/Microsoft.Authorization/roleAssignments/{}", uuid::Uuid::new_v4());
    admin.put(&other, &wrong).await.refused(400, "UnmatchedPrincipalType");
}

#[tokio::test]
async fn an_applications_secrets_work_for_its_service_principal_and_end_with_either() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let app_id = uuid::Uuid::new_v4().to_string();
    let application = format!("/providers/Microsoft.Bowline/applications/{app_id}");
    let principal = format!("/providers/Microsoft.Bowline/servicePrincipals/{app_id}");
    let made = admin.put(&application, &json!({"properties": {"displayName": "ci"}})).await.expect(201);
    let made_secret =
        admin.post(&format!("{application}/addPassword"), &json!({"displayName": "first"})).await.expect(200);
    let secret = made_secret["secret"].as_str().unwrap();
    let sign_in = async |client: &str, secret: &str| {
        let form = [("grant_type", "client_credentials"), ("client_id", client), ("client_secret", secret)];
        admin.form(TOKEN, &form).await
    };
    assert_eq!(sign_in(&app_id, secret).await.status, 400, "without a service principal it is nobody");
    let object = made["properties"]["objectId"].as_str().unwrap();
    assert_eq!(
        sign_in(object, secret).await.body["error"],
        "unauthorized_client",
        "an object id is no client id"
    );
    let _ = admin.put(&principal, &json!({"properties": {"displayName": "ci"}})).await.expect(201);
    let token = sign_in(&app_id, secret).await.expect(200);
    let client = admin.with(token["access_token"].as_str().unwrap());
    client.get(&principal).await.refused(403, "AuthorizationFailed");

    let shown = admin.get(&application).await.expect(200);
    let credential = &shown["properties"]["passwordCredentials"][0];
    assert_eq!(
        (credential["displayName"].as_str(), credential["keyId"].as_str()),
        (Some("first"), made_secret["keyId"].as_str())
    );
    assert!(secret.starts_with(credential["hint"].as_str().unwrap()) && !shown.to_string().contains(secret));

    let patch = json!({"properties": {"accountEnabled": false}});
    let _ = admin.patch(&principal, &patch).await.expect(200);
    client.get(&principal).await.refused(401, "AuthenticationFailed");
    assert_eq!(sign_in(&app_id, secret).await.body["error_codes"], json!([50057]));
    let _ = admin.patch(&principal, &json!({"properties": {"accountEnabled": true}})).await.expect(200);
    let _ = admin
        .post(&format!("{application}/removePassword"), &json!({"keyId": credential["keyId"]}))
        .await
        .expect(200);
    assert_eq!(sign_in(&app_id, secret).await.status, 401, "a secret that was removed ends");
    client.get(&principal).await.refused(403, "AuthorizationFailed");
    let _ = admin.delete(&principal).await.expect(200);
    client.get(&principal).await.refused(401, "AuthenticationFailed");
}
