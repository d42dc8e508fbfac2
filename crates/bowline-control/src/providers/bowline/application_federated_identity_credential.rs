//! `Microsoft.Bowline/applications/federatedIdentityCredentials`: an issuer, subject and audience whose tokens stand for the application's service
//! principal. Graph shows them as the application's `federatedIdentityCredentials`.

use bowline_arm::{Error, types};

use crate::provider::{Admission, Placement, ResourceProvider, Spec, Statuses};
use crate::providers::managed_identity::federated_identity_credential::{NAME, admit};

/// See the module.
pub struct ApplicationFederatedIdentityCredentials;

/// Characters of a description.
const MAX_DESCRIPTION: usize = 600;

const SPEC: Spec = Spec {
    resource_type: "Microsoft.Bowline/applications/federatedIdentityCredentials",
    shape: &types::APPLICATION_FEDERATED_IDENTITY_CREDENTIALS,
    action: "Microsoft.Bowline/applications/federatedIdentityCredentials",
    placement: Placement::Child,
    name: NAME,
    writable: true,
    tracked: false,
    agent_key: None,
    statuses: Statuses::USUAL,
    watermark: None,
};

impl ResourceProvider for ApplicationFederatedIdentityCredentials {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn minds_siblings(&self) -> bool {
        true
    }

    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error> {
        admit(admission)?;
        if admission.property("description").is_some_and(|d| d.chars().count() > MAX_DESCRIPTION) {
            return Err(Error::bad_request(
                "InvalidRequestContent",
                format!("The property 'properties.description' has at most {MAX_DESCRIPTION} characters."),
            )
            .with_target("properties.description"));
        }
        // Graph's id; the name is what people choose.
        admission.default("objectId", bowline_auth::random::guid().to_string());
        Ok(())
    }
}
