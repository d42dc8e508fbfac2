// Command kubernetes is etcd, the Kubernetes control plane, what runs on a node, and kubectl in one static program.
//
// It does what the name it was started under says, as busybox does: `cargo xtask parts kubernetes` links each name to
// it. One program instead of seven saves most of the linking and two thirds of the disk. It holds no behaviour of its
// own, so that what Bowline is tested against is exactly what the Kubernetes project released.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"

	// The released programs register these too: JSON logs, and the metrics of the client and of the build.
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
)

// programs maps each name to what runs under it; the result is the exit code.
var programs = map[string]func(args []string) int{
	"etcd":                    runEtcd,
	"kube-apiserver":          serve(apiserver.NewAPIServerCommand),
	"kube-controller-manager": serve(controllers.NewControllerManagerCommand),
	"kube-proxy":              serve(proxy.NewProxyCommand),
	"kube-scheduler":          serve(func() *cobra.Command { return scheduler.NewSchedulerCommand() }),
	"kubectl":                 runKubectl,
	"kubelet":                 serve(func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) }),
}

func main() {
	args := os.Args
	if _, known := programs[filepath.Base(args[0])]; !known && len(args) > 1 {
		// Started under its own name: the first argument says which program is meant.
		args = args[1:]
	}
	run, known := programs[filepath.Base(args[0])]
	if !known {
		names := make([]string, 0, len(programs))
		for name := range programs {
			names = append(names, name)
		}
		slices.Sort(names)
		fmt.Fprintf(os.Stderr, "Start this program as, or with the first argument, one of: %s\n", strings.Join(names, ", "))
		os.Exit(2)
	}
	// The commands read os.Args themselves.
	os.Args = args
	os.Exit(run(args))
}

func runEtcd(args []string) int {
	etcdmain.Main(args)
	return 0
}

// serve runs a server component with the log set-up and the exit code that its own main function has.
func serve(newCommand func() *cobra.Command) func([]string) int {
	return func([]string) int { return cli.Run(newCommand()) }
}

// runKubectl prints errors as kubectl does: without a usage text.
func runKubectl([]string) int {
	if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
