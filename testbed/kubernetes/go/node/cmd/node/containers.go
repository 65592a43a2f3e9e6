// Copyright (c) 2026, The gatewayops.apigee_gke contributors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"os"

	_ "github.com/containerd/containerd/v2/cmd/containerd/builtins" // the plugins of a stock containerd
	"github.com/containerd/containerd/v2/cmd/containerd/command"
	ctr "github.com/containerd/containerd/v2/cmd/ctr/app"
	"github.com/urfave/cli/v2"
)

func init() {
	application := func(name string, make func() *cli.App) {
		components[name] = func() int {
			if err := make().Run(os.Args); err != nil {
				fmt.Fprintf(os.Stderr, "%s: %s\n", name, err)
				return 1
			}
			return 0
		}
	}
	application("containerd", command.App)
	application("ctr", ctr.New)
}
