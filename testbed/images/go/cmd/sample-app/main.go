// Copyright (c) 2026, The gatewayops.apigee_gke contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// Command sample-app is the application of the demonstration, and the caller that verifies it.
//
//	sample-app [serve]        answer HTTP on $PORT (8080); see serve.go
//	sample-app request ...    send one HTTP request and print what happened as JSON; see request.go
//	curl ...                  the same executable by that name: a part of curl's command line; see curl.go
package main

import (
	"fmt"
	"os"
	"path"
)

func main() {
	if path.Base(os.Args[0]) == "curl" {
		os.Exit(curl(os.Args[1:]))
	}
	mode, arguments := "serve", os.Args[1:]
	if len(arguments) > 0 {
		mode, arguments = arguments[0], arguments[1:]
	}
	switch mode {
	case "serve":
		os.Exit(serve())
	case "request":
		os.Exit(request(arguments))
	}
	fmt.Fprintf(os.Stderr, "%s: unknown mode; serve or request\n", mode)
	os.Exit(64)
}
