// Copyright (c) 2026, The gatewayops.apigee_gke contributors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/bufsize"
	_ "github.com/coredns/coredns/plugin/debug"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/file"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/hosts"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/loadbalance"
	_ "github.com/coredns/coredns/plugin/log"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/reload"
	_ "github.com/coredns/coredns/plugin/rewrite"
	_ "github.com/coredns/coredns/plugin/template"

	_ "testbed.internal/node/headlessonly"
)

func init() {
	components["coredns"] = func() int {
		// The order in which plugins see a query, as in CoreDNS's own plugin.cfg. There is no cache plugin on purpose:
		// a resolver of the testbed that remembered answers would hide when a pod became ready or went away.
		dnsserver.Directives = []string{
			"reload", "bufsize", "bind", "debug", "ready", "health", "errors", "log", "loadbalance", "rewrite",
			"headlessonly", "template", "hosts", "kubernetes", "file", "forward",
		}
		coremain.Run()
		return 0
	}
}
