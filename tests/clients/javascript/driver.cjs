// Drives the Azure SDKs for JavaScript: `node driver.cjs SCENE [--quick]`. See ../README.md.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { performance } = require("node:perf_hooks");
const identity = require("@azure/identity");
const { AuthorizationManagementClient } = require("@azure/arm-authorization");
const { HybridComputeManagementClient } = require("@azure/arm-hybridcompute");
const { ConnectedKubernetesClient } = require("@azure/arm-hybridkubernetes");
const { ResourceManagementClient } = require("@azure/arm-resources");
const cases = require("./cases.cjs");
const { Report, recorder } = require("./report.cjs");
const { Table, describe } = require("./table.cjs");

const PACKAGES = ["identity", "arm-authorization", "arm-hybridcompute", "arm-hybridkubernetes", "arm-resources"];

function clients(credential, subscription, scene, report) {
  const options = {
    endpoint: scene.base,
    credentialScopes: [`${scene.base}/.default`],
    additionalPolicies: [{ policy: recorder(report), position: "perRetry" }],
  };
  return {
    authorization: new AuthorizationManagementClient(credential, subscription, { ...options, $host: scene.base }),
    compute: new HybridComputeManagementClient(credential, subscription, options),
    kubernetes: new ConnectedKubernetesClient(credential, subscription, options),
    resources: new ResourceManagementClient(credential, subscription, options),
  };
}

async function logins(scene, report) {
  const authority = { authorityHost: scene.base, disableInstanceDiscovery: true };
  const { owner, stranger, tenant } = scene;
  const secret = (id, value, at = tenant, how = authority) => new identity.ClientSecretCredential(at, id, value, how);
  const works = async (operation, credential) => {
    const since = performance.now();
    try {
      const found = [];
      for await (const group of clients(credential(), scene.subscription, scene, report).resources.resourceGroups.list()) found.push(group);
      report.outcome(operation, "succeeds", true, "", since);
    } catch (error) {
      report.outcome(operation, "succeeds", false, describe(error), since);
    }
  };
  const refused = async (operation, name, code, credential) => {
    const since = performance.now();
    try {
      await credential().getToken(`${scene.base}/.default`);
      report.outcome(operation, name, false, "a token was given", since);
    } catch (error) {
      report.outcome(operation, name, error.message.includes(code), describe(error), since);
    }
  };
  await works("ClientSecretCredential", () => secret(owner.clientId, owner.secret));
  await works("ClientSecretCredential (tenant adfs)", () => secret(owner.clientId, owner.secret, "adfs", { authorityHost: scene.base }));
  await refused("ClientSecretCredential", "wrong secret", "AADSTS7000215", () => secret(owner.clientId, "wrong"));
  await refused("ClientSecretCredential", "unknown application", "AADSTS700016", () => secret("00000000-0000-4000-8000-00000000dead", "wrong"));
  const certificate = (id, how = {}) => new identity.ClientCertificateCredential(tenant, id, { certificatePath: scene.certificate }, { ...authority, ...how });
  await works("ClientCertificateCredential", () => certificate(owner.clientId));
  await works("ClientCertificateCredential (with its chain)", () => certificate(owner.clientId, { sendCertificateChain: true }));
  await refused("ClientCertificateCredential", "not registered", "AADSTS700027", () => certificate(stranger.clientId));
  const approve = async ({ userCode }) => {
    const form = new URLSearchParams({ user_code: userCode, username: scene.user.name, password: scene.user.password, action: "approve" });
    await fetch(`${scene.base}/device`, { method: "POST", body: form });
  };
  await works("DeviceCodeCredential", () => new identity.DeviceCodeCredential({ tenantId: tenant, userPromptCallback: approve, ...authority }));
  Object.assign(process.env, { AZURE_AUTHORITY_HOST: scene.base, AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: owner.clientId, AZURE_CLIENT_SECRET: owner.secret });
  await works("DefaultAzureCredential (environment)", () => new identity.DefaultAzureCredential({ disableInstanceDiscovery: true }));
  for (const name of ["AZURE_AUTHORITY_HOST", "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"]) delete process.env[name];
}

// Packages do not export their package.json, so it is read from where they are installed.
function version(name) {
  const file = path.join(process.env.NODE_PATH, "@azure", name, "package.json");
  return [`@azure/${name}`, JSON.parse(fs.readFileSync(file, "utf8")).version];
}

async function main() {
  const scene = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
  const report = new Report("node");
  await logins(scene, report);
  const credential = (who) =>
    new identity.ClientSecretCredential(scene.tenant, scene[who].clientId, scene[who].secret, { authorityHost: scene.base, disableInstanceDiscovery: true });
  const [owner, stranger] = [credential("owner"), credential("stranger")];
  const table = new Table(report, {
    owner: clients(owner, scene.subscription, scene, report),
    stranger: clients(stranger, scene.subscription, scene, report),
    elsewhere: clients(owner, "00000000-dead-beef-0000-000000000000", scene, report),
  });
  await table.run(cases(scene));
  console.log(JSON.stringify({ end: true, versions: Object.fromEntries(PACKAGES.map(version)) }));
}

// On a server with a small budget: the client waits as long as it is told, and its user notices nothing.
async function throttled() {
  const scene = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
  const report = new Report("node");
  const { clientId, secret } = scene.owner;
  const credential = new identity.ClientSecretCredential(scene.tenant, clientId, secret, { authorityHost: scene.base, disableInstanceDiscovery: true });
  const { resources } = clients(credential, scene.subscription, scene, report);
  const since = performance.now();
  let seen = "60 writes were never too many";
  try {
    for (let n = 0; n < 60; n++) {
      await resources.resourceGroups.createOrUpdate("throttled", { location: "local", tags: { n: String(n) } });
      if (report.requests.some((request) => request[3] === 429)) {
        seen = "";
        break;
      }
    }
  } catch (error) {
    seen = describe(error);
  }
  report.outcome("resourceGroups.createOrUpdate", "throttled", !seen, seen, since);
  console.log(JSON.stringify({ end: true, versions: {} }));
}

(process.argv.includes("--throttled") ? throttled() : main()).catch((error) => {
  console.error(error);
  process.exit(1);
});
