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

#[tokio::test]
async fn graph_answers_what_az_asks_of_it() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let user_body = json!({"userPrincipalName": "ada@bowline.local", "displayName": "Ada", "mailNickname": "ada", "accountEnabled": true,
        "passwordProfile": {"password": "a long passphrase that nobody guesses 77", "forceChangePasswordNextSignIn": false}});
    let ada = admin.post("/v1.0/users", &user_body).await.expect(201);
    assert_eq!(
        (ada["userPrincipalName"].as_str(), ada["displayName"].as_str()),
        (Some("ada@bowline.local"), Some("Ada"))
    );
    assert_eq!(
        admin.post("/v1.0/users", &user_body).await.body["error"]["code"],
        "Request_BadRequest",
        "the name is taken"
    );
    let ada_id = ada["id"].as_str().unwrap();
    for reference in [
        "users/ada",
        "users/ada@bowline.local",
        "users('ada@bowline.local')",
        &format!("users/{ada_id}"),
        &format!("directoryObjects/{ada_id}"),
    ] {
        assert_eq!(
            admin.get(&format!("/v1.0/{reference}?$select=id,displayName")).await.expect(200)["id"],
            ada["id"],
            "{reference}"
        );
    }
    let found =
        admin.get("/v1.0/users?%24filter=userPrincipalName%20eq%20'ADA%40bowline.local'").await.expect(200);
    assert_eq!(found["value"][0]["id"], ada["id"]);

    // What `az ad group` and `az ad group member` do.
    let group_body = json!({"displayName": "Operators of plant 7", "mailNickname": "operators", "mailEnabled": false, "securityEnabled": true});
    let made = admin.post("/v1.0/groups", &group_body).await.expect(201);
    let group_id = made["id"].as_str().unwrap();
    let members = format!("/v1.0/groups/{group_id}/members");
    let reference = json!({"@odata.id": format!("{}/v1.0/directoryObjects/{ada_id}", server.url())});
    assert_eq!(admin.post(&format!("{members}/$ref"), &reference).await.status, 204);
    let twice = admin.post(&format!("{members}/$ref"), &reference).await;
    assert!(twice.status == 400 && twice.text.contains("already exist"), "{}", twice.text);
    let listed = admin.get(&members).await.expect(200);
    assert_eq!(
        (listed["value"][0]["@odata.type"].as_str(), &listed["value"][0]["id"]),
        (Some("#microsoft.graph.user"), &ada["id"])
    );
    let check = json!({"groupIds": [group_id]});
    assert_eq!(
        admin.post(&format!("/v1.0/directoryObjects/{ada_id}/checkMemberGroups"), &check).await.expect(200)["value"],
        json!([group_id])
    );
    let groups = admin
        .post("/v1.0/users/ada/getMemberGroups", &json!({"securityEnabledOnly": false}))
        .await
        .expect(200);
    assert_eq!(groups["value"], json!([group_id]));
    assert_eq!(
        admin.get("/v1.0/users/ada/transitiveMemberOf").await.expect(200)["value"][0]["displayName"],
        "Operators of plant 7"
    );
    assert_eq!(admin.delete(&format!("{members}/{ada_id}/$ref")).await.status, 204);
    assert_eq!(admin.delete(&format!("{members}/{ada_id}/$ref")).await.status, 404);
    let filter = "displayName%20eq%20'Operators%20of%20plant%207'%20and%20mailNickname%20eq%20'operators'";
    assert_eq!(
        admin.get(&format!("/v1.0/groups?$filter={filter}")).await.expect(200)["value"][0]["id"],
        made["id"]
    );

    // The signed-in user reads himself and needs a role for others.
    let tokens = sign_in(&admin, "ada", "a long passphrase that nobody guesses 77").await;
    let as_ada = admin.with(tokens["access_token"].as_str().unwrap());
    assert_eq!(as_ada.get("/v1.0/me").await.expect(200)["id"], ada["id"]);
    assert_eq!(as_ada.get("/v1.0/me/memberOf").await.expect(200)["value"], json!([]));
    for path in [
        "/v1.0/users",
        "/v1.0/users/admin",
        "/v1.0/groups",
        &format!("/v1.0/users/{}", uuid::Uuid::new_v4()),
        "/v1.0/servicePrincipals?$filter=appId%20eq%20'bc313c14-388c-4e7d-a58e-70017303ee3b'",
    ] {
        let refused = as_ada.get(path).await;
        assert_eq!(
            (refused.status, refused.body["error"]["code"].as_str()),
            (403, Some("Authorization_RequestDenied")),
            "{path}: {}",
            refused.text
        );
    }
    let nobody = server.api().get("/v1.0/me").await;
    assert_eq!(
        (nobody.status, nobody.body["error"]["code"].as_str()),
        (401, Some("InvalidAuthenticationToken"))
    );
    assert!(nobody.header("www-authenticate").is_some_and(|h| h.contains("authorization_uri")));

    assert_eq!(admin.patch("/v1.0/users/ada", &json!({"accountEnabled": false})).await.status, 204);
    assert_eq!(as_ada.get("/v1.0/me").await.status, 401, "disabled at the next request");
    assert_eq!(admin.delete("/v1.0/users/ada").await.status, 204);
    let gone = admin.get("/v1.0/users/ada").await;
    assert_eq!((gone.status, gone.body["error"]["code"].as_str()), (404, Some("Request_ResourceNotFound")));
    assert_eq!(
        admin.get("/v1.0/users?$orderby=displayName").await.body["error"]["code"],
        "Request_UnsupportedQuery"
    );
    assert_eq!(admin.get("/v1.0/nonsense").await.status, 400);
}

