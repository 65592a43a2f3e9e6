// Copyright (c) 2026, The gatewayops.apigee_gke contributors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// curl's exit statuses; source: curl(1), "EXIT CODES".
const (
	curlUsage       = 2
	curlConnect     = 7
	curlTimeout     = 28
	curlReceive     = 56
	curlCertificate = 60
)

// transfer is one URL with its options; "--next" begins another.
type transfer struct {
	options
	writeOut string
}

// curl understands the part of curl's command line that the verification Job uses, so that the same Job runs with this
// image and with curl's own. Anything else is refused, never ignored. The body and what --write-out asks for go to
// standard output. The exit status is that of the last transfer.
func curl(arguments []string) int {
	transfers, err := curlTransfers(arguments)
	if err != nil {
		fmt.Fprintf(os.Stderr, "curl: %v\n", err)
		return curlUsage
	}
	status := 0
	for _, each := range transfers {
		client, err := newClient(each.options)
		if err != nil {
			fmt.Fprintf(os.Stderr, "curl: %v\n", err)
			return curlUsage
		}
		answer := once(client, each.options)
		status = curlStatus(answer.failure)
		fmt.Print(answer.Body, expand(each.writeOut, answer, status))
	}
	return status
}

func curlTransfers(arguments []string) ([]transfer, error) {
	blank := func() transfer {
		return transfer{options: options{method: http.MethodGet, headers: headers{}, timeout: 5 * time.Minute}}
	}
	transfers, current := []transfer{}, blank()
	for index := 0; index < len(arguments); index++ {
		name := arguments[index]
		switch name {
		case "--silent", "--globoff":
			continue
		case "--next":
			transfers, current = append(transfers, current), blank()
			continue
		}
		if !strings.HasPrefix(name, "-") {
			current.url = name
			continue
		}
		if index++; index == len(arguments) {
			return nil, fmt.Errorf("option %s: requires parameter", name)
		}
		if err := current.set(name, arguments[index]); err != nil {
			return nil, err
		}
	}
	transfers = append(transfers, current)
	for _, each := range transfers {
		if each.url == "" {
			return nil, errors.New("no URL specified")
		}
	}
	return transfers, nil
}

func (t *transfer) set(name, value string) (err error) {
	switch name {
	case "--max-time":
		t.timeout, err = time.ParseDuration(value + "s")
	case "--connect-timeout":
		t.connectTimeout, err = time.ParseDuration(value + "s")
	case "--connect-to":
		// HOST1:PORT1:HOST2:PORT2; only "whatever it is" on the left.
		place, found := strings.CutPrefix(value, "::")
		if !found {
			return fmt.Errorf("--connect-to %s: only ::HOST:PORT is understood", value)
		}
		t.connectTo = place
	case "--cacert":
		t.ca = value
	case "--header":
		err = t.headers.Set(value)
	case "--write-out":
		t.writeOut = value
	default:
		err = fmt.Errorf("option %s: is unknown", name)
	}
	return err
}

// expand replaces the variables and escapes of --write-out.
func expand(format string, answer result, status int) string {
	return strings.NewReplacer(
		`\n`, "\n",
		"%{http_code}", fmt.Sprintf("%03d", answer.Status),
		"%{time_pretransfer}", fmt.Sprintf("%.6f", answer.connected),
		"%{time_total}", fmt.Sprintf("%.6f", answer.Seconds),
		"%{exitcode}", strconv.Itoa(status),
		"%{errormsg}", strings.ReplaceAll(answer.Error, "\n", " "),
	).Replace(format)
}

func curlStatus(err error) int {
	var certificate *tls.CertificateVerificationError
	var host x509.HostnameError
	var network net.Error
	var operation *net.OpError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &certificate), errors.As(err, &host):
		return curlCertificate
	case errors.As(err, &network) && network.Timeout():
		return curlTimeout
	case errors.As(err, &operation) && operation.Op == "dial":
		return curlConnect
	}
	return curlReceive
}
