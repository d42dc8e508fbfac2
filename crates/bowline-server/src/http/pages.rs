//! The two pages that the server itself shows: sign-in and device approval. Plain HTML without scripts, so that they work everywhere.

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};

/// Nothing is loaded, framed or sent elsewhere; FORM is where forms may go, redirects that answer them included.
const POLICY: &str = "default-src 'none'; style-src 'sha256-STYLE'; script-src SCRIPT; form-action FORM; frame-ancestors 'none'; base-uri 'none'";
/// The one script there is: it posts the form that carries a code to the client.
const POST: &str = "document.forms[0].submit()";

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;background:#f4f6f8;color:#1c2430;display:grid;place-items:center;min-height:100vh;margin:0}\
main{background:#fff;padding:2rem;border-radius:12px;box-shadow:0 1px 3px #0003;width:min(22rem,90vw)}h1{font-size:1.25rem;margin:0 0 1rem}\
label{display:block;margin:.75rem 0 .25rem;font-weight:600}input{width:100%;box-sizing:border-box;padding:.6rem;font:inherit;border:1px solid #8a94a3;border-radius:8px}\
button{margin-top:1.25rem;padding:.6rem 1rem;font:inherit;font-weight:600;border:0;border-radius:8px;background:#0b5cad;color:#fff;cursor:pointer}\
button.secondary{background:#e3e8ee;color:#1c2430;margin-left:.5rem}p.error{background:#fdecea;color:#8a1c12;padding:.6rem .8rem;border-radius:8px}\
@media(prefers-color-scheme:dark){body{background:#10151c;color:#e6ebf2}main{background:#1a222d}input{background:#10151c;color:inherit}button.secondary{background:#2b3644;color:#e6ebf2}}";

/// Makes text safe inside HTML.
#[must_use]
pub fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
        out
    })
}

fn digest(text: &str) -> String {
    use base64::Engine as _;
    use sha2::{Digest as _, Sha256};
    base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text.as_bytes()))
}

fn page(status: StatusCode, title: &str, body: &str) -> Response {
    page_with(status, title, body, "'self'", "'none'")
}

fn page_with(status: StatusCode, title: &str, body: &str, forms: &str, scripts: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title} · Bowline</title><style>{STYLE}</style></head><body><main><h1>{title}</h1>{body}</main></body></html>"
    );
    let policy = POLICY.replace("STYLE", &digest(STYLE)).replace("FORM", forms).replace("SCRIPT", scripts);
    (
        status,
        [
            (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
            (header::CONTENT_SECURITY_POLICY, policy),
        ],
        html,
    )
        .into_response()
}

/// Where a form may go: here, and to the origin that its answer redirects to.
fn form_targets(redirect_uri: &str) -> String {
    match url::Url::parse(redirect_uri).map(|url| url.origin()) {
        Ok(origin) if origin.is_tuple() => format!("'self' {}", origin.ascii_serialization()),
        _ => "'self'".to_owned(),
    }
}

fn hidden(fields: &[(&str, &str)]) -> String {
    fields
        .iter()
        .map(|(n, v)| format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(n), escape(v)))
        .collect()
}

fn error_paragraph(error: Option<&str>) -> String {
    error.map_or_else(String::new, |e| format!("<p class=\"error\" role=\"alert\">{}</p>", escape(e)))
}

fn credentials(username: &str) -> String {
    format!(
        "<label for=\"username\">Username</label><input id=\"username\" name=\"username\" value=\"{}\" autocomplete=\"username\" required>\
         <label for=\"password\">Password</label><input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" required>",
        escape(username)
    )
}

/// The sign-in page of the authorization endpoint, which says who asks; `fields` are sent back with the answer.
#[must_use]
pub fn sign_in(
    client: &str,
    fields: &[(&str, &str)],
    username: &str,
    redirect_uri: &str,
    error: Option<&str>,
) -> Response {
    let body = format!(
        "<p><strong>{}</strong> asks to sign you in. Continue only if you started it yourself.</p>{}<form method=\"post\">{}{}<button type=\"submit\">Sign in</button></form>",
        escape(client),
        error_paragraph(error),
        hidden(fields),
        credentials(username)
    );
    let status = if error.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    page_with(status, "Sign in", &body, &form_targets(redirect_uri), "'none'")
}

/// OAuth 2.0 Form Post Response Mode: the browser posts the parameters to the client, by itself or by a press of the button.
#[must_use]
pub fn post_to(address: &str, parameters: &[(&str, &str)]) -> Response {
    let body = format!(
        "<p>Going back to where you started …</p><form method=\"post\" action=\"{}\">{}<button type=\"submit\">Continue</button></form><script>{POST}</script>",
        escape(address),
        hidden(parameters)
    );
    let script = format!("'sha256-{}'", digest(POST));
    page_with(StatusCode::OK, "Signed in", &body, &form_targets(address), &script)
}

/// The page where a person types the code that a device shows.
#[must_use]
pub fn device(user_code: &str, error: Option<&str>) -> Response {
    let body = format!(
        "{}<p>A command or a device asks to act for you. Continue only if you started it yourself.</p><form method=\"post\" action=\"/device\">\
         <label for=\"user_code\">Code</label><input id=\"user_code\" name=\"user_code\" value=\"{}\" autocomplete=\"off\" required>{}\
         <button type=\"submit\" name=\"action\" value=\"approve\">Approve</button><button class=\"secondary\" type=\"submit\" name=\"action\" value=\"deny\">Deny</button></form>",
        error_paragraph(error),
        escape(user_code),
        credentials("")
    );
    page(if error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK }, "Connect a device", &body)
}

/// A page that only says something.
#[must_use]
pub fn message(status: StatusCode, title: &str, text: &str) -> Response {
    page(status, title, &format!("<p>{}</p>", escape(text)))
}

/// The page that asks whether who signed in at the upstream issuer approves a device.
#[must_use]
pub fn confirm_device(user_code: &str, username: &str, ticket: &str) -> Response {
    let (code, ticket) = (escape(user_code), escape(ticket));
    let body = format!(
        "<p>You are {}. The command or device that shows the code <strong>{code}</strong> asks to act for you. Approve only if you started it yourself.</p>\
         <form method=\"post\" action=\"/upstream/device\"><input type=\"hidden\" name=\"user_code\" value=\"{code}\"><input type=\"hidden\" name=\"ticket\" value=\"{ticket}\">\
         <button type=\"submit\" name=\"action\" value=\"approve\">Approve</button><button class=\"secondary\" type=\"submit\" name=\"action\" value=\"deny\">Deny</button></form>",
        escape(username)
    );
    page(StatusCode::OK, "Connect a device", &body)
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn html_is_escaped() {
        assert_eq!(escape("<a href=\"x\" o='y'>&"), "&lt;a href=&quot;x&quot; o=&#39;y&#39;&gt;&amp;");
    }
}
