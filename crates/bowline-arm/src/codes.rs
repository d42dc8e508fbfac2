//! Every error code that a caller can meet: what it means and what to do. The reference page is rendered from this list.
//!
//! Codes are stable: clients compare them. A new one is a line here; a test scans the sources and fails when a code is used that the list
//! lacks, or with another status.

use std::fmt::Write as _;

/// One error code.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// As in `error.code`.
    pub code: &'static str,
    /// The HTTP statuses with which it comes.
    pub statuses: &'static [u16],
    /// What happened.
    pub meaning: &'static str,
    /// What to do next.
    pub remedy: &'static str,
}

macro_rules! codes {
    ($($code:literal [$($status:literal),+] $meaning:literal => $remedy:literal;)*) => {
        /// All codes, sorted.
        pub const CODES: &[Code] =
            &[$(Code { code: $code, statuses: &[$($status),+], meaning: $meaning, remedy: $remedy }),*];
    };
}

codes! {
    "AgentNotConnected" [503] "The cluster's agent has no session, so nothing can reach the cluster." => "Look at the agent in its cluster; try again after the time in Retry-After.";
    "AliasAlreadyExists" [409] "The alias names another subscription." => "Choose another alias, or send the subscription that it names.";
    "AnotherOperationInProgress" [409] "Others keep changing the same resource." => "Try again after the time in Retry-After.";
    "AuthenticationFailed" [401] "The request has no token, or one that is not accepted." => "Sign in, and send Authorization: Bearer with the access token.";
    "AuthorizationFailed" [403] "The caller's roles do not contain the action at this scope." => "Ask an owner of the scope for a role that does; sign in again after it was given.";
    "AuthorizationNotCurrent" [503] "The server cannot tell whether its copy of the roles is current." => "Try again after the time in Retry-After; nothing was changed.";
    "BadRequest" [400] "A query is not valid, or cannot be answered." => "The message and the details say where and what was probably meant.";
    "CannotDeleteSelf" [409] "A user cannot delete itself." => "Let another administrator do it.";
    "CannotRemoveOwnRootOwner" [409] "The caller would take its own Owner role at the root." => "Let another owner do it.";
    "CannotUnregister" [409] "The namespace is one that every subscription needs." => "Nothing needs to be done.";
    "ClusterCloned" [409] "Two clusters use one key: one was restored from the other's backup." => "Connect the copy under a name of its own.";
    "ClusterNameInUse" [409] "Another cluster has this name, or it is connected with another key." => "Choose another name, or take it over: `--replace`, in REST the header X-Bowline-Replace: true.";
    "Conflict" [409] "Another request changed the same thing at the same time." => "Read it again, apply the change, retry.";
    "DeploymentsNotServedYet" [404] "This release of Bowline runs no template deployments." => "Create the resources one by one; deployments come in a later release.";
    "EnrollmentTokenImmutable" [409] "The terms of an enrolment token cannot be changed." => "Delete it and create another.";
    "ExpiredAuthenticationToken" [401] "The access token has expired." => "Get a new one with the refresh token, or sign in again.";
    "ExportTemplateNotSupported" [409] "A group cannot be exported as a template." => "Read its resources with GET and /resources.";
    "FeatureRegistrationNotFound" [404] "The feature was never registered in this subscription." => "POST …/register first.";
    "InsufficientStorage" [507] "The server's disk is nearly full: it takes no writes." => "The operator frees space; writing resumes by itself.";
    "InternalServerError" [500] "The server could not complete the request." => "The operator finds the cause in the log by the correlation id.";
    "InvalidApiVersionParameter" [400] "api-version is not YYYY-MM-DD or YYYY-MM-DD-preview." => "Send a well-formed version; GET /providers lists those of each type.";
    "InvalidAppId" [400] "The application id is not a GUID, or another application has it." => "Leave it out, or send another GUID.";
    "InvalidAssignableScopes" [400] "A role names a scope at which it cannot be assigned, or none." => "target names it; send ids of management groups, subscriptions or groups.";
    "InvalidAuthenticationToken" [401] "The access token is malformed, changed, or signed by somebody else." => "Sign in again at this server.";
    "InvalidAuthenticationTokenAudience" [401] "The access token is for another service." => "Ask for the scope {server}/.default.";
    "InvalidAuthenticationTokenTenant" [401] "The access token was issued by another tenant." => "Sign in at the authority that WWW-Authenticate names.";
    "InvalidDisplayName" [400] "A display name is empty or too long." => "The message states the rule.";
    "InvalidFeatureName" [400] "A feature's name breaks the rule." => "The message states the rule.";
    "InvalidFilter" [400] "$filter is not understood." => "The message says where; write name eq 'value'.";
    "InvalidLocation" [400] "A location has characters that none may have." => "Use letters, digits, '-' and '_'.";
    "InvalidLockLevel" [400] "A lock's level is neither CanNotDelete nor ReadOnly." => "Send one of them.";
    "InvalidLockNotes" [400] "A lock's notes are longer than 512 characters." => "Shorten them.";
    "InvalidLockScope" [400] "A lock cannot lie on this scope." => "Lock a subscription, a group or a resource.";
    "InvalidManagementGroupId" [400] "What was sent is no id of a management group." => "Send /providers/Microsoft.Management/managementGroups/{name}.";
    "InvalidMember" [400] "A group's member is not an object of the directory." => "Send the objectId of a user, a group, a service principal or a managed identity.";
    "InvalidOwner" [400] "An owner is not a user or service principal." => "Send the objectId of one.";
    "InvalidParentGroup" [400] "A management group cannot hang below this one." => "Name a group that is not below it.";
    "InvalidPublicKey" [400] "The agent's public key is not usable." => "Send base64 of the DER of an RSA, P-256 or Ed25519 key.";
    "InvalidQuery" [400] "A query parameter is not understood." => "The message says which.";
    "InvalidRedirectUri" [400] "A redirect URI is not an absolute https URL." => "Send https://…, or http://localhost.";
    "InvalidRequestContent" [400] "The body is not the JSON that the resource needs." => "target names the property; the message says what it must be.";
    "InvalidRequestPath" [404] "Nothing is served at this path." => "Check its spelling; GET /providers lists the types.";
    "InvalidResourceAction" [404] "The type has no such action." => "The description under /openapi lists those it has.";
    "InvalidResourceGroupLocation" [409] "A group cannot move to another location." => "Send the old location, or delete and create.";
    "InvalidResourceId" [400] "A segment of the path holds what no name may hold." => "Encode it, or choose another name.";
    "InvalidResourceLocation" [409] "A resource cannot move to another location." => "Send the old location, or delete and create.";
    "InvalidResourceName" [400] "The name breaks the rule of its type." => "The message states the rule.";
    "InvalidResourceNamespace" [404] "Nobody knows the namespace." => "Check its spelling; GET /providers lists those that are served.";
    "InvalidResourceScope" [400] "The type does not live at this scope." => "The message says where it lives.";
    "InvalidResourceType" [404] "Bowline does not serve this type." => "GET /providers lists what is served.";
    "InvalidRoleAssignmentId" [400] "The name of a role assignment is not a GUID." => "Choose a new GUID.";
    "InvalidRoleDefinition" [400] "The role definition is not complete." => "target names the property.";
    "InvalidRoleDefinitionId" [400] "The name of a role definition is not a GUID." => "Choose a new GUID.";
    "InvalidSkipToken" [400] "A page link was changed, belongs to another list, or is from before a restore." => "Use nextLink unchanged, or start the list again.";
    "InvalidSubscriptionId" [400] "A subscription id is not a GUID." => "Send a GUID.";
    "InvalidSubscriptionName" [400] "A subscription's name is empty or too long." => "The message states the rule.";
    "InvalidTag" [400] "Tags are not an object of texts." => "Send {\"name\": \"value\"}.";
    "InvalidTagName" [400] "A tag's name is empty, too long, or holds < > % & \\ ? /." => "Choose another name.";
    "InvalidTagPatchOperation" [400] "The operation is none of Merge, Replace and Delete." => "Send one of them.";
    "InvalidTagValue" [400] "A tag's value is no text, or longer than 256 characters." => "Shorten it.";
    "InvalidTop" [400] "$top is not a number from 1 on." => "Send a whole number.";
    "InvalidUpgrade" [400] "The Upgrade header is not one name of a protocol." => "Ask for one protocol.";
    "LocationNotAvailableForResourceGroup" [400] "No such location is known here." => "The message lists them; an administrator can make one.";
    "LocationNotAvailableForResourceType" [400] "No such location is known here." => "The message lists them; an administrator can make one.";
    "MachineCloned" [409] "Two installations use one key: a disk was cloned." => "Run connect on one of them with --replace.";
    "MachineNameInUse" [409] "Another installation has this name." => "Choose another name, or connect with --replace.";
    "ManagementGroupDepthExceeded" [409] "The tree of management groups would be deeper than six levels." => "Hang the group higher.";
    "ManagementGroupHasChildren" [409] "Groups or subscriptions hang below the management group." => "Move them to another group first.";
    "ManagementGroupLimitExceeded" [409] "The tenant has as many management groups as it can." => "Delete some.";
    "MethodNotAllowed" [405] "The method is not possible here." => "Allow lists those that are.";
    "MissingApiVersionParameter" [400] "The query has no api-version." => "Add ?api-version=YYYY-MM-DD.";
    "MissingSubscriptionRegistration" [409] "The namespace was unregistered in this subscription." => "POST {subscription}/providers/{namespace}/register.";
    "NoClusterIdentity" [403] "The caller has no name that a cluster may see." => "Sign in as a user or service principal whose name the cluster can know.";
    "NoSession" [409] "An agent reports without a session." => "The agent opens one by itself.";
    "NotAnAgent" [403] "Only the identity of a resource may call this." => "Use the resource's own token.";
    "NotFound" [404] "There is no such management group or subscription below it." => "Check the name; getEntities lists what you may see.";
    "OperationNotFound" [404] "There is no such operation, or it ended more than a day ago." => "Read the resource itself.";
    "OperationNotSupported" [400] "This release of Bowline does not do that yet." => "The message says what to do instead.";
    "ParentManagementGroupNotFound" [404] "The management group that was named as the parent does not exist." => "Create it first, or name another.";
    "ParentResourceNotFound" [404] "The resource in which this one lies does not exist." => "Create it first.";
    "PasswordNotFound" [404] "The application has no secret of this key id." => "List its secrets.";
    "PasswordPolicy" [400] "The password is too short or too easy to guess." => "The message states the rule.";
    "PeersNotConfigured" [503] "The agent is connected to another server, which this one cannot ask." => "The operator starts every server with --peer-listen.";
    "PortalHeaderMissing" [403] "A change with the portal's cookie lacks its header." => "Send X-Bowline-Portal: 1.";
    "PreconditionFailed" [412] "The resource is not as If-Match or If-None-Match demands." => "Read it again, apply the change, retry.";
    "PrincipalNotFound" [400] "The directory has no such object id." => "Use the objectId, not the appId or the name.";
    "QueryEnded" [408] "A query was ended before it had an answer." => "Narrow it, and ask again.";
    "QueryTimeout" [400] "A query took longer than one may on this server." => "Narrow it with 'where' before joins and sorts.";
    "RateLimiting" [429] "The caller has as many queries that run and wait as one principal may, or a query waited too long for its turn." => "Send fewer at once; try again after the time in Retry-After.";
    "ReadOnlyDisabledSubscription" [409] "The subscription is disabled: it can be read only." => "POST {subscription}/providers/Microsoft.Subscription/enable.";
    "RepeatabilityAnswerLost" [409] "The repeated request was carried out, but its answer was not kept." => "Read the resource; do not send the request again.";
    "RepeatabilityExpired" [412] "The first attempt is too long ago to tell whether it was carried out." => "Read the resource, then send a new request.";
    "RepeatabilityHeadersInvalid" [400] "Repeatability-Request-ID is no GUID, or Repeatability-First-Sent no HTTP date." => "Send both, well-formed.";
    "RepeatabilityMismatch" [400] "Another request was sent with the same Repeatability-Request-ID." => "Use a new id for each request.";
    "RepeatedRequestInProgress" [409] "The first attempt is still being carried out." => "Try again after the time in Retry-After.";
    "RequestEntityTooLarge" [413] "The body is larger than 4 MiB." => "Send less.";
    "RequestTimeout" [408] "The body of the request came too slowly." => "Send it again.";
    "Request_BadRequest" [400] "Microsoft Graph's word for a request that is not understood." => "The message says what must be changed.";
    "Request_MethodNotAllowed" [405] "Microsoft Graph's word for a method that is not possible here." => "Use another method.";
    "Request_ResourceNotFound" [404] "Microsoft Graph's word for an object that does not exist." => "Check the id or the name.";
    "Request_UnsupportedQuery" [400] "A query option of Microsoft Graph that is not served." => "Use $filter, $select, $top and $count.";
    "ResourceBeingDeleted" [409] "The resource is being deleted." => "Wait until that has ended.";
    "ResourceGroupBeingDeleted" [409] "The scope is being deleted." => "Wait until that has ended, then create it again.";
    "ResourceGroupNotFound" [404] "There is no such resource group." => "Create it, or check its name.";
    "ResourceMoveNotSupported" [409] "Resources cannot be moved to another group." => "Create them there and delete them here.";
    "ResourceNameInUse" [409] "An enrolment token cannot take over a resource that exists." => "Choose another name, or connect with your own rights.";
    "ResourceNotFound" [404] "There is no such resource." => "Check its name, or list its scope.";
    "ResourceProviderHasResources" [409] "Resources of the namespace exist in the subscription." => "Delete them before you unregister it.";
    "ResyncRequired" [409] "The server needs an agent's whole state again." => "The agent sends it by itself.";
    "RoleAssignmentExists" [409] "The principal has this role at this scope already." => "Nothing; the message names the assignment.";
    "RoleAssignmentUpdateNotPermitted" [409] "Principal and role of an assignment cannot be changed." => "Delete it and create another.";
    "RoleDefinitionDoesNotExist" [400] "There is no such role." => "List the role definitions.";
    "RoleDefinitionExists" [409] "Another role definition has this id." => "Choose a new GUID.";
    "RoleDefinitionHasAssignments" [409] "The role is still assigned." => "Delete its assignments first.";
    "RoleDefinitionIsBuiltIn" [409] "A built-in role cannot be changed." => "Create a custom role with another GUID.";
    "RoleDefinitionNotAssignable" [400] "The role cannot be assigned at this scope." => "Add the scope to its assignableScopes, or choose another role.";
    "RoleDefinitionWithSameNameExists" [409] "Another custom role has this name." => "Choose another name.";
    "RootManagementGroupCannotBeDeleted" [409] "The root management group always exists." => "Delete the groups below it.";
    "ScopeLocked" [409] "A lock at the scope or above it forbids this." => "The message names the lock; an owner can delete it.";
    "ServerBusy" [503] "The server has as many connections or requests as it takes at once; nothing was done." => "Try again after the time in Retry-After.";
    "ServiceUnavailable" [503] "The server cannot take the request right now; nothing was changed unless the message says so." => "Try again after the time in Retry-After.";
    "SubscriptionNotFound" [404] "There is no such subscription." => "GET /subscriptions lists those that you can see.";
    "SubscriptionRequestsThrottled" [429] "The caller has used up its budget in this subscription." => "Try again after the time in Retry-After; the operator can raise the budget.";
    "TagNameHasValues" [409] "A tag name that has values, or is in use, cannot be deleted." => "Delete its values first.";
    "TagQuotaExceeded" [400] "A resource would have more than 50 tags." => "Remove some.";
    "TagsNotSupportedForResourceType" [400] "Resources of this type have no tags." => "Tag the group or the subscription.";
    "TooManyFeatures" [400] "The subscription remembers no more features." => "Unregister some.";
    "TooManyFederatedIdentityCredentials" [409] "The identity or application trusts as many issuers and subjects as it may." => "Remove one of its federatedIdentityCredentials first.";
    "TooManyMembers" [400] "A group has as many members as it may have." => "Put some into a group of their own.";
    "TooManyOperations" [429] "The caller, or all callers, have too many unfinished operations." => "Wait until some have ended.";
    "TooManyPasswords" [409] "The application has as many secrets as it may have." => "Remove one first.";
    "TooManyRequests" [429] "The caller has used up its budget, or has too much under way at once." => "Try again after the time in Retry-After.";
    "TooManyStreams" [429] "The server, the cluster or the caller has as many open streams as it may." => "Close some, or try again after the time in Retry-After.";
    "TooManyTags" [400] "A resource has more than 50 tags." => "Remove some.";
    "TunnelFailed" [502] "The tunnel to a cluster broke before there was an answer." => "See whether it was done, then try again.";
    "TunnelNotAwaited" [404] "Nobody waits for the tunnel that an agent opens." => "The agent opens another when it is told to.";
    "TunnelNotOpened" [504] "The agent was told to open a tunnel and none arrived." => "Its log says why; see whether proxies pass WebSockets on.";
    "TunnelsNotSupported" [409] "The cluster's agent opens no tunnels." => "Update it, or allow it in its chart.";
    "UnknownSource" [400] "An agent reports from a source that the server does not know." => "Update the server.";
    "UnmatchedPrincipalType" [400] "principalType is not what the directory says of the principal." => "Leave it out, or send the right one.";
    "UnsupportedConditionVersion" [400] "A condition names a version that is not served." => "Send conditionVersion 2.0.";
    "UnsupportedMediaType" [415] "The body is not JSON." => "Send Content-Type: application/json, not compressed.";
    "UpstreamIdentityInUse" [409] "Another user is linked to this identity of the upstream issuer." => "Unlink it there first.";
    "WebSocketExpected" [426] "The route takes a WebSocket over HTTP/1.1 and nothing else." => "Only agents use it.";
}

