// Copyright (c) 2026, The gatewayops.apigee_gke contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// Command cert-manager is the controller, webhook and cainjector of cert-manager, and its API check, in one executable.
//
// It runs the component that its first argument names. Upstream builds each from a module of its own; those modules are
// not served as Go modules, so these are small mains over the root module, which does all of the work.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	logf "github.com/cert-manager/cert-manager/pkg/logs"
)

// component reads its own arguments and runs until the context ends.
type component func(ctx context.Context, arguments []string) error

var components = map[string]component{
	"controller":      controllerComponent,
	"cainjector":      injector,
	"webhook":         webhookServer,
	"startupapicheck": startupAPICheck,
}

func main() {
	if len(os.Args) < 2 || components[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: cert-manager controller|cainjector|webhook|startupapicheck [flags]")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	logf.InitLogs()
	defer logf.FlushLogs()
	ctx = logf.NewContext(ctx, logf.Log, os.Args[1])
	if err := components[os.Args[1]](ctx, os.Args[2:]); err != nil && ctx.Err() == nil {
		logf.FlushLogs()
		fmt.Fprintf(os.Stderr, "%s: %s\n", os.Args[1], err)
		os.Exit(1)
	}
}
