// Copyright (c) 2026, The gatewayops.apigee_gke contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// Command node is every component of a one-node Kubernetes in one executable.
//
// It runs the component it is called by: argv[0]'s last part (symlinks), else its first argument. One executable
// instead of nine shares the 80 percent of code that they have in common: 170 MB instead of 700, one link step.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	_ "time/tzdata" // CronJobs name time zones; a slim host has no database of them.
)

// components maps the name of an executable to its main function, which returns the exit status.
var components = map[string]func() int{}

func main() {
	name := filepath.Base(os.Args[0])
	run, known := components[name]
	if !known && len(os.Args) > 1 {
		if run, known = components[os.Args[1]]; known {
			os.Args = os.Args[1:]
		}
	}
	if !known {
		names := make([]string, 0, len(components))
		for each := range components {
			names = append(names, each)
		}
		sort.Strings(names)
		fmt.Fprintf(os.Stderr, "%s: call me by, or with, one of: %s\n", name, strings.Join(names, " "))
		os.Exit(64)
	}
	os.Exit(run())
}
