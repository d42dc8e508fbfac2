package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/hashicorp/go-azure-sdk/sdk/auth"
	"github.com/hashicorp/go-azure-sdk/sdk/client"
	"github.com/hashicorp/go-azure-sdk/sdk/client/resourcemanager"
	"github.com/hashicorp/go-azure-sdk/sdk/environments"
)

// terraform goes the way of the azurerm provider with `metadata_host`: the metadata, a token, and the life of a
// resource by the provider's own client and pollers.
func terraform(ctx context.Context, at *scene) {
	r := &report{flavour: "go-azure-sdk"}
	var environment *environments.Environment
	r.succeeds("environments.FromEndpoint (metadata_host)", func() (err error) {
		environment, err = environments.FromEndpoint(ctx, at.Base)
		return err
	})
	if environment == nil {
		return
	}
	var signed auth.Authorizer
	r.succeeds("auth.NewAuthorizerFromCredentials (client secret)", func() (err error) {
		credentials := auth.Credentials{
			Environment: *environment, TenantID: at.Tenant, ClientID: at.Owner.ClientID, ClientSecret: at.Owner.Secret,
			EnableAuthenticatingUsingClientSecret: true,
		}
		if signed, err = auth.NewAuthorizerFromCredentials(ctx, credentials, environment.ResourceManager); err != nil {
			return err
		}
		_, err = signed.Token(ctx, &http.Request{})
		return err
	})
	own := "/subscriptions/" + at.Subscription + "/resourceGroups/go-azurerm"
	machine := own + "/providers/Microsoft.HybridCompute/machines/m1"
	for _, step := range []struct {
		name, method, id, version string
		body                      any
		accepted                  []int
	}{
		{"create", http.MethodPut, own, "2023-07-01", object{"location": "local"}, []int{200, 201}},
		{"read", http.MethodGet, own, "2023-07-01", nil, []int{200}},
		{"create", http.MethodPut, machine, "2024-07-10", object{"location": "local", "properties": object{}}, []int{200}},
		{"update", http.MethodPatch, machine, "2024-07-10", object{"tags": object{"env": "prod"}}, []int{200}},
		{"read", http.MethodGet, machine, "2024-07-10", nil, []int{200}},
		{"destroy", http.MethodDelete, machine, "2024-07-10", nil, []int{202, 204}},
		{"destroy", http.MethodDelete, own, "2023-07-01", nil, []int{200, 202}},
	} {
		r.succeeds(fmt.Sprintf("%s %s (azurerm)", step.name, kind(step.id)), func() error {
			return provider(ctx, r, environment, signed, step.method, step.id, step.version, step.body, step.accepted)
		})
	}
}

// provider sends one request as a resource of azurerm does, and waits for the end where there is one to wait for.
func provider(ctx context.Context, r *report, environment *environments.Environment, signed auth.Authorizer, method, id, version string, body any, accepted []int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	base, err := resourcemanager.NewClient(environment.ResourceManager, "resources", version)
	if err != nil {
		return err
	}
	base.SetAuthorizer(signed)
	request, err := base.NewRequest(ctx, client.RequestOptions{
		ContentType: "application/json; charset=utf-8", ExpectedStatusCodes: accepted, HttpMethod: method, Path: id,
	})
	if err != nil {
		return err
	}
	if body != nil {
		if err := request.Marshal(body); err != nil {
			return err
		}
	}
	response, err := request.Execute(ctx)
	if response != nil && response.Response != nil {
		r.saw(request.Request, response.StatusCode)
	}
	if err != nil || method == http.MethodGet || method == http.MethodPatch || response.StatusCode == http.StatusNoContent {
		return err
	}
	poller, err := resourcemanager.PollerFromResponse(response, base)
	if err != nil {
		return err
	}
	return poller.PollUntilDone(ctx)
}
