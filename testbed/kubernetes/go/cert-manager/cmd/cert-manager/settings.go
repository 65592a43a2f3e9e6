// Copyright (c) 2026, The gatewayops.apigee_gke contributors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
	logs "k8s.io/component-base/logs/api/v1"

	"github.com/cert-manager/cert-manager/internal/apis/config/shared"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/util/configfile"
)

// load reads the file that --config names; without one, an empty document, which yields upstream's own defaults.
func load(file configfile.ConfigFile, group, kind string, arguments []string) error {
	for _, argument := range arguments {
		if path, found := strings.CutPrefix(argument, "--config="); found {
			loader, err := configfile.NewConfigurationFSLoader(nil, path)
			if err != nil {
				return err
			}
			return loader.Load(file)
		}
	}
	return file.DecodeAndConfigure(fmt.Appendf(nil,
		`{"apiVersion": "%s.config.cert-manager.io/v1alpha1", "kind": "%s"}`, group, kind))
}

// newFlags is the set of flags that every component has. The charts pass flags with "=" only, as load expects.
func newFlags(name string, logging *logs.LoggingConfiguration) *pflag.FlagSet {
	set := pflag.NewFlagSet(name, pflag.ContinueOnError)
	set.String("config", "", "file with settings; flags win over it")
	logf.AddFlags(logging, set)
	return set
}

func leaderFlags(set *pflag.FlagSet, leader *shared.LeaderElectionConfig) {
	set.BoolVar(&leader.Enabled, "leader-elect", leader.Enabled, "")
	set.StringVar(&leader.Namespace, "leader-election-namespace", leader.Namespace, "")
	set.DurationVar(&leader.LeaseDuration, "leader-election-lease-duration", leader.LeaseDuration, "")
	set.DurationVar(&leader.RenewDeadline, "leader-election-renew-deadline", leader.RenewDeadline, "")
	set.DurationVar(&leader.RetryPeriod, "leader-election-retry-period", leader.RetryPeriod, "")
}
