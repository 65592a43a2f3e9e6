// Copyright (c) 2026, The gatewayops.apigee_gke contributors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/cert-manager/cert-manager/internal/kube"
	"github.com/cert-manager/cert-manager/internal/webhook"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/util"
	"github.com/cert-manager/cert-manager/pkg/util/cmapichecker"
	"github.com/cert-manager/cert-manager/pkg/webhook/configfile"
	"github.com/cert-manager/cert-manager/pkg/webhook/options"
)

func webhookServer(ctx context.Context, arguments []string) error {
	file := configfile.New()
	if err := load(file, "webhook", "WebhookConfiguration", arguments); err != nil {
		return err
	}
	set := pflag.NewFlagSet("webhook", pflag.ContinueOnError)
	options.NewWebhookFlags().AddFlags(set)
	options.AddConfigFlags(set, file.Config)
	if err := set.Parse(arguments); err != nil {
		return err
	}
	if err := logf.ValidateAndApply(&file.Config.Logging); err != nil {
		return err
	}
	server, err := webhook.NewCertManagerWebhookServer(logf.FromContext(ctx), *file.Config)
	if err != nil {
		return err
	}
	return server.Run(ctx)
}

// ownNamespace is that of the pod, where its account may ask; "default" outside of one.
func ownNamespace() string {
	text, err := os.ReadFile("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
	if err != nil {
		return "default"
	}
	return strings.TrimSpace(string(text))
}

// startupAPICheck is the charts' hook after an install: "check api --wait=1m".
func startupAPICheck(ctx context.Context, arguments []string) error {
	set := pflag.NewFlagSet("startupapicheck", pflag.ContinueOnError)
	timeout := set.Duration("wait", 0, "")
	namespace := set.StringP("namespace", "n", ownNamespace(), "")
	verbose := set.BoolP("verbose", "v", false, "")
	if err := set.Parse(arguments); err != nil {
		return err
	}
	rest, err := kube.BuildClientConfig("", "")
	if err != nil {
		return err
	}
	checker, err := cmapichecker.New(util.RestConfigWithUserAgent(rest, "startupapicheck"), *namespace)
	if err != nil {
		return err
	}
	var last error
	err = wait.PollUntilContextTimeout(ctx, time.Second, *timeout, true, func(ctx context.Context) (bool, error) {
		if last = checker.Check(ctx); last != nil && *verbose {
			logf.FromContext(ctx).Info("not ready", "reason", last.Error())
		}
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("%w: %w", err, last)
	}
	return nil
}