#[tokio::test]
async fn a_service_principal_for_rbac_is_made_and_found_through_graph() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let application = admin.post("/v1.0/applications", &json!({"displayName": "deployer"})).await.expect(201);
    let (id, app_id) = (application["id"].as_str().unwrap(), application["appId"].as_str().unwrap());
    assert!(id != app_id && application["passwordCredentials"] == json!([]), "{application}");
    let password = json!({"passwordCredential": {"displayName": "rbac", "startDateTime": "2026-01-01T00:00:00Z", "endDateTime": "2027-12-01T00:00:00Z"}});
    let secret = admin.post(&format!("/v1.0/applications/{id}/addPassword"), &password).await.expect(200);
    assert_eq!(
        (secret["displayName"].as_str(), secret["endDateTime"].as_str()),
        (Some("rbac"), Some("2027-12-01T00:00:00Z"))
    );
    let unknown = admin.post("/v1.0/servicePrincipals", &json!({"appId": uuid::Uuid::new_v4()})).await;
    assert!(unknown.status == 400 && unknown.text.contains("No application"), "{}", unknown.text);
    let principal = admin
        .post("/v1.0/servicePrincipals", &json!({"appId": app_id, "accountEnabled": true}))
        .await
        .expect(201);
    assert_eq!(
        (principal["displayName"].as_str(), principal["appId"].as_str()),
        (Some("deployer"), Some(app_id))
    );
    let by_name = |name: &str| {
        format!("/v1.0/servicePrincipals?$filter=servicePrincipalNames/any(c:c%20eq%20'{name}')")
    };
    assert_eq!(admin.get(&by_name(app_id)).await.expect(200)["value"][0]["id"], principal["id"]);
    assert_eq!(admin.get(&by_name("no-such-name")).await.expect(200)["value"], json!([]));
    assert_eq!(
        admin.get(&format!("/v1.0/servicePrincipals(appId='{app_id}')")).await.expect(200)["id"],
        principal["id"]
    );
    let body = json!({"ids": [principal["id"], id, uuid::Uuid::new_v4()], "types": ["user", "group", "servicePrincipal"]});
    let stubs = admin.post("/v1.0/directoryObjects/getByIds", &body).await.expect(200);
    assert_eq!(stubs["value"].as_array().map(Vec::len), Some(1), "{stubs}");
    assert_eq!(stubs["value"][0]["@odata.type"], "#microsoft.graph.servicePrincipal");

    let plant = group(&admin, "plant").await;
    assign(&admin, &plant, READER, principal["id"].as_str().unwrap()).await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", app_id),
        ("client_secret", secret["secretText"].as_str().unwrap()),
    ];
    let token = admin.form(TOKEN, &form).await.expect(200);
    let client = admin.with(token["access_token"].as_str().unwrap());
    assert_eq!(client.get(&plant).await.status, 200);
    assert_eq!(client.get("/v1.0/me").await.status, 400, "a program is nobody's me");
    assert_eq!(
        client.get(&format!("/v1.0/servicePrincipals/{}", principal["id"].as_str().unwrap())).await.status,
        200,
        "oneself is readable"
    );

    assert_eq!(admin.delete(&format!("/v1.0/applications/{id}")).await.status, 204);
    assert_eq!(client.get(&plant).await.status, 401, "the service principal went with its application");
    assert_eq!(admin.get(&format!("/v1.0/applications/{id}")).await.status, 404);
}

