// Copyright (c) 2026, The gatewayops.apigee_gke contributors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
	"time"
)

// result is printed as one line of JSON, whatever happened.
type result struct {
	URL        string      `json:"url"`
	Remote     string      `json:"remote,omitempty"`
	Status     int         `json:"status"`
	Headers    http.Header `json:"headers,omitempty"`
	Body       string      `json:"body,omitempty"`
	TLSVersion string      `json:"tls_version,omitempty"`
	Attempts   int         `json:"attempts"`
	Seconds    float64     `json:"seconds"`
	Error      string      `json:"error,omitempty"`

	// failure is what Error says; connected is the time in seconds until the request could be sent.
	failure   error
	connected float64
}

// headers collects repeated --header options, "Name: value".
type headers http.Header

func (h headers) String() string { return "" }

func (h headers) Set(text string) error {
	name, value, found := strings.Cut(text, ":")
	if !found {
		return fmt.Errorf("%q is not \"Name: value\"", text)
	}
	http.Header(h).Add(name, strings.TrimSpace(value))
	return nil
}

type options struct {
	url, method, data, connectTo, ca string
	headers                          headers
	insecure                         bool
	timeout                          time.Duration
	connectTimeout                   time.Duration
	retries                          int
	pause                            time.Duration
	expect                           int
}

func parse(arguments []string) (options, error) {
	chosen := options{headers: headers{}}
	flags := flag.NewFlagSet("request", flag.ContinueOnError)
	flags.StringVar(&chosen.url, "url", "", "what to ask for")
	flags.StringVar(&chosen.method, "method", http.MethodGet, "HTTP method")
	flags.StringVar(&chosen.data, "data", "", "body of the request")
	flags.StringVar(&chosen.connectTo, "connect-to", "", "address:port to connect to, instead of the URL's")
	flags.StringVar(&chosen.ca, "ca", "", "PEM file of the authorities to trust, instead of the system's")
	flags.Var(chosen.headers, "header", "\"Name: value\", repeatable")
	flags.BoolVar(&chosen.insecure, "insecure", false, "accept any certificate")
	flags.DurationVar(&chosen.timeout, "timeout", 30*time.Second, "per attempt")
	flags.IntVar(&chosen.retries, "retries", 0, "further attempts while the request fails or --expect is not met")
	flags.DurationVar(&chosen.pause, "pause", time.Second, "between attempts")
	flags.IntVar(&chosen.expect, "expect", 0, "status that makes the exit status 0; else any answer does")
	if err := flags.Parse(arguments); err != nil {
		return chosen, err
	}
	if chosen.url == "" {
		return chosen, fmt.Errorf("--url is missing")
	}
	return chosen, nil
}

// request sends one HTTP request and prints a result. Exit status: 0 answered (with the expected status, if one was
// given), 1 not answered, 2 another status than expected, 64 wrong usage.
func request(arguments []string) int {
	chosen, err := parse(arguments)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 64
	}
	client, err := newClient(chosen)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 64
	}
	var outcome result
	status := 1
	for attempt := 1; attempt <= chosen.retries+1; attempt++ {
		if attempt > 1 {
			time.Sleep(chosen.pause)
		}
		outcome = once(client, chosen)
		outcome.Attempts = attempt
		switch {
		case outcome.Error != "":
			status = 1
		case chosen.expect != 0 && outcome.Status != chosen.expect:
			status = 2
		default:
			status = 0
		}
		if status == 0 {
			break
		}
	}
	_ = json.NewEncoder(os.Stdout).Encode(outcome)
	return status
}

func newClient(chosen options) (*http.Client, error) {
	trust := &tls.Config{InsecureSkipVerify: chosen.insecure}
	if chosen.ca != "" {
		pem, err := os.ReadFile(chosen.ca)
		if err != nil {
			return nil, err
		}
		trust.RootCAs = x509.NewCertPool()
		if !trust.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", chosen.ca)
		}
	}
	dialer := &net.Dialer{Timeout: chosen.timeout}
	if chosen.connectTimeout > 0 {
		dialer.Timeout = chosen.connectTimeout
	}
	return &http.Client{
		Timeout: chosen.timeout,
		// A verification shows what the gateway answers, redirects included.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			TLSClientConfig:   trust,
			ForceAttemptHTTP2: true,
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				if chosen.connectTo != "" {
					address = chosen.connectTo
				}
				return dialer.DialContext(ctx, network, address)
			},
		},
	}, nil
}

func (r *result) fail(err error) { r.failure, r.Error = err, err.Error() }

func once(client *http.Client, chosen options) (outcome result) {
	outcome.URL = chosen.url
	began := time.Now()
	defer func() { outcome.Seconds = time.Since(began).Seconds() }()
	message, err := http.NewRequest(chosen.method, chosen.url, strings.NewReader(chosen.data))
	if err != nil {
		outcome.fail(err)
		return outcome
	}
	message.Header = http.Header(chosen.headers).Clone()
	if host := message.Header.Get("Host"); host != "" {
		message.Host = host
	}
	message = message.WithContext(httptrace.WithClientTrace(message.Context(), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			outcome.Remote = info.Conn.RemoteAddr().String()
			outcome.connected = time.Since(began).Seconds()
		},
	}))
	answer, err := client.Do(message)
	if err != nil {
		outcome.fail(err)
		return outcome
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, bodyLimit))
	if err != nil {
		outcome.fail(err)
	}
	outcome.Status, outcome.Headers, outcome.Body = answer.StatusCode, answer.Header, string(body)
	if answer.TLS != nil {
		outcome.TLSVersion = tls.VersionName(answer.TLS.Version)
	}
	return outcome
}
