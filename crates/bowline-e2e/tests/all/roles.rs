//! What a token may do where: roles at scopes, and the terms of enrolment tokens.

use bowline_e2e::api::{Answer, Api};
use bowline_e2e::keys::Key;
use bowline_e2e::server::{Server, enrolment_token, group, sign_in, subscription};
use futures::StreamExt as _;
use serde_json::json;

use crate::resources::machine;

pub(crate) const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
const CONTRIBUTOR: &str = "b24988ac-6180-42a0-ab88-20f7382dd24c";
const MACHINE_ONBOARDING: &str = "b64e21ea-ac4e-4cdf-9dc9-5b892992bee7";

/// A user, signed in.
pub(crate) async fn user(admin: &Api, name: &str) -> (Api, String) {
    let password = "a long passphrase that nobody guesses 77";
    let made = admin
        .put(
            &format!("/providers/Microsoft.Bowline/users/{name}"),
            &json!({"properties": {"password": password}}),
        )
        .await
        .expect(201);
    assert!(!made.to_string().contains(password), "a password is never shown");
    let tokens = sign_in(admin, name, password).await;
    (
        admin.with(tokens["access_token"].as_str().unwrap()),
        made["properties"]["objectId"].as_str().unwrap().to_owned(),
    )
}

/// Gives a role at a scope; the assignment's id.
pub(crate) async fn assign(admin: &Api, scope: &str, role: &str, principal: &str) -> String {
    let id = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{}", uuid::Uuid::new_v4());
    let body = json!({"properties": {"roleDefinitionId": format!("/providers/Microsoft.Authorization/roleDefinitions/{role}"), "principalId": principal}});
    let _ = admin.put(&id, &body).await.expect(201);
    id
}

#[tokio::test]
async fn roles_grant_at_their_scope_and_below() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let (left, right) = (group(&admin, "left").await, group(&admin, "right").await);
    let body = json!({"location": "local"});
    let _ = admin.put(&machine(&left, "m"), &body).await.expect(200);
    let (eve, object) = user(&admin, "eve").await;
    let message = eve.get(&left).await.refused(403, "AuthorizationFailed");
    assert!(message.contains("Microsoft.Resources/subscriptions/resourceGroups/read"), "{message}");
    eve.get(&machine(&left, "no-such")).await.refused(403, "AuthorizationFailed");
    eve.put(&machine("/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/x", "m"), &body)
        .await
        .refused(403, "AuthorizationFailed");

    let reader = assign(&admin, &left, READER, &object).await;
    assert_eq!(eve.get(&machine(&left, "m")).await.status, 200);
    eve.get(&machine(&left, "no-such")).await.refused(404, "ResourceNotFound");
    eve.get(&right).await.refused(403, "AuthorizationFailed");
    eve.put(&machine(&left, "m"), &body).await.refused(403, "AuthorizationFailed");
    eve.patch(&machine(&left, "m"), &json!({"tags": {}})).await.refused(403, "AuthorizationFailed");
    eve.delete(&machine(&left, "m")).await.refused(403, "AuthorizationFailed");
    let _ = admin.put(&machine(&right, "hidden"), &body).await.expect(200);
    let scope = subscription(&admin).await;
    let listed = eve.get(&format!("{scope}/providers/Microsoft.HybridCompute/machines")).await.expect(200);
    assert_eq!(listed["value"].as_array().map(Vec::len), Some(1), "a list shows what may be read: {listed}");

    assign(&admin, &left, CONTRIBUTOR, &object).await;
    assert_eq!(eve.put(&machine(&left, "n"), &body).await.status, 200);
    let id = format!("{left}/providers/Microsoft.Authorization/roleAssignments/{}", uuid::Uuid::new_v4());
    let grant = json!({"properties": {"roleDefinitionId": format!("/providers/Microsoft.Authorization/roleDefinitions/{CONTRIBUTOR}"), "principalId": object}});
    eve.put(&id, &grant).await.refused(403, "AuthorizationFailed");

    let (bot, object) = user(&admin, "bot").await;
    assign(&admin, &left, MACHINE_ONBOARDING, &object).await;
    assert_eq!(
        bot.put(
            &machine(&left, "new"),
            &json!({"location": "local", "properties": {"clientPublicKey": Key::generate().public()}})
        )
        .await
        .status,
        200
    );
    bot.delete(&machine(&left, "new")).await.refused(403, "AuthorizationFailed");
    bot.put(&format!("{left}/providers/Microsoft.Kubernetes/connectedClusters/c"), &body)
        .await
        .refused(403, "AuthorizationFailed");
    bot.put(&machine(&right, "new"), &body).await.refused(403, "AuthorizationFailed");

    assert_eq!(admin.delete(&reader).await.status, 200);
    let _ = admin.delete("/providers/Microsoft.Bowline/users/eve").await.expect(200);
    eve.get(&left).await.refused(401, "AuthenticationFailed");
}

