package main

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// logins signs in each way, and gives the owner's credential.
func logins(ctx context.Context, at *scene) azcore.TokenCredential {
	r := &report{flavour: "azidentity"}
	token := func(credential azcore.TokenCredential, err error) func() error {
		return func() error {
			if err != nil {
				return err
			}
			_, failed := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{at.Base + "/.default"}})
			return failed
		}
	}
	options := azcore.ClientOptions{Cloud: at.setting()}
	secret := func(tenant, id, value string, discovery bool) (azcore.TokenCredential, error) {
		how := &azidentity.ClientSecretCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: !discovery}
		return azidentity.NewClientSecretCredential(tenant, id, value, how)
	}
	owner, err := secret(at.Tenant, at.Owner.ClientID, at.Owner.Secret, false)
	r.succeeds("NewClientSecretCredential", token(owner, err))
	r.succeeds("NewClientSecretCredential (tenant adfs)", token(secret("adfs", at.Owner.ClientID, at.Owner.Secret, true)))
	r.says("NewClientSecretCredential", "wrong secret", "AADSTS7000215", token(secret(at.Tenant, at.Owner.ClientID, "wrong", false)))
	r.succeeds("NewClientCertificateCredential", token(certificate(at, options, false)))
	r.succeeds("NewClientCertificateCredential (with its chain)", token(certificate(at, options, true)))
	device := &azidentity.DeviceCodeCredentialOptions{
		ClientOptions: options, TenantID: at.Tenant, DisableInstanceDiscovery: true,
		UserPrompt: func(_ context.Context, message azidentity.DeviceCodeMessage) error {
			return at.approve(message.UserCode)
		},
	}
	r.succeeds("NewDeviceCodeCredential", token(azidentity.NewDeviceCodeCredential(device)))
	r.succeeds("NewDefaultAzureCredential (environment)", func() error {
		for name, value := range map[string]string{
			"AZURE_TENANT_ID": at.Tenant, "AZURE_CLIENT_ID": at.Owner.ClientID, "AZURE_CLIENT_SECRET": at.Owner.Secret,
		} {
			os.Setenv(name, value)
			defer os.Unsetenv(name)
		}
		how := &azidentity.DefaultAzureCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true}
		return token(azidentity.NewDefaultAzureCredential(how))()
	})
	return owner
}

func certificate(at *scene, options azcore.ClientOptions, chain bool) (azcore.TokenCredential, error) {
	text, err := os.ReadFile(at.Certificate)
	if err != nil {
		return nil, err
	}
	certificates, key, err := azidentity.ParseCertificates(text, nil)
	if err != nil {
		return nil, err
	}
	how := &azidentity.ClientCertificateCredentialOptions{
		ClientOptions: options, DisableInstanceDiscovery: true, SendCertificateChain: chain,
	}
	return azidentity.NewClientCertificateCredential(at.Tenant, at.Owner.ClientID, certificates, key, how)
}

// approve is what the person does to whom the code is shown.
func (s *scene) approve(code string) error {
	form := url.Values{"user_code": {code}, "username": {s.User.Name}, "password": {s.User.Password}, "action": {"approve"}}
	answer, err := http.PostForm(s.Base+"/device", form)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// says runs what must fail with a sentence that has these words.
func (r *report) says(operation, name, words string, call func() error) {
	since := time.Now()
	err := call()
	seen := "it succeeded"
	if err != nil {
		seen = err.Error()
	}
	r.outcome(operation, name, strings.Contains(seen, words), seen, since)
}
