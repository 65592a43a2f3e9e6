// Copyright (c) 2026, The gatewayops.apigee_gke contributors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	registration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	metrics "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	config "github.com/cert-manager/cert-manager/internal/apis/config/cainjector"
	"github.com/cert-manager/cert-manager/internal/kube"
	"github.com/cert-manager/cert-manager/pkg/cainjector/configfile"
	cmscheme "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/scheme"
	"github.com/cert-manager/cert-manager/pkg/controller/cainjector"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/util"
)

func injectorSettings(arguments []string) (*config.CAInjectorConfiguration, error) {
	file := configfile.New()
	if err := load(file, "cainjector", "CAInjectorConfiguration", arguments); err != nil {
		return nil, err
	}
	s := file.Config
	set := newFlags("cainjector", &s.Logging)
	set.StringVar(&s.KubeConfig, "kubeconfig", s.KubeConfig, "")
	set.StringVar(&s.Namespace, "namespace", s.Namespace, "")
	leaderFlags(set, &s.LeaderElectionConfig)
	set.StringVar(&s.MetricsListenAddress, "metrics-listen-address", s.MetricsListenAddress, "")
	if err := set.Parse(arguments); err != nil {
		return nil, err
	}
	return s, logf.ValidateAndApply(&s.Logging)
}

func injector(ctx context.Context, arguments []string) error {
	settings, err := injectorSettings(arguments)
	if err != nil {
		return err
	}
	ctrl.SetLogger(logf.FromContext(ctx))
	rest, err := kube.BuildClientConfig("", settings.KubeConfig)
	if err != nil {
		return err
	}
	// The field manager comes from the user agent: without this every injection fails with "fieldManager: Required value".
	rest = util.RestConfigWithUserAgent(rest, "cainjector")
	types := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		scheme.AddToScheme, cmscheme.AddToScheme, apiextensions.AddToScheme, registration.AddToScheme,
	} {
		utilruntime.Must(add(types))
	}
	leader := settings.LeaderElectionConfig
	manager, err := ctrl.NewManager(rest, ctrl.Options{
		Scheme: types,
		Cache:  cache.Options{ReaderFailOnMissingInformer: true},
		// Only metadata of Secrets is watched: a cache of their content would hold every Secret of the cluster.
		Client:                        client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.Secret{}}}},
		LeaderElection:                leader.Enabled,
		LeaderElectionNamespace:       leader.Namespace,
		LeaderElectionID:              "cert-manager-cainjector-leader-election",
		LeaderElectionResourceLock:    resourcelock.LeasesResourceLock,
		LeaderElectionReleaseOnCancel: true,
		LeaseDuration:                 &leader.LeaseDuration,
		RenewDeadline:                 &leader.RenewDeadline,
		RetryPeriod:                   &leader.RetryPeriod,
		Metrics:                       metrics.Options{BindAddress: settings.MetricsListenAddress},
	})
	if err != nil {
		return err
	}
	if settings.EnableDataSourceConfig.Certificates {
		if err := certificatesKnown(ctx, manager); err != nil {
			return err
		}
	}
	injectables := settings.EnableInjectableConfig
	err = cainjector.RegisterAllInjectors(ctx, manager, cainjector.SetupOptions{
		Namespace:                    settings.Namespace,
		IgnoreNamespaces:             settings.IgnoreNamespaces,
		EnableCertificatesDataSource: settings.EnableDataSourceConfig.Certificates,
		EnabledReconcilersFor: map[string]bool{
			cainjector.MutatingWebhookConfigurationName:   injectables.MutatingWebhookConfigurations,
			cainjector.ValidatingWebhookConfigurationName: injectables.ValidatingWebhookConfigurations,
			cainjector.APIServiceName:                     injectables.APIServices,
			cainjector.CustomResourceDefinitionName:       injectables.CustomResourceDefinitions,
		},
	})
	if err != nil {
		return err
	}
	return manager.Start(ctx)
}

// certificatesKnown waits for the definition of Certificates, which a chart may install after this process starts.
func certificatesKnown(ctx context.Context, manager ctrl.Manager) error {
	direct, err := client.New(manager.GetConfig(), client.Options{Scheme: manager.GetScheme()})
	if err != nil {
		return err
	}
	err = wait.PollUntilContextTimeout(ctx, time.Second, 5*time.Minute, true, func(ctx context.Context) (bool, error) {
		found := &apiextensions.CustomResourceDefinition{}
		err := direct.Get(ctx, client.ObjectKey{Name: "certificates.cert-manager.io"}, found)
		return err == nil, client.IgnoreNotFound(err)
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("waiting for the definition of Certificates: %w", err)
	}
	return err
}