/// The entry of a code.
#[must_use]
pub fn find(code: &str) -> Option<&'static Code> {
    CODES.iter().find(|c| c.code == code)
}

/// The reference page.
#[must_use]
pub fn page() -> String {
    let mut page = "# Error codes\n\n\
        Every error is `{\"error\": {\"code\", \"message\", \"target\", \"details\"}}`; `code` is also in the header `x-ms-error-code`. Codes are stable. The message says\n\
        what happened to what. This page is rendered from `crates/bowline-arm/src/codes.rs` by `cargo xtask gen`. Sign-in has its own errors (OAuth 2.0, `AADSTS…`).\n\n\
        | code | status | what happened | what to do |\n|---|---|---|---|\n"
        .to_owned();
    for Code { code, statuses, meaning, remedy } in CODES {
        let statuses: Vec<String> = statuses.iter().map(u16::to_string).collect();
        let _ = writeln!(page, "| `{code}` | {} | {meaning} | {remedy} |", statuses.join(", "));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_every_code_says_what_to_do() {
        assert!(CODES.is_sorted_by(|a, b| a.code < b.code), "keep the list sorted");
        for code in CODES {
            assert!(
                code.meaning.ends_with('.') && code.remedy.ends_with('.'),
                "{} speaks in sentences",
                code.code
            );
            assert!(
                !code.meaning.contains('|') && !code.remedy.contains('|'),
                "{}: the page is a table",
                code.code
            );
            assert!(page().contains(code.code));
        }
    }
}
