"""azure-identity: each way to sign in, with the settings that `bowline env` prints and no others."""

import os
import time

import azure.identity
import azure.identity.aio
from azure.core.exceptions import ClientAuthenticationError

from table import describe


class Logins:
    """Signs in, asks for the subscriptions with the token, and reports."""

    def __init__(self, report, scene, subscriptions):
        self.report = report
        self.scene = scene
        self.scope = f"{scene.base}/.default"
        # `subscriptions(credential)` lists what the token's owner sees.
        self.subscriptions = subscriptions

    def works(self, operation, credential):
        since = time.monotonic()
        try:
            ids = [x.subscription_id for x in self.subscriptions(credential())]
            ok, seen = self.scene.subscription in ids, ids
        except Exception as error:
            ok, seen = False, describe(error)
        self.report.outcome(operation, "succeeds", ok, "" if ok else seen, since)

    def refused(self, operation, case, code, credential):
        since = time.monotonic()
        try:
            credential().get_token(self.scope)
            ok, seen = False, "a token was given"
        except ClientAuthenticationError as error:
            ok, seen = code in str(error), error
        except Exception as error:
            ok, seen = False, describe(error)
        self.report.outcome(operation, case, ok, "" if ok else seen, since)

    def run(self):
        scene, owner = self.scene, self.scene.owner
        authority = {"authority": scene.base, "disable_instance_discovery": True}
        secret = azure.identity.ClientSecretCredential
        self.works(
            "ClientSecretCredential", lambda: secret(scene.tenant, owner["clientId"], owner["secret"], **authority)
        )
        self.works(
            "ClientSecretCredential (tenant adfs)",
            lambda: secret("adfs", owner["clientId"], owner["secret"], authority=scene.base),
        )
        self.refused(
            "ClientSecretCredential", "wrong secret", "AADSTS7000215",
            lambda: secret(scene.tenant, owner["clientId"], "wrong", **authority),
        )
        self.refused(
            "ClientSecretCredential", "unknown application", "AADSTS700016",
            lambda: secret(scene.tenant, "00000000-0000-4000-8000-00000000dead", "wrong", **authority),
        )
        self.refused(
            # MSAL hides what discovery answered (AADSTS90002) behind a sentence of its own.
            "ClientSecretCredential", "unknown tenant", "Unable to get authority configuration",
            lambda: secret("00000000-0000-4000-8000-00000000dead", owner["clientId"], owner["secret"], **authority),
        )
        certificate = azure.identity.CertificateCredential
        self.works(
            "CertificateCredential",
            lambda: certificate(scene.tenant, owner["clientId"], scene.certificate, **authority),
        )
        self.works(
            "CertificateCredential (with its chain)",
            lambda: certificate(
                scene.tenant, owner["clientId"], scene.certificate, send_certificate_chain=True, **authority
            ),
        )
        self.refused(
            "CertificateCredential", "not registered", "AADSTS700027",
            lambda: certificate(scene.tenant, scene.stranger["clientId"], scene.certificate, **authority),
        )
        for tenant in (scene.tenant, "organizations"):
            self.works(
                f"DeviceCodeCredential ({'a tenant' if tenant == scene.tenant else tenant})",
                lambda tenant=tenant: azure.identity.DeviceCodeCredential(
                    tenant_id=tenant, prompt_callback=lambda uri, code, until: scene.approve(code), **authority
                ),
            )
        self.default(authority)

    def default(self, authority):
        scene, owner = self.scene, self.scene.owner
        settings = {
            "AZURE_AUTHORITY_HOST": scene.base,
            "AZURE_TENANT_ID": "adfs",
            "AZURE_CLIENT_ID": owner["clientId"],
            "AZURE_CLIENT_SECRET": owner["secret"],
        }
        os.environ.update(settings)
        try:
            self.works("DefaultAzureCredential (environment, tenant adfs)", azure.identity.DefaultAzureCredential)
            os.environ["AZURE_TENANT_ID"] = scene.tenant
            self.works(
                "EnvironmentCredential",
                lambda: azure.identity.EnvironmentCredential(disable_instance_discovery=True),
            )
        finally:
            for name in settings:
                del os.environ[name]
