// Copyright (c) 2026, The gatewayops.apigee_gke contributors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"

	_ "k8s.io/client-go/plugin/pkg/client/auth"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
)

func init() {
	component := func(name string, command func() *cobra.Command) {
		components[name] = func() int { return cli.Run(command()) }
	}
	component("kube-apiserver", apiserver.NewAPIServerCommand)
	component("kube-controller-manager", controllermanager.NewControllerManagerCommand)
	component("kube-proxy", proxy.NewProxyCommand)
	component("kubelet", func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) })
	component("kube-scheduler", func() *cobra.Command { return scheduler.NewSchedulerCommand() })
	components["kubectl"] = kubectl
}

// kubectl follows cmd/kubectl of the Kubernetes repository.
func kubectl() int {
	_, _ = logs.GlogSetter(cmd.GetLogVerbosity(os.Args))
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err)
	}
	return 0
}
