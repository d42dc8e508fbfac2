// Drives the Azure SDK for Go: `driver SCENE [--quick]`. See ../README.md.
//
// Beside the management clients that the Go module proxy has, two things that people do not call themselves: the
// pipeline and the pollers of azcore with any method on any id, which is what Terraform's azapi provider is made of,
// and the client of HashiCorp's SDK, which the azurerm provider is made of.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

func main() {
	text, err := os.ReadFile(os.Args[1])
	var at scene
	if err == nil {
		err = json.Unmarshal(text, &at)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	owner := logins(ctx, &at)
	management(ctx, &at, owner)
	anything(ctx, &at, owner)
	terraform(ctx, &at)
	print(map[string]any{"end": true, "versions": versions()})
}

// setting is the cloud as a Go program configures it.
func (s *scene) setting() cloud.Configuration {
	service := cloud.ServiceConfiguration{Endpoint: s.Base, Audience: s.Base}
	return cloud.Configuration{
		ActiveDirectoryAuthorityHost: s.Base,
		Services:                     map[cloud.ServiceName]cloud.ServiceConfiguration{cloud.ResourceManager: service},
	}
}

// options are those of every client: the cloud, and the report behind the retries.
func (s *scene) options(r *report) *arm.ClientOptions {
	options := &arm.ClientOptions{DisableRPRegistration: false}
	options.Cloud = s.setting()
	options.PerRetryPolicies = []policy.Policy{r}
	return options
}

// versions are those of the modules that were compiled in.
func versions() map[string]string {
	found := map[string]string{}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return found
	}
	for _, module := range info.Deps {
		short := module.Path[strings.LastIndex(module.Path, "/sdk/")+1:]
		if strings.Contains(module.Path, "azure-sdk-for-go/sdk/") && !strings.Contains(module.Path, "internal") {
			found[strings.TrimPrefix(short, "sdk/")] = module.Version
		} else if strings.HasSuffix(module.Path, "hashicorp/go-azure-sdk/sdk") {
			found["hashicorp/go-azure-sdk"] = module.Version
		}
	}
	return found
}
