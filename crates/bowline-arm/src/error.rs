//! The one error of Bowline's services: ARM's `{"error":{code,message,target,details}}` with its HTTP status.
//!
//! `code` is stable and known to real clients; `message` says what happened, why, and what to do next. What only the operator
//! may know goes into the private context, which is logged and never sent.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An error that a caller will see, with what only our log will see.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Error {
    /// HTTP status.
    pub status: u16,
    /// Stable code, e.g. `ResourceNotFound`.
    pub code: &'static str,
    /// A sentence for a person.
    pub message: String,
    /// The property or resource at fault.
    pub target: Option<Box<str>>,
    /// One entry per problem, when there are several.
    pub details: Vec<ErrorDetail>,
    /// Seconds after which a retry makes sense (`Retry-After`).
    pub retry_after: Option<u32>,
    /// What was refused, when it is a refusal: of a right, or by what forbids a change.
    pub denied: Option<Box<Denied>>,
    /// For the log only.
    context: Option<Box<str>>,
}

/// What a caller may not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// `Microsoft.X/type/verb`.
    pub action: String,
    /// To what.
    pub scope: String,
}

/// One of several problems.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// Stable code.
    pub code: String,
    /// A sentence for a person.
    pub message: String,
    /// The property at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// The body on the wire, as clients read it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ErrorBody {
    /// Stable code.
    pub code: String,
    /// A sentence for a person.
    pub message: String,
    /// The property or resource at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Several problems.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<ErrorDetail>,
    /// Typed extras.
    #[serde(rename = "additionalInfo", default, skip_serializing_if = "Vec::is_empty")]
    pub additional_info: Vec<Value>,
}

impl Error {
    /// An error with its status, code and message.
    #[must_use]
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            target: None,
            details: Vec::new(),
            retry_after: None,
            denied: None,
            context: None,
        }
    }

    /// 400 with the given code.
    #[must_use]
    pub fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    /// 404 `ResourceNotFound` in the words that clients show.
    #[must_use]
    pub fn resource_not_found(id: &str) -> Self {
        Self::new(
            404,
            "ResourceNotFound",
            format!("The resource '{id}' was not found. Check the name, or list what exists at its scope."),
        )
    }

    /// 403 `AuthorizationFailed`.
    #[must_use]
    pub fn forbidden(who: &str, action: &str, scope: &str) -> Self {
        Self::new(
            403,
            "AuthorizationFailed",
            format!(
                "The client '{who}' does not have authorization to perform action '{action}' over scope '{scope}'. \
                 Ask an owner of that scope for a role that contains the action; if access was granted just now, sign in again."
            ),
        )
        .with_denied(action, scope)
    }

    /// 401 `AuthenticationFailed`.
    #[must_use]
    pub fn unauthenticated(why: impl Into<String>) -> Self {
        Self::new(401, "AuthenticationFailed", why)
    }

    /// 401 with a code that says what is wrong with the token.
    #[must_use]
    pub fn unauthenticated_as(code: &'static str, why: impl Into<String>) -> Self {
        Self::new(401, code, why)
    }

    /// 412 `PreconditionFailed`.
    #[must_use]
    pub fn precondition_failed(message: impl Into<String>) -> Self {
        Self::new(412, "PreconditionFailed", message)
    }

    /// 409 with the given code.
    #[must_use]
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(409, code, message)
    }

    /// 500: the cause goes to the log, not to the caller.
    #[must_use]
    pub fn internal(context: impl std::fmt::Display) -> Self {
        Self::new(500, "InternalServerError", "The server could not complete the request. The correlation id in the answer's headers finds the cause in its log.")
            .with_context(context)
    }

    /// 503 with a time to come back.
    #[must_use]
    pub fn unavailable(message: impl Into<String>, retry_after: u32) -> Self {
        let mut error = Self::new(503, "ServiceUnavailable", message);
        error.retry_after = Some(retry_after);
        error
    }

    /// Names the property or resource at fault.
    #[must_use]
    pub fn with_target(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into().into_boxed_str());
        self
    }

    /// Says what was refused.
    #[must_use]
    pub fn with_denied(mut self, action: impl Into<String>, scope: impl Into<String>) -> Self {
        self.denied = Some(Box::new(Denied { action: action.into(), scope: scope.into() }));
        self
    }

    /// Adds one problem.
    #[must_use]
    pub fn with_detail(mut self, code: &str, message: impl Into<String>, target: Option<String>) -> Self {
        self.details.push(ErrorDetail { code: code.to_owned(), message: message.into(), target });
        self
    }

    /// Sets `Retry-After` in seconds.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Adds what only the log may know.
    #[must_use]
    pub fn with_context(mut self, context: impl std::fmt::Display) -> Self {
        self.context = Some(context.to_string().into_boxed_str());
        self
    }

    /// What only the log may know.
    #[must_use]
    pub fn context(&self) -> Option<&str> {
        self.context.as_deref()
    }

    /// The JSON body.
    #[must_use]
    pub fn to_body(&self) -> Value {
        serde_json::json!({ "error": ErrorBody {
            code: self.code.to_owned(),
            message: self.message.clone(),
            target: self.target.as_deref().map(str::to_owned),
            details: self.details.clone(),
            additional_info: Vec::new(),
        }})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_arms_shape_and_no_private_context() {
        let error = Error::conflict("Conflict", "no")
            .with_target("properties.x")
            .with_context("SELECT secret")
            .with_detail("A", "b", None);
        assert_eq!(
            error.to_body(),
            serde_json::json!({"error":{"code":"Conflict","message":"no","target":"properties.x","details":[{"code":"A","message":"b"}]}})
        );
        assert!(!error.to_string().contains("SELECT"));
    }
}
