// An OpenID Connect issuer of somebody else's making (the package oidc-provider), over TLS on this computer. Whoever comes is signed in as
// PERSON; nobody types anything.
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [place, port, clientId, clientSecret, redirectUri, certificate, key, person] = process.argv.slice(2);
const require = createRequire(`${place}/`);
const { Provider } = await import(pathToFileURL(require.resolve("oidc-provider")).href);

const issuer = `https://localhost:${port}`;
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: clientId,
      client_secret: clientSecret,
      redirect_uris: [redirectUri],
      response_types: ["code"],
      grant_types: ["authorization_code"],
    },
  ],
  // Our client reads the identity token and asks nothing else.
  conformIdTokenClaims: false,
  claims: { openid: ["sub"], profile: ["name", "preferred_username", "groups"], email: ["email"] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/sign-in/${interaction.uid}` },
  cookies: { keys: ["only for a test"] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: async () => ({
      sub: id,
      name: "Ada of the issuer",
      preferred_username: id.replace("id-of-", ""),
      email: `${id.replace("id-of-", "")}@issuer.example`,
      groups: ["plant-ops"],
    }),
  }),
});

async function signIn(request, response) {
  const { params } = await provider.interactionDetails(request, response);
  const grant = new provider.Grant({ accountId: person, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const consent = { grantId: await grant.save() };
  await provider.interactionFinished(request, response, { login: { accountId: person }, consent });
}

const answer = provider.callback();
createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (request, response) => {
  if (!request.url.startsWith("/sign-in/")) return answer(request, response);
  signIn(request, response).catch((error) => response.writeHead(500).end(String(error)));
}).listen(Number(port), "127.0.0.1");
