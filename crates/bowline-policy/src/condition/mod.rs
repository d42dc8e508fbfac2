//! Conditions on role assignments: the expression language of Azure's attribute-based access control, version 2.0.
//!
//! ```text
//! (!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'}))
//! OR
//! (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {acdd72a7-3385-48ef-bd42-f606fba81ae7})
//! ```
//!
//! A [`Condition`] is read once and decided often. What it asks of the request and the resource it asks through [`Attributes`], name by name.
//!
//! # Design notes
//! The evaluator is that of regorus. Its parser reads a dialect without Azure's `!(…)`, `ActionMatches{…}`, bare GUIDs and
//! `ForAnyOfAnyValues:GuidEquals`, which are what real conditions are made of; so reading is done here, into regorus's own tree. A cross product
//! with an operator becomes two nested quantifiers. Text and depth are bounded, because conditions are written by callers.

mod lexer;
mod parser;
#[cfg(test)]
mod tests;

use regorus::Value;
use regorus::languages::azure_rbac::ast::{
    AttributeReference, AttributeSource, ConditionExpr, EnvironmentContext, EvaluationContext, Principal,
    PrincipalType, RequestContext, Resource,
};
use regorus::languages::azure_rbac::builtins::RbacBuiltin;
use regorus::languages::azure_rbac::interpreter::ConditionInterpreter;

/// The longest condition, in bytes; Azure's limit.
pub const MAX_BYTES: usize = 8192;

/// Why a text is no condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the condition is not understood at position {position}: {expected} was expected")]
pub struct ConditionError {
    /// Zero-based, in bytes.
    pub position: usize,
    /// What would have been right.
    pub expected: String,
}

/// Why a condition gives no answer for a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the condition cannot be decided for this request: {0}")]
pub struct Undecidable(String);

/// Whose attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// What the request would write.
    Request,
    /// What is there.
    Resource,
    /// Who asks.
    Principal,
}

/// The attributes of one request.
pub trait Attributes {
    /// The value of `@Source[namespace:name]`; none when there is no such attribute.
    fn attribute(&self, source: Source, namespace: Option<&str>, name: &str) -> Option<serde_json::Value>;
}

/// Who does what where.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The principal's object id.
    pub principal: &'a str,
    /// `User`, `ServicePrincipal`, `Group` or `ManagedServiceIdentity`.
    pub principal_kind: &'a str,
    /// The action or data action.
    pub action: &'a str,
    /// Whether it is a data action.
    pub data: bool,
    /// The resource's id or key.
    pub resource: &'a str,
    /// RFC 3339.
    pub utc_now: Option<&'a str>,
}

/// A condition that was read.
#[derive(Clone, Debug)]
pub struct Condition {
    written: String,
    expression: ConditionExpr,
    references: Vec<AttributeReference>,
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// See [`ConditionError`].
    pub fn parse(text: &str) -> Result<Self, ConditionError> {
        let mut parsed = parser::parse(text)?;
        lower_actions(&mut parsed.expression);
        Ok(Self { written: text.to_owned(), expression: parsed.expression, references: parsed.references })
    }

    /// As it was written.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.written
    }

    /// Whether it asks for attributes of the resource as it is.
    #[must_use]
    pub fn asks_resource(&self) -> bool {
        self.references.iter().any(|reference| reference.source == AttributeSource::Resource)
    }

    /// Whether it holds.
    ///
    /// # Errors
    /// [`Undecidable`], for example when an attribute it compares does not exist.
    pub fn holds(&self, request: &Request<'_>, attributes: &dyn Attributes) -> Result<bool, Undecidable> {
        let context = self.context(request, attributes);
        ConditionInterpreter::new(&context)
            .evaluate_bool(&self.expression)
            .map_err(|error| Undecidable(error.to_string()))
    }

    fn context(&self, request: &Request<'_>, attributes: &dyn Attributes) -> EvaluationContext {
        let action = request.action.to_ascii_lowercase();
        let (control, data) = if request.data { (None, Some(&action)) } else { (Some(&action), None) };
        EvaluationContext {
            principal: Principal {
                id: request.principal.to_owned(),
                principal_type: match request.principal_kind {
                    "User" => PrincipalType::User,
                    "Group" => PrincipalType::Group,
                    "ManagedServiceIdentity" => PrincipalType::ManagedServiceIdentity,
                    _ => PrincipalType::ServicePrincipal,
                },
                custom_security_attributes: self.values(Source::Principal, attributes),
            },
            resource: Resource {
                id: request.resource.to_owned(),
                resource_type: String::new(),
                scope: request.resource.to_owned(),
                attributes: self.values(Source::Resource, attributes),
            },
            request: RequestContext {
                action: control.cloned(),
                data_action: data.cloned(),
                attributes: self.values(Source::Request, attributes),
            },
            environment: EnvironmentContext {
                is_private_link: None,
                private_endpoint: None,
                subnet: None,
                utc_now: request.utc_now.map(str::to_owned),
            },
            action: Some(action.clone()),
            // Nothing here has sub-operations, so that none matches.
            suboperation: Some(String::new()),
        }
    }

    /// The attributes that the condition names, and no others.
    fn values(&self, source: Source, attributes: &dyn Attributes) -> Value {
        let mut found = serde_json::Map::new();
        for reference in self.references.iter().filter(|reference| source.is(&reference.source)) {
            let namespace = reference.namespace.as_deref();
            if let Some(value) = attributes.attribute(source, namespace, &reference.attribute) {
                let name = match namespace {
                    Some(namespace) => format!("{namespace}:{}", reference.attribute),
                    None => reference.attribute.clone(),
                };
                found.insert(name, value);
            }
        }
        Value::from(serde_json::Value::Object(found))
    }
}

/// Actions match in any case: the patterns are lowered here, the action when it is asked about.
fn lower_actions(expression: &mut ConditionExpr) {
    let lower = |pattern: &mut ConditionExpr| {
        if let ConditionExpr::StringLiteral(literal) = pattern {
            literal.value.make_ascii_lowercase();
        }
    };
    match expression {
        ConditionExpr::Logical(inner) => {
            lower_actions(&mut inner.left);
            lower_actions(&mut inner.right);
        }
        ConditionExpr::Unary(inner) => lower_actions(&mut inner.operand),
        ConditionExpr::Binary(inner) if inner.operator == RbacBuiltin::ActionMatches => {
            lower(&mut inner.right);
        }
        ConditionExpr::FunctionCall(call) if call.function == "ActionMatches" => {
            call.arguments.iter_mut().for_each(lower);
        }
        _ => {}
    }
}

impl Source {
    fn is(self, source: &AttributeSource) -> bool {
        matches!(
            (self, source),
            (Self::Request, AttributeSource::Request)
                | (Self::Resource, AttributeSource::Resource)
                | (Self::Principal, AttributeSource::Principal)
        )
    }
}
