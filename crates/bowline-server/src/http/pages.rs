//! The two pages that the server itself shows: sign-in and device approval. Plain HTML without scripts, so that they work everywhere.

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};

/// Nothing is loaded, framed or sent elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'sha256-STYLE'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

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

fn page(status: StatusCode, title: &str, body: &str) -> Response {
    use base64::Engine as _;
    use sha2::{Digest as _, Sha256};
    let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title} · Bowline</title><style>{STYLE}</style></head><body><main><h1>{title}</h1>{body}</main></body></html>"
    );
    (
        status,
        [
            (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
            (header::CONTENT_SECURITY_POLICY, POLICY.replace("STYLE", &digest)),
        ],
        html,
    )
        .into_response()
}

fn error_paragraph(error: Option<&str>) -> String {
    error.map_or_else(String::new, |e| format!("<p class=\"error\" role=\"alert\">{}</p>", escape(e)))
}

const CREDENTIALS: &str = "<label for=\"username\">Username</label><input id=\"username\" name=\"username\" autocomplete=\"username\" required autofocus>\
<label for=\"password\">Password</label><input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" required>";

/// The sign-in page of the authorization endpoint; `fields` are sent back with the answer.
#[must_use]
pub fn sign_in(fields: &[(&str, &str)], error: Option<&str>) -> Response {
    let hidden: String = fields
        .iter()
        .map(|(n, v)| format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(n), escape(v)))
        .collect();
    let body = format!(
        "{}<form method=\"post\">{hidden}{CREDENTIALS}<button type=\"submit\">Sign in</button></form>",
        error_paragraph(error)
    );
    page(if error.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::OK }, "Sign in", &body)
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
        CREDENTIALS.replace(" autofocus", "")
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
