import { expect, it } from "vitest";
import { pageOf, paths, signInAddress } from "./path-builder";

it("builds every path of the portal", () => {
  const p = { subscriptionId: "s", resourceGroupName: "my group", name: "a/b" };
  const all = {
    home: paths.home(),
    signedOut: paths.signedOut(),
    resources: paths.resources(p),
    cluster: paths.cluster(p),
    nodes: paths.cluster(p, "nodes"),
    server: paths.server(p),
    resource: paths.resource("/subscriptions/s/resourceGroups/g/providers/A.B/c/d e"),
    signIn: signInAddress("/portal/subscriptions/s/resources?q=a&state=Offline"),
  };
  expect(all).toMatchInlineSnapshot(`
    {
      "cluster": "/subscriptions/s/resourceGroups/my%20group/clusters/a%2Fb",
      "home": "/",
      "nodes": "/subscriptions/s/resourceGroups/my%20group/clusters/a%2Fb/nodes",
      "resource": "/subscriptions/s/resource/resourceGroups/g/providers/A.B/c/d%20e",
      "resources": "/subscriptions/s/resources",
      "server": "/subscriptions/s/resourceGroups/my%20group/servers/a%2Fb",
      "signIn": "/portal/login?return=%2Fportal%2Fsubscriptions%2Fs%2Fresources%3Fq%3Da%26state%3DOffline",
      "signedOut": "/signed-out",
    }
  `);
});

it("chooses a resource's page by its type, whatever the case", () => {
  const group = "/subscriptions/s/resourceGroups/g";
  expect(pageOf(`${group}/providers/microsoft.kubernetes/CONNECTEDCLUSTERS/c`)).toBe(`${group}/clusters/c`);
  expect(pageOf(`${group}/providers/Microsoft.HybridCompute/machines/m`)).toBe(`${group}/servers/m`);
  // An extension resource of a machine is not the machine.
  expect(
    pageOf(`${group}/providers/Microsoft.HybridCompute/machines/m/providers/Microsoft.Bowline/agentSettings/default`),
  ).toBe(
    "/subscriptions/s/resource/resourceGroups/g/providers/Microsoft.HybridCompute/machines/m/providers/Microsoft.Bowline/agentSettings/default",
  );
  expect(pageOf("/providers/Microsoft.Bowline/agentSettings/default")).toBeUndefined();
});
