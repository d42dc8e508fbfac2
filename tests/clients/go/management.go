package main

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/managementgroups/armmanagementgroups"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/msi/armmsi"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources/v3"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armsubscriptions"
)

const (
	group  = "go"
	reader = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
)

// management drives the generated clients.
func management(ctx context.Context, at *scene, owner azcore.TokenCredential) {
	r := &report{flavour: "management"}
	stranger, err := azidentity.NewClientSecretCredential(at.Tenant, at.Stranger.ClientID, at.Stranger.Secret,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: azcore.ClientOptions{Cloud: at.setting()}, DisableInstanceDiscovery: true})
	must(err)
	groups(ctx, r, at, owner, stranger)
	subscriptions(ctx, r, at, owner)
	roles(ctx, r, at, owner, stranger)
	identities(ctx, r, at, owner, stranger)
	managementGroups(ctx, r, at, owner)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// all reads every page.
func all[T, I any](ctx context.Context, pager *runtime.Pager[T], items func(T) []I) ([]I, error) {
	var found []I
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		found = append(found, items(page)...)
	}
	return found, nil
}

// done waits for the end of a long-running operation.
func done[T any](ctx context.Context, poller *runtime.Poller[T], err error) (T, error) {
	if err != nil {
		var none T
		return none, err
	}
	return poller.PollUntilDone(ctx, nil)
}

func groups(ctx context.Context, r *report, at *scene, owner, stranger azcore.TokenCredential) {
	client, err := armresources.NewResourceGroupsClient(at.Subscription, owner, at.options(r))
	must(err)
	other, err := armresources.NewResourceGroupsClient(at.Subscription, stranger, at.options(r))
	must(err)
	elsewhere, err := armresources.NewResourceGroupsClient("00000000-dead-beef-0000-000000000000", owner, at.options(r))
	must(err)
	body := armresources.ResourceGroup{Location: to.Ptr("local"), Tags: map[string]*string{"env": to.Ptr("dev")}}
	create := func(client *armresources.ResourceGroupsClient) func() error {
		return func() error {
			made, err := client.CreateOrUpdate(ctx, group, body, nil)
			if err != nil {
				return err
			}
			return not(*made.Properties.ProvisioningState == "Succeeded" && *made.Name == group, made)
		}
	}
	r.fails("ResourceGroupsClient.CreateOrUpdate", "no rights", 403, "AuthorizationFailed", create(other))
	r.fails("ResourceGroupsClient.CreateOrUpdate", "unknown subscription", 404, "SubscriptionNotFound", create(elsewhere))
	r.succeeds("ResourceGroupsClient.CreateOrUpdate", create(client))
	r.succeeds("ResourceGroupsClient.CheckExistence", func() error {
		found, err := client.CheckExistence(ctx, group, nil)
		if err != nil {
			return err
		}
		return not(found.Success, found)
	})
	r.succeeds("ResourceGroupsClient.Update", func() error {
		made, err := client.Update(ctx, group, armresources.ResourceGroupPatchable{Tags: map[string]*string{"env": to.Ptr("prod")}}, nil)
		if err != nil {
			return err
		}
		return not(*made.Tags["env"] == "prod", made)
	})
	r.succeeds("ResourceGroupsClient.NewListPager", func() error {
		found, err := all(ctx, client.NewListPager(nil), func(page armresources.ResourceGroupsClientListResponse) []*armresources.ResourceGroup {
			return page.Value
		})
		if err != nil {
			return err
		}
		for _, one := range found {
			if *one.Name == group {
				return nil
			}
		}
		return not(false, found)
	})
	r.fails("ResourceGroupsClient.Get", "not found", 404, "ResourceGroupNotFound", func() error {
		_, err := client.Get(ctx, "no-such", nil)
		return err
	})
	providers, err := armresources.NewProvidersClient(at.Subscription, owner, at.options(r))
	must(err)
	r.succeeds("ProvidersClient.Get", func() error {
		found, err := providers.Get(ctx, "Microsoft.Kubernetes", nil)
		if err != nil {
			return err
		}
		return not(*found.RegistrationState == "Registered", found)
	})
	r.succeeds("ProvidersClient.Register", func() error {
		_, err := providers.Register(ctx, "Microsoft.Kubernetes", nil)
		return err
	})
}

func subscriptions(ctx context.Context, r *report, at *scene, owner azcore.TokenCredential) {
	client, err := armsubscriptions.NewClient(owner, at.options(r))
	must(err)
	r.succeeds("armsubscriptions.Client.Get", func() error {
		found, err := client.Get(ctx, at.Subscription, nil)
		if err != nil {
			return err
		}
		return not(*found.SubscriptionID == at.Subscription, found)
	})
	r.succeeds("armsubscriptions.Client.NewListLocationsPager", func() error {
		found, err := all(ctx, client.NewListLocationsPager(at.Subscription, nil), func(page armsubscriptions.ClientListLocationsResponse) []*armsubscriptions.Location {
			return page.Value
		})
		if err != nil {
			return err
		}
		return not(len(found) > 0, found)
	})
}

