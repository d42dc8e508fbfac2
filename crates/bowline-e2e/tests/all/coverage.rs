//! Each type × verb is asked by somebody without a role, with a wrong entity tag, and page by page. What has no such test is a line in
//! `coverage-gaps.txt`, which may only shrink.

use std::collections::BTreeSet;

use bowline_e2e::api::{Answer, Api};
use bowline_e2e::server::sign_in;
use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::Stage;

const GAPS: &str = include_str!("coverage-gaps.txt");
const STRANGER: &str = "a Password of nobody, 4343";

async fn send(
    api: &Api,
    method: Method,
    path: &str,
    header: Option<(&str, &str)>,
    body: Option<&Value>,
) -> Answer {
    let request = api.request(method, path);
    let request = header.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    Api::send(body.iter().fold(request, |request, body| request.json(body))).await
}

impl Stage {
    /// Somebody who is signed in and has no role.
    async fn stranger(&self) -> Api {
        let user = json!({"properties": {"password": STRANGER}});
        let made = self.admin.put("/providers/Microsoft.Bowline/users/stranger", &user).await;
        assert!(matches!(made.status, 200 | 201), "{}", made.text);
        let token = sign_in(&self.admin, "stranger", STRANGER).await;
        self.admin.with(token["access_token"].as_str().unwrap())
    }

    /// The collection in which a type's samples lie, from its key as `/providers` spells it.
    fn collection(&self, type_name: &str) -> String {
        if type_name.eq_ignore_ascii_case("Microsoft.Resources/resourceGroups") {
            return format!("{}/resourceGroups", self.subscription);
        }
        let mut parts = type_name.split('/');
        let scope = if self.sample(&type_name.to_lowercase())["root"] == true { "" } else { &self.group };
        let mut path = format!("{scope}/providers/{}", parts.next().unwrap());
        let mut key = parts
            .clone()
            .next()
            .map_or_else(String::new, |_| type_name.split('/').next().unwrap().to_owned());
        let kinds: Vec<&str> = parts.collect();
        for (at, kind) in kinds.iter().enumerate() {
            key = format!("{key}/{kind}");
            path = format!("{path}/{kind}");
            if at + 1 < kinds.len() {
                path = format!("{path}/{}", self.name(&key.to_lowercase()));
            }
        }
        path
    }
}

/// 403 for who has no role, whatever the verb.
async fn check_roles(stranger: &Api, collection: &str, item: &str, body: &Value) {
    for (method, path, body) in [
        (Method::GET, item, None),
        (Method::GET, collection, None),
        (Method::PUT, item, Some(body)),
        (Method::PATCH, item, Some(&json!({}))),
        (Method::DELETE, item, None),
    ] {
        let answer = send(stranger, method.clone(), path, None, body).await;
        // A list may also be empty for who may see nothing of it.
        let nothing = method == Method::GET && answer.body["value"].as_array().is_some_and(Vec::is_empty);
        assert!(answer.status == 403 || nothing, "{method} {path}: {} {}", answer.status, answer.text);
    }
}

/// 412 for a tag that is not current, 304 for one that is.
async fn check_tags(admin: &Api, item: &str, body: &Value) {
    let wrong = Some(("if-match", "\"0123456789\""));
    for (method, body) in
        [(Method::PUT, Some(body)), (Method::PATCH, Some(&json!({}))), (Method::DELETE, None)]
    {
        let answer = send(admin, method.clone(), item, wrong, body).await;
        assert_eq!(answer.status, 412, "{method} {item}: {}", answer.text);
    }
    let got = admin.get(item).await;
    let tag = got.header("etag").unwrap_or_else(|| panic!("{item} has no etag: {}", got.text)).to_owned();
    let again = send(admin, Method::GET, item, Some(("if-none-match", &tag)), None).await;
    assert_eq!(again.status, 304, "{item}");
    let there = send(admin, Method::PUT, item, Some(("if-none-match", "*")), Some(body)).await;
    assert_eq!(there.status, 412, "{item}: {}", there.text);
}

/// Every item once, one to a page.
async fn check_pages(admin: &Api, collection: &str, others: usize) {
    let mut names = BTreeSet::new();
    let mut next = Some(format!("{collection}?$top=1"));
    let mut pages = 0;
    while let Some(url) = next {
        let page = admin.get(&url).await.expect(200);
        let items = page["value"].as_array().unwrap();
        // What is built in comes with the first page.
        assert!(items.len() <= 1 || pages == 0, "{url}: {page}");
        for item in items {
            assert!(
                names.insert(item["id"].as_str().unwrap().to_lowercase()),
                "{url} repeats {}",
                item["id"]
            );
        }
        next = page["nextLink"].as_str().map(str::to_owned);
        pages += 1;
        assert!(pages < 500, "{collection} does not end");
    }
    assert!(names.len() > others, "{collection} has {names:?}");
}

#[tokio::test]
async fn each_type_and_verb_is_refused_without_a_role_guarded_by_its_tag_and_listed_in_pages() {
    let stage = Stage::new().await;
    let stranger = stage.stranger().await;
    let providers = stage.admin.get("/providers").await.expect(200);
    let mut gaps = BTreeSet::new();
    for provider in providers["value"].as_array().unwrap() {
        for kind in provider["resourceTypes"].as_array().unwrap() {
            let name = format!(
                "{}/{}",
                provider["namespace"].as_str().unwrap(),
                kind["resourceType"].as_str().unwrap()
            );
            let key = name.to_lowercase();
            let body = stage.sample(&key)["put"].clone();
            if body.is_null() || stage.sample(&key)["unguarded"] == true {
                gaps.insert(format!("{name}: no sample"));
                continue;
            }
            let collection = stage.collection(&name);
            let item = format!("{collection}/{}", stage.name(&key));
            stage.ensure(&item.parse().unwrap()).await;
            check_roles(&stranger, &collection, &item, &body).await;
            check_tags(&stage.admin, &item, &body).await;
            // A second one, where the type lets its owner choose a name.
            let other = &stage.sample(&key)["second"];
            let second = format!("{collection}/{}", other["name"].as_str().unwrap_or("second"));
            let other_body = if other["put"].is_null() { &body } else { &other["put"] };
            let made = stage.admin.put(&second, other_body).await.status;
            check_pages(&stage.admin, &collection, usize::from(made < 300)).await;
            if made >= 300 {
                gaps.insert(format!("{name}: pages of more than one"));
            }
        }
    }
    if let Ok(file) = std::env::var("BOWLINE_WRITE_GAPS") {
        std::fs::write(file, gaps.iter().map(|l| format!("{l}\n")).collect::<String>()).unwrap();
    }
    let listed: BTreeSet<String> = GAPS.lines().map(str::to_owned).collect();
    let new: Vec<_> = gaps.difference(&listed).collect();
    assert!(new.is_empty(), "without a test; add a sample to samples.json: {new:#?}");
    for line in listed.difference(&gaps) {
        println!("tested now, take it off the list: {line}");
    }
}