#[tokio::test]
async fn enrolment_tokens_count_and_keep_to_their_terms() {
    let server = Server::usual().await;
    let admin = server.admin().await;
    let (here, there) = (group(&admin, "here").await, group(&admin, "there").await);
    let holder = admin.with(&enrolment_token(&admin, &here, "five", 5).await);
    let body = || json!({"location": "local", "properties": {"clientPublicKey": Key::generate().public()}});
    holder.put(&machine(&there, "m"), &body()).await.refused(403, "AuthorizationFailed");
    holder.get(&here).await.refused(403, "AuthorizationFailed");
    holder
        .put(
            &format!("{here}/providers/Microsoft.Bowline/enrollmentTokens/more"),
            &json!({"properties": {"maxUses": 1000}}),
        )
        .await
        .refused(403, "AuthorizationFailed");
    let answers: Vec<Answer> = futures::stream::iter(0..20)
        .map(|n| {
            let (holder, id) = (holder.clone(), machine(&here, &format!("m{n}")));
            async move { holder.put(&id, &body()).await }
        })
        .buffer_unordered(20)
        .collect()
        .await;
    let made = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(
        made,
        5,
        "{:?}",
        answers.iter().map(|a| (a.status, a.body["error"]["code"].to_string())).collect::<Vec<_>>()
    );
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        assert!(matches!(refused.status, 401 | 403 | 409), "{}", refused.text);
    }
    let listed = admin.get(&format!("{here}/providers/Microsoft.HybridCompute/machines")).await.expect(200);
    assert_eq!(listed["value"].as_array().map(Vec::len), Some(5));
    let id = format!("{here}/providers/Microsoft.Bowline/enrollmentTokens/five");
    let shown = admin.get(&id).await.expect(200);
    assert_eq!(shown["properties"]["uses"], 5, "{shown}");
    assert!(!shown.to_string().contains("bwe_"), "only listToken shows it");
    let again = admin.put(&id, &json!({"properties": {"maxUses": 5}})).await;
    assert_eq!(again.status, 200, "an identical PUT is no change: {}", again.text);

    let narrow = format!("{here}/providers/Microsoft.Bowline/enrollmentTokens/narrow");
    let _ = admin.put(&narrow, &json!({"properties": {"maxUses": 9, "resourceTypes": ["Microsoft.Kubernetes/connectedClusters"]}})).await.expect(201);
    let token = admin.post(&format!("{narrow}/listToken"), &json!({})).await.expect(200);
    let holder = admin.with(token["token"].as_str().unwrap());
    holder.put(&machine(&here, "x"), &body()).await.refused(403, "AuthorizationFailed");
    let _ = admin.delete(&narrow).await.expect(200);
    holder.put(&machine(&here, "x"), &body()).await.refused(401, "AuthenticationFailed");
}

/// Every write is guarded by the roles of its moment, and each of these changes the roles: without a line they would take it from each other.
#[tokio::test]
async fn many_role_assignments_at_once_are_all_made_beside_other_writes() {
    const AT_ONCE: usize = 48;
    let server = Server::usual().await;
    let admin = server.admin().await;
    let group = group(&admin, "g").await;
    let (_, object) = user(&admin, "many").await;
    let writers = (0..AT_ONCE).map(async |number| {
        let at = format!("{group}/providers/Microsoft.HybridCompute/machines/m{number}");
        let _ = admin.put(&at, &json!({"location": "local"})).await.expect(200);
        assign(&admin, &at, READER, &object).await;
        let _ = admin.put(&at, &json!({"location": "local", "tags": {"again": "yes"}})).await.expect(200);
    });
    futures::future::join_all(writers).await;
    let path = format!(
        "{group}/providers/Microsoft.Authorization/roleAssignments?$filter=principalId eq '{object}'"
    );
    let listed = admin.get(&path).await.expect(200);
    assert_eq!(listed["value"].as_array().unwrap().len(), AT_ONCE);
}