func roles(ctx context.Context, r *report, at *scene, owner, stranger azcore.TokenCredential) {
	client, err := armauthorization.NewRoleAssignmentsClient(at.Subscription, owner, at.options(r))
	must(err)
	other, err := armauthorization.NewRoleAssignmentsClient(at.Subscription, stranger, at.options(r))
	must(err)
	scope := "/subscriptions/" + at.Subscription + "/resourceGroups/" + group
	role := "/subscriptions/" + at.Subscription + "/providers/Microsoft.Authorization/roleDefinitions/" + reader
	body := armauthorization.RoleAssignmentCreateParameters{Properties: &armauthorization.RoleAssignmentProperties{
		PrincipalID: &at.Spare.ObjectID, RoleDefinitionID: &role, PrincipalType: to.Ptr(armauthorization.PrincipalTypeServicePrincipal),
	}}
	name, second := newName(), newName()
	create := func(client *armauthorization.RoleAssignmentsClient, name string) func() error {
		return func() error {
			_, err := client.Create(ctx, scope, name, body, nil)
			return err
		}
	}
	r.fails("RoleAssignmentsClient.Create", "no rights", 403, "AuthorizationFailed", create(other, name))
	r.succeeds("RoleAssignmentsClient.Create", create(client, name))
	r.fails("RoleAssignmentsClient.Create", "conflict", 409, "RoleAssignmentExists", create(client, second))
	r.succeeds("RoleAssignmentsClient.NewListForScopePager", func() error {
		pager := client.NewListForScopePager(scope, &armauthorization.RoleAssignmentsClientListForScopeOptions{Filter: to.Ptr("atScope()")})
		found, err := all(ctx, pager, func(page armauthorization.RoleAssignmentsClientListForScopeResponse) []*armauthorization.RoleAssignment {
			return page.Value
		})
		if err != nil {
			return err
		}
		return not(len(found) > 0, found)
	})
	r.succeeds("RoleAssignmentsClient.Delete", func() error {
		_, err := client.Delete(ctx, scope, name, nil)
		return err
	})
	definitions, err := armauthorization.NewRoleDefinitionsClient(owner, at.options(r))
	must(err)
	r.succeeds("RoleDefinitionsClient.NewListPager", func() error {
		pager := definitions.NewListPager(scope, &armauthorization.RoleDefinitionsClientListOptions{Filter: to.Ptr("roleName eq 'Reader'")})
		found, err := all(ctx, pager, func(page armauthorization.RoleDefinitionsClientListResponse) []*armauthorization.RoleDefinition {
			return page.Value
		})
		if err != nil {
			return err
		}
		return not(len(found) == 1 && *found[0].ID == role, found)
	})
}

func identities(ctx context.Context, r *report, at *scene, owner, stranger azcore.TokenCredential) {
	client, err := armmsi.NewUserAssignedIdentitiesClient(at.Subscription, owner, at.options(r))
	must(err)
	other, err := armmsi.NewUserAssignedIdentitiesClient(at.Subscription, stranger, at.options(r))
	must(err)
	create := func(client *armmsi.UserAssignedIdentitiesClient) func() error {
		return func() error {
			made, err := client.CreateOrUpdate(ctx, group, "go-id", armmsi.Identity{Location: to.Ptr("local")}, nil)
			if err != nil {
				return err
			}
			return not(made.Properties != nil && made.Properties.ClientID != nil && made.Properties.PrincipalID != nil, made)
		}
	}
	r.fails("UserAssignedIdentitiesClient.CreateOrUpdate", "no rights", 403, "AuthorizationFailed", create(other))
	r.succeeds("UserAssignedIdentitiesClient.CreateOrUpdate", create(client))
	r.succeeds("UserAssignedIdentitiesClient.Get", func() error {
		_, err := client.Get(ctx, group, "go-id", nil)
		return err
	})
	r.succeeds("UserAssignedIdentitiesClient.Update", func() error {
		made, err := client.Update(ctx, group, "go-id", armmsi.IdentityUpdate{Tags: map[string]*string{"a": to.Ptr("b")}}, nil)
		if err != nil {
			return err
		}
		return not(made.Tags["a"] != nil, made)
	})
	r.succeeds("UserAssignedIdentitiesClient.NewListByResourceGroupPager", func() error {
		found, err := all(ctx, client.NewListByResourceGroupPager(group, nil), func(page armmsi.UserAssignedIdentitiesClientListByResourceGroupResponse) []*armmsi.Identity {
			return page.Value
		})
		if err != nil {
			return err
		}
		return not(len(found) == 1, found)
	})
	r.succeeds("UserAssignedIdentitiesClient.Delete", func() error {
		_, err := client.Delete(ctx, group, "go-id", nil)
		return err
	})
}

func managementGroups(ctx context.Context, r *report, at *scene, owner azcore.TokenCredential) {
	client, err := armmanagementgroups.NewClient(owner, at.options(r))
	must(err)
	r.succeeds("armmanagementgroups.Client.BeginCreateOrUpdate", func() error {
		body := armmanagementgroups.CreateManagementGroupRequest{Name: to.Ptr("go-top"), Properties: &armmanagementgroups.CreateManagementGroupProperties{DisplayName: to.Ptr("Top")}}
		poller, err := client.BeginCreateOrUpdate(ctx, "go-top", body, nil)
		made, err := done(ctx, poller, err)
		if err != nil {
			return err
		}
		return not(made.Name != nil && *made.Name == "go-top", made)
	})
	r.succeeds("armmanagementgroups.Client.Get", func() error {
		_, err := client.Get(ctx, "go-top", nil)
		return err
	})
	r.succeeds("armmanagementgroups.Client.NewListPager", func() error {
		found, err := all(ctx, client.NewListPager(nil), func(page armmanagementgroups.ClientListResponse) []*armmanagementgroups.ManagementGroupInfo {
			return page.Value
		})
		if err != nil {
			return err
		}
		return not(len(found) > 1, found)
	})
	r.succeeds("armmanagementgroups.Client.BeginDelete", func() error {
		poller, err := client.BeginDelete(ctx, "go-top", nil)
		_, err = done(ctx, poller, err)
		return err
	})
}

// newName is a random GUID.
func newName() string {
	b := make([]byte, 16)
	_, err := rand.Read(b)
	must(err)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
