//! `Microsoft.Features`: the two ways to look at a registration.

use axum::response::{IntoResponse, Response};
use bowline_arm::{Error, ResourceId, Target};
use bowline_control::features::{self, Feature, View};
use http::{Method, StatusCode};

use super::super::arm::not_allowed;
use super::{Asked, ok};

const FEATURES: &str = "microsoft.features/providers/features";
const REGISTRATIONS: &str = "microsoft.features/featureproviders/subscriptionfeatureregistrations";

pub(super) async fn answer(asked: &mut Asked<'_>) -> Result<Option<Response>, Error> {
    match &asked.call.target {
        Target::Resource(id) => match id.resource_type().key() {
            FEATURES => one(asked, id, View::Feature).await.map(Some),
            REGISTRATIONS => one(asked, id, View::Registration).await.map(Some),
            _ => Ok(None),
        },
        Target::Action { resource, name } if resource.resource_type().key() == FEATURES => {
            let on = match name.to_ascii_lowercase().as_str() {
                "register" => true,
                "unregister" => false,
                _ => return Ok(None),
            };
            let feature = feature_of(resource)?;
            let body = asked.optional_body().await?;
            let control = &asked.state.control;
            let (value, _) =
                features::register(control, asked.context, &feature, on, &body, View::Feature).await?;
            Ok(Some(ok(&value)))
        }
        Target::Collection { scope, resource_type } if asked.call.method == Method::GET => {
            let view = match resource_type.key() {
                FEATURES | "microsoft.features/features" => View::Feature,
                REGISTRATIONS | "microsoft.features/subscriptionfeatureregistrations" => View::Registration,
                _ => return Ok(None),
            };
            let subscription = subscription_of(scope)?;
            let namespace = matches!(resource_type.key(), FEATURES | REGISTRATIONS).then(|| scope.name());
            let control = &asked.state.control;
            Ok(Some(ok(&features::list(control, asked.context, &subscription, namespace, view).await?)))
        }
        _ => Ok(None),
    }
}

fn subscription_of(scope: &ResourceId) -> Result<ResourceId, Error> {
    let subscription = scope.subscription().and_then(|s| ResourceId::subscription_scope(s).ok());
    subscription.ok_or_else(|| {
        Error::bad_request("InvalidResourceScope", "Features are registered in a subscription.")
    })
}

fn feature_of(id: &ResourceId) -> Result<Feature, Error> {
    Feature::of(id).ok_or_else(|| Error::resource_not_found(id.as_str()))
}

async fn one(asked: &mut Asked<'_>, id: &ResourceId, view: View) -> Result<Response, Error> {
    let feature = feature_of(id)?;
    let (control, context) = (&asked.state.control, asked.context);
    match (&asked.call.method, view) {
        (&Method::GET | &Method::HEAD, _) => Ok(ok(&features::get(control, context, &feature, view).await?)),
        (&Method::PUT, View::Registration) => {
            let body = asked.optional_body().await?;
            let (value, _) = features::register(control, context, &feature, true, &body, view).await?;
            Ok(ok(&value))
        }
        (&Method::DELETE, View::Registration) => {
            let none = serde_json::Value::Null;
            let (_, gone) = features::register(control, context, &feature, false, &none, view).await?;
            Ok(if gone { StatusCode::OK } else { StatusCode::NO_CONTENT }.into_response())
        }
        _ => Err(not_allowed(asked.call)),
    }
}
