package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

type object = map[string]any

// raw sends any method to any id, as azapi does.
type raw struct {
	base   string
	client *arm.Client
}

func (c *raw) send(ctx context.Context, method, id, version string, body any, headers map[string]string) (*http.Response, error) {
	request, err := runtime.NewRequest(ctx, method, runtime.JoinPaths(c.base, id))
	if err != nil {
		return nil, err
	}
	query := request.Raw().URL.Query()
	query.Set("api-version", version)
	request.Raw().URL.RawQuery = query.Encode()
	request.Raw().Header.Set("Accept", "application/json")
	for name, value := range headers {
		request.Raw().Header.Set(name, value)
	}
	if body != nil {
		if err := runtime.MarshalAsJSON(request, body); err != nil {
			return nil, err
		}
	}
	response, err := c.client.Pipeline().Do(request)
	if err != nil {
		return nil, err
	}
	accepted := []int{http.StatusOK, http.StatusCreated, http.StatusAccepted}
	if method == http.MethodDelete || method == http.MethodHead {
		accepted = append(accepted, http.StatusNoContent)
	}
	if !runtime.HasStatusCode(response, accepted...) {
		return nil, runtime.NewResponseError(response)
	}
	return response, nil
}

// change sends and waits for the end, by whatever the answer says: its headers or its provisioningState.
func (c *raw) change(ctx context.Context, method, id, version string, body any, headers map[string]string) (object, error) {
	response, err := c.send(ctx, method, id, version, body, headers)
	if err != nil {
		return nil, err
	}
	poller, err := runtime.NewPoller[object](response, c.client.Pipeline(), nil)
	if err != nil {
		return nil, err
	}
	return poller.PollUntilDone(ctx, nil)
}

func (c *raw) get(ctx context.Context, id, version string) (object, error) {
	response, err := c.send(ctx, http.MethodGet, id, version, nil, nil)
	if err != nil {
		return nil, err
	}
	var found object
	return found, runtime.UnmarshalAsJSON(response, &found)
}

// anything is azapi's life of a resource: look whether it is there, create, read until it is, plan again, update,
// destroy, and see that it is gone.
func anything(ctx context.Context, at *scene, owner azcore.TokenCredential) {
	r := &report{flavour: "azcore"}
	client, err := arm.NewClient("azapi", "v2.0.0", owner, at.options(r))
	must(err)
	c := &raw{base: at.Base, client: client}
	subscription := "/subscriptions/" + at.Subscription
	own := subscription + "/resourceGroups/go-azapi"
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	public := base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PublicKey(&key.PublicKey))
	machine := own + "/providers/Microsoft.HybridCompute/machines/m1"
	for _, one := range []struct {
		id, version string
		body        object
	}{
		{own, "2024-03-01", object{"location": "local"}},
		{own + "/providers/Microsoft.Kubernetes/connectedClusters/c1", "2024-01-01", object{"location": "local", "identity": object{"type": "SystemAssigned"}, "properties": object{"agentPublicKeyCertificate": public}}},
		{machine, "2024-07-10", object{"location": "local", "properties": object{}}},
		{machine + "/extensions/e1", "2024-07-10", object{"location": "local", "properties": object{"publisher": "Microsoft.Azure.Extensions", "type": "CustomScript", "settings": object{"commandToExecute": "true"}}}},
		{own + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/go-id", "2023-01-31", object{"location": "local"}},
	} {
		c.life(ctx, r, one.id, one.version, one.body)
	}
	c.without(ctx, r, own+"/providers/Microsoft.Authorization/locks/l1", "2020-05-01", object{"properties": object{"level": "CanNotDelete"}})
	role := subscription + "/providers/Microsoft.Authorization/roleDefinitions/" + reader
	c.without(ctx, r, own+"/providers/Microsoft.Authorization/roleAssignments/"+newName(), "2022-04-01", object{"properties": object{"roleDefinitionId": role, "principalId": at.Spare.ObjectID, "principalType": "ServicePrincipal"}})
	c.refusals(ctx, r, machine)
	r.succeeds("DELETE "+kind(own), func() error {
		_, err := c.change(ctx, http.MethodDelete, own, "2024-03-01", nil, nil)
		return err
	})
	r.fails("GET "+kind(own), "destroyed", 404, "ResourceGroupNotFound", func() error {
		_, err := c.get(ctx, own, "2024-03-01")
		return err
	})
}

