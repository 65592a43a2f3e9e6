// Copyright (c) 2026, The gatewayops.apigee_gke contributors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

// bodyLimit, in bytes, bounds how much of a request's body is sent back.
const bodyLimit = 1 << 20

// hop is what the application tells about a request: who answered, who asked, and what arrived.
type hop struct {
	Pod        string      `json:"pod"`
	PodAddress string      `json:"pod_address"`
	Namespace  string      `json:"namespace,omitempty"`
	Node       string      `json:"node,omitempty"`
	Version    string      `json:"version,omitempty"`
	Peer       string      `json:"peer"`
	Method     string      `json:"method"`
	Host       string      `json:"host"`
	Path       string      `json:"path"`
	Query      string      `json:"query,omitempty"`
	Protocol   string      `json:"protocol"`
	Headers    http.Header `json:"headers"`
	Body       string      `json:"body,omitempty"`
	Draining   bool        `json:"draining"`
}

// application answers every path with its hop, /healthz with ok, and says goodbye while it drains.
type application struct {
	identity hop
	draining atomic.Bool
}

func environment(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func newApplication() *application {
	hostname, _ := os.Hostname()
	return &application{identity: hop{
		Pod:        environment("POD_NAME", hostname),
		PodAddress: environment("POD_IP", ownAddress()),
		Namespace:  os.Getenv("POD_NAMESPACE"),
		Node:       os.Getenv("NODE_NAME"),
		Version:    os.Getenv("APP_VERSION"),
	}}
}

// ownAddress is the pod's address when the manifest does not pass it: the first one that is not loopback.
func ownAddress() string {
	addresses, _ := net.InterfaceAddrs()
	for _, each := range addresses {
		if network, ok := each.(*net.IPNet); ok && network.IP.To4() != nil && !network.IP.IsLoopback() {
			return network.IP.String()
		}
	}
	return ""
}

func (a *application) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	if a.draining.Load() {
		// The answer is still good; only the connection should not be used again.
		writer.Header().Set("Connection", "close")
	}
	if request.URL.Path == "/healthz" {
		if a.draining.Load() {
			http.Error(writer, "draining", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(writer, "ok\n")
		return
	}
	body, err := io.ReadAll(io.LimitReader(request.Body, bodyLimit))
	if err != nil {
		http.Error(writer, err.Error(), http.StatusBadRequest)
		return
	}
	answer := a.identity
	answer.Peer, _, _ = net.SplitHostPort(request.RemoteAddr)
	answer.Method, answer.Host, answer.Path, answer.Query = request.Method, request.Host, request.URL.Path, request.URL.RawQuery
	answer.Protocol, answer.Headers, answer.Body, answer.Draining = request.Proto, request.Header, string(body), a.draining.Load()
	writer.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(writer).Encode(answer)
}

// serve answers until SIGTERM, then for $DRAIN_SECONDS (5) more with "Connection: close", so that a gateway that
// still has this pod's address in its cache is served until the address has expired there.
//
// $BIND_ADDRESS (all) and $PORT (8080) say where. The exit status is 0 after a drain, 1 when it cannot listen.
func serve() int {
	drain, err := time.ParseDuration(environment("DRAIN_SECONDS", "5") + "s")
	if err != nil {
		fmt.Fprintf(os.Stderr, "DRAIN_SECONDS: %v\n", err)
		return 64
	}
	app := newApplication()
	server := &http.Server{
		Addr:              net.JoinHostPort(os.Getenv("BIND_ADDRESS"), environment("PORT", "8080")),
		Handler:           app,
		ReadHeaderTimeout: 10 * time.Second,
		// Longer than the 60 s for which Apigee keeps idle connections: the caller, not the pod, closes them.
		IdleTimeout: 620 * time.Second,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	select {
	case err := <-ended:
		fmt.Fprintln(os.Stderr, err)
		return 1
	case <-signals:
	}
	app.draining.Store(true)
	time.Sleep(drain)
	bounded, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := server.Shutdown(bounded); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		fmt.Fprintln(os.Stderr, err)
	}
	return 0
}
