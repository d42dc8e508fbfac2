//! The sign-in page: a code for a client, by redirect or by a form that the browser posts; and the sign-out.
//!
//! Design notes: until client and redirect address are known to belong together, a refusal is a page and nothing leaves this
//! server; afterwards it goes to the client, which waits for an answer (RFC 6749 §4.1.2.1).

use std::sync::Arc;

use axum::extract::{Path, Query, Request, State as Shared};
use axum::response::Response;
use bowline_auth::OAuthError;
use bowline_control::identity::code::AuthorizeRequest;
use http::StatusCode;

use super::super::context::{client_address, cookie};
use super::super::{State, pages, portal};
use super::{Authority, Form, field, form, scope, slowed, text};

/// What the page carries from the request to the answer.
const FIELDS: [&str; 9] = [
    "client_id",
    "redirect_uri",
    "response_mode",
    "scope",
    "resource",
    "state",
    "code_challenge",
    "code_challenge_method",
    "nonce",
];

/// A request whose client may be answered.
struct Asked {
    request: AuthorizeRequest,
    /// What the page calls the client.
    client: String,
    form_post: bool,
    state: Option<String>,
}

/// A refusal, and whether the client may hear it.
enum Refused {
    Here(OAuthError),
    ToClient(Asked, OAuthError),
}

async fn read(
    state: &State,
    tenant: &Path<String>,
    parts: &http::request::Parts,
    fields: &Form,
) -> Result<Asked, Refused> {
    Authority::of(state, tenant, parts).map_err(Refused::Here)?;
    let asked = required(state, fields).await.map_err(Refused::Here)?;
    match rules(state, fields, &asked).await {
        Ok(()) => Ok(asked),
        Err(error) => Err(Refused::ToClient(asked, error)),
    }
}

async fn required(state: &State, fields: &Form) -> Result<Asked, OAuthError> {
    let request = AuthorizeRequest {
        client_id: field(fields, "client_id")?.to_owned(),
        redirect_uri: field(fields, "redirect_uri")?.to_owned(),
        scope: scope(fields),
        code_challenge: text(fields, "code_challenge").to_owned(),
        nonce: fields.get("nonce").map(|n| n.chars().take(512).collect()),
    };
    state.control.check_redirect(&request.client_id, &request.redirect_uri).await?;
    let form_post = text(fields, "response_mode").eq_ignore_ascii_case("form_post");
    let client = state.control.client_name(&request.client_id).await?;
    Ok(Asked { request, client, form_post, state: fields.get("state").cloned() })
}

async fn rules(state: &State, fields: &Form, asked: &Asked) -> Result<(), OAuthError> {
    let response_type = fields.get("response_type").map_or("code", String::as_str);
    if response_type != "code" {
        return Err(OAuthError::UnsupportedResponseType {
            response_type: response_type.chars().take(64).collect(),
        });
    }
    if !matches!(text(fields, "response_mode"), "" | "query" | "form_post") {
        return Err(OAuthError::InvalidRequest {
            why: "response_mode must be query or form_post".to_owned(),
        });
    }
    field(fields, "code_challenge")?;
    state
        .control
        .check_authorize(&asked.request, fields.get("code_challenge_method").map(String::as_str))
        .await?;
    if text(fields, "prompt") == "none" {
        return Err(OAuthError::LoginRequired);
    }
    Ok(())
}

fn refuse(refused: Refused) -> Response {
    match refused {
        Refused::Here(error) => {
            pages::message(StatusCode::BAD_REQUEST, "This sign-in cannot go on", &error.to_string())
        }
        Refused::ToClient(asked, error) => {
            let description = format!("AADSTS{}: {error}", error.code());
            asked.answer(&[("error", error.error()), ("error_description", &description)])
        }
    }
}

impl Asked {
    /// The page where the person proves who it is.
    fn page(&self, fields: &Form, username: &str, error: Option<&str>) -> Response {
        pages::sign_in(&self.client, &carried(fields), username, &self.request.redirect_uri, error)
    }

    /// Sends the browser to the client with these parameters and the client's own state.
    fn answer(&self, parameters: &[(&str, &str)]) -> Response {
        let state = self.state.as_deref().map(|state| ("state", state));
        let all: Vec<(&str, &str)> = parameters.iter().copied().chain(state).collect();
        if self.form_post {
            return pages::post_to(&self.request.redirect_uri, &all);
        }
        match url::Url::parse(&self.request.redirect_uri) {
            Ok(mut to) => {
                to.query_pairs_mut().extend_pairs(all);
                portal::see_other(to.as_str())
            }
            Err(_) => pages::message(
                StatusCode::BAD_REQUEST,
                "This sign-in cannot go on",
                "The redirect address of the client is not a URL.",
            ),
        }
    }
}

fn carried(fields: &Form) -> Vec<(&str, &str)> {
    FIELDS.iter().filter_map(|name| fields.get(*name).map(|value| (*name, value.as_str()))).collect()
}

/// The sign-in page.
pub(super) async fn page(
    Shared(state): Shared<Arc<State>>,
    tenant: Path<String>,
    Query(query): Query<Form>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    match read(&state, &tenant, &parts, &query).await {
        Ok(asked) => asked.page(&query, text(&query, "login_hint"), None),
        Err(refused) => refuse(refused),
    }
}

/// The user's name and password; on success back to the client with a code.
pub(super) async fn sign_in(
    Shared(state): Shared<Arc<State>>,
    tenant: Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let (now, address) = (state.clock.now(), client_address(&parts));
    let form = match form(&parts, body).await {
        Ok(form) => form,
        Err(error) => return refuse(Refused::Here(error)),
    };
    let asked = match read(&state, &tenant, &parts, &form).await {
        Ok(asked) => asked,
        Err(refused) => return refuse(refused),
    };
    let outcome = async {
        let user = state
            .control
            .check_password(field(&form, "username")?, field(&form, "password")?, &address, now)
            .await?;
        state.control.issue_code(asked.request.clone(), &user, now).await
    };
    match outcome.await {
        Ok(code) => asked.answer(&[("code", code.expose())]),
        Err(error) => slowed(asked.page(&form, text(&form, "username"), Some(&error.to_string())), &error),
    }
}

/// RP-initiated logout: the server keeps a browser signed in by the portal's cookie alone, and that ends. Another site cannot
/// end it, because the browser sends the cookie to nobody's links but ours (SameSite=Strict).
pub(super) async fn sign_out(
    Shared(state): Shared<Arc<State>>,
    tenant: Path<String>,
    Query(query): Query<Form>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    if let Err(error) = Authority::of(&state, &tenant, &parts) {
        return refuse(Refused::Here(error));
    }
    if let Some(cookie) = cookie(&parts.headers)
        && let Err(error) = state.control.close_portal_session(cookie, state.clock.now()).await
    {
        tracing::warn!(%error, "a portal session could not be ended");
        return refuse(Refused::Here(OAuthError::TemporarilyUnavailable));
    }
    let back = text(&query, "post_logout_redirect_uri");
    let ours = format!("{}/portal/", state.control.settings().public_url);
    let response = match back.starts_with(&ours) {
        true => portal::see_other(back),
        false => pages::message(StatusCode::OK, "Signed out", "You can close this page."),
    };
    portal::without_session(response)
}