// life creates, reads and updates a tracked resource; it stays for what is below it.
func (c *raw) life(ctx context.Context, r *report, id, version string, body object) {
	c.created(ctx, r, id, version, body)
	again := object{"tags": object{"env": "prod"}}
	for name, value := range body {
		again[name] = value
	}
	r.succeeds("PUT "+kind(id)+" (with tags)", func() error {
		_, err := c.change(ctx, http.MethodPut, id, version, again, nil)
		if err != nil {
			return err
		}
		found, err := c.get(ctx, id, version)
		if err != nil {
			return err
		}
		tags, _ := found["tags"].(object)
		return not(tags["env"] == "prod", found)
	})
	r.succeeds("PATCH "+kind(id), func() error {
		_, err := c.change(ctx, http.MethodPatch, id, version, object{"tags": object{"env": "dev"}}, nil)
		return err
	})
	r.succeeds("HEAD "+kind(id), func() error {
		_, err := c.send(ctx, http.MethodHead, id, version, nil, nil)
		return err
	})
}

// without creates, reads and destroys what has no tags.
func (c *raw) without(ctx context.Context, r *report, id, version string, body object) {
	c.created(ctx, r, id, version, body)
	r.succeeds("DELETE "+kind(id), func() error {
		_, err := c.change(ctx, http.MethodDelete, id, version, nil, nil)
		return err
	})
	r.fails("GET "+kind(id), "destroyed", 404, "", func() error {
		_, err := c.get(ctx, id, version)
		return err
	})
}

func (c *raw) created(ctx context.Context, r *report, id, version string, body object) {
	r.fails("GET "+kind(id), "not there yet", 404, "", func() error {
		_, err := c.get(ctx, id, version)
		return err
	})
	r.succeeds("PUT "+kind(id), func() error {
		made, err := c.change(ctx, http.MethodPut, id, version, body, nil)
		if err != nil {
			return err
		}
		return not(strings.EqualFold(made["id"].(string), id), made)
	})
	// The same document again plans no change: what was sent comes back.
	r.succeeds("GET "+kind(id), func() error {
		found, err := c.get(ctx, id, version)
		if err != nil {
			return err
		}
		return not(contains(found, body), found)
	})
}

func (c *raw) refusals(ctx context.Context, r *report, machine string) {
	wrong := map[string]string{"If-Match": `"wrong"`}
	body := object{"location": "local", "properties": object{}}
	r.fails("PUT "+kind(machine), "wrong etag", 412, "PreconditionFailed", func() error {
		_, err := c.change(ctx, http.MethodPut, machine, "2024-07-10", body, wrong)
		return err
	})
	r.fails("DELETE "+kind(machine), "wrong etag", 412, "PreconditionFailed", func() error {
		_, err := c.change(ctx, http.MethodDelete, machine, "2024-07-10", nil, wrong)
		return err
	})
	r.fails("PUT "+kind(machine), "another location", 409, "InvalidResourceLocation", func() error {
		_, err := c.change(ctx, http.MethodPut, machine, "2024-07-10", object{"location": "eastus", "properties": object{}}, nil)
		return err
	})
	r.succeeds("DELETE "+kind(machine), func() error {
		_, err := c.change(ctx, http.MethodDelete, machine, "2024-07-10", nil, nil)
		return err
	})
}

// contains says whether everything of `wanted` is in `found`, except what no answer repeats and nothing writes.
func contains(found, wanted object) bool {
	for name, value := range wanted {
		switch value := value.(type) {
		case object:
			inner, _ := found[name].(object)
			if !contains(inner, value) {
				return false
			}
		case string:
			shown, _ := found[name].(string)
			if !strings.EqualFold(shown, value) {
				return false
			}
		}
	}
	return true
}

// kind is the type of an id, as people write it.
func kind(id string) string {
	_, after, found := strings.Cut(id[strings.LastIndex(id, "/providers/")+1:], "providers/")
	if !found {
		return "Microsoft.Resources/resourceGroups"
	}
	segments := strings.Split(after, "/")
	name := segments[0]
	for i := 1; i < len(segments); i += 2 {
		name += "/" + segments[i]
	}
	return name
}