#[tokio::test]
async fn graph_pages_hold_each_object_once_and_count_them_all() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    for n in 0..7 {
        let body = json!({"displayName": format!("team {n}"), "mailNickname": format!("team{n}"), "mailEnabled": false, "securityEnabled": true});
        let _ = admin.post("/v1.0/groups", &body).await.expect(201);
    }
    let mut path = "/v1.0/groups?$top=2&$count=true&$filter=startswith(displayName,'team')".to_owned();
    let (mut names, mut pages) = (Vec::new(), 0);
    loop {
        let page = admin.get(&path).await.expect(200);
        assert_eq!(page["@odata.count"], 7);
        let value = page["value"].as_array().unwrap();
        assert!(value.len() <= 2, "{page}");
        names.extend(value.iter().map(|g| g["displayName"].as_str().unwrap().to_owned()));
        pages += 1;
        let Some(next) = page["@odata.nextLink"].as_str() else { break };
        path = next.to_owned();
    }
    names.sort();
    assert_eq!(names, (0..7).map(|n| format!("team {n}")).collect::<Vec<_>>());
    assert!(pages >= 4, "{pages}");
    assert_eq!(admin.get("/v1.0/groups/$count").await.text, "7");
}

#[tokio::test]
async fn a_user_assigned_identity_is_a_principal_while_it_exists() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let plant = group(&admin, "plant").await;
    let id = format!("{plant}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/runner");
    let made = admin.put(&id, &json!({"location": "local"})).await.expect(201);
    let properties = &made["properties"];
    assert!(
        properties["principalId"].is_string()
            && properties["clientId"].is_string()
            && properties["tenantId"].is_string()
    );
    let again = admin.put(&id, &json!({"location": "local", "tags": {"a": "b"}})).await.expect(200);
    assert_eq!(again["properties"], made["properties"], "an identity stays the same");
    let principal = properties["principalId"].as_str().unwrap();
    let assignment = assign(&admin, &plant, READER, principal).await;
    assert_eq!(admin.get(&assignment).await.expect(200)["properties"]["principalType"], "ServicePrincipal");
    let shown = admin.get(&format!("/v1.0/servicePrincipals/{principal}")).await.expect(200);
    assert_eq!(
        (shown["servicePrincipalType"].as_str(), shown["displayName"].as_str()),
        (Some("ManagedIdentity"), Some("runner"))
    );
    assert_eq!(
        admin
            .patch(&format!("/v1.0/servicePrincipals/{principal}"), &json!({"displayName": "x"}))
            .await
            .status,
        400
    );
    let _ = admin.delete(&id).await.expect(200);
    assert_eq!(admin.get(&format!("/v1.0/servicePrincipals/{principal}")).await.status, 404);
    let name = format!("{plant}/providers/Microsoft.Authorization/roleAssignments/{}", uuid::Uuid::new_v4());
    let body = json!({"properties": {"roleDefinitionId": READER, "principalId": principal}});
    admin.put(&name, &body).await.refused(400, "PrincipalNotFound");
}
