// Copyright (c) 2026, The gatewayops.apigee_gke contributors
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	logs "k8s.io/component-base/logs/api/v1"

	"github.com/cert-manager/cert-manager/internal/apis/config/shared"
	"github.com/cert-manager/cert-manager/pkg/controller"
	"github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/approver"
	"github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/ca"
	"github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/selfsigned"
	"github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/vault"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/issuing"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/keymanager"
	certificatesmetrics "github.com/cert-manager/cert-manager/pkg/controller/certificates/metrics"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/readiness"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/requestmanager"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/revisionmanager"
	"github.com/cert-manager/cert-manager/pkg/controller/certificates/trigger"
	"github.com/cert-manager/cert-manager/pkg/controller/clusterissuers"
	"github.com/cert-manager/cert-manager/pkg/controller/issuers"
	"github.com/cert-manager/cert-manager/pkg/healthz"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
	utilfeature "github.com/cert-manager/cert-manager/pkg/util/feature"

	// The issuers register themselves.
	_ "github.com/cert-manager/cert-manager/pkg/issuer/ca"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/selfsigned"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/vault"
)

const lockName = "cert-manager-controller"

// controllers are those that run. There are none of ACME and of Venafi: nothing here could answer them, and the client
// library of the latter is not served as a Go module.
var controllers = []string{
	issuers.ControllerName, clusterissuers.ControllerName,
	approver.ControllerName, ca.CRControllerName, selfsigned.CRControllerName, vault.CRControllerName,
	trigger.ControllerName, issuing.ControllerName, keymanager.ControllerName, requestmanager.ControllerName,
	readiness.ControllerName, revisionmanager.ControllerName, certificatesmetrics.ControllerName,
}

// controllerSettings have upstream's defaults (internal/apis/config/controller/v1alpha1, which imports every issuer).
type controllerSettings struct {
	controller.ContextOptions
	leader         shared.LeaderElectionConfig
	metricsAddress string
	healthAddress  string
	names          []string
}

func readControllerSettings(arguments []string) (*controllerSettings, error) {
	s := &controllerSettings{leader: shared.LeaderElectionConfig{Enabled: true, Namespace: "kube-system",
		LeaseDuration: 60 * time.Second, RenewDeadline: 40 * time.Second, RetryPeriod: 15 * time.Second}}
	s.KubernetesAPIQPS, s.KubernetesAPIBurst = 20, 50
	s.ClusterIssuerAmbientCredentials = true
	s.CopiedAnnotationPrefixes = []string{"*", "-kubectl.kubernetes.io/", "-fluxcd.io/", "-argocd.argoproj.io/"}
	logging := logs.NewLoggingConfiguration()
	set := newFlags("controller", logging)
	set.StringVar(&s.Kubeconfig, "kubeconfig", "", "")
	set.StringVar(&s.Namespace, "namespace", "", "")
	set.StringVar(&s.ClusterResourceNamespace, "cluster-resource-namespace", "kube-system", "")
	leaderFlags(set, &s.leader)
	set.StringSliceVar(&s.names, "controllers", []string{"*"}, "")
	set.BoolVar(&s.EnableOwnerRef, "enable-certificate-owner-ref", false, "")
	set.DurationVar(&s.CertificateRequestMinimumBackoffDuration, "certificate-request-minimum-backoff-duration", time.Hour, "")
	set.DurationVar(&s.CertificateRequestMaximumBackoffDuration, "certificate-request-maximum-backoff-duration", 32*time.Hour, "")
	set.StringVar(&s.metricsAddress, "metrics-listen-address", "0.0.0.0:9402", "")
	set.StringVar(&s.healthAddress, "healthz-listen-address", "0.0.0.0:9403", "")
	gates := set.String("feature-gates", "", "")
	// What the chart can pass and only matters to the controllers that do not run here.
	for _, name := range []string{"acme-http01-solver-image", "acme-http01-solver-runtime-class-name",
		"acme-http01-solver-extra-labels", "max-concurrent-challenges", "default-issuer-name", "default-issuer-kind",
		"default-issuer-group", "dns01-recursive-nameservers", "dns01-recursive-nameservers-only"} {
		set.StringSlice(name, nil, "")
	}
	if err := set.Parse(arguments); err != nil {
		return nil, err
	}
	if err := utilfeature.DefaultMutableFeatureGate.Set(*gates); err != nil {
		return nil, err
	}
	return s, logf.ValidateAndApply(logging)
}

// enabled are the controllers that names ("*", "-name", "name") leave; a list of exclusions alone starts with all.
func enabled(names []string) []string {
	var result []string
	if !slices.ContainsFunc(names, func(each string) bool { return !strings.HasPrefix(each, "-") }) {
		result = slices.Clone(controllers)
	}
	for _, name := range names {
		if excluded, found := strings.CutPrefix(name, "-"); found {
			result = slices.DeleteFunc(result, func(each string) bool { return each == excluded })
		} else if name == "*" {
			result = append(result, controllers...)
		} else {
			result = append(result, name)
		}
	}
	return result
}

func controllerComponent(ctx context.Context, arguments []string) error {
	settings, err := readControllerSettings(arguments)
	if err != nil {
		return err
	}
	factory, err := controller.NewContextFactory(ctx, settings.ContextOptions)
	if err != nil {
		return err
	}
	base, err := factory.Build()
	if err != nil {
		return err
	}
	health := healthz.NewServer(20 * time.Second)
	group, ctx := errgroup.WithContext(ctx)
	if err := serve(ctx, group, settings.healthAddress, health.Start); err != nil {
		return err
	}
	if settings.metricsAddress != "0" {
		err := serve(ctx, group, settings.metricsAddress, func(ctx context.Context, l net.Listener) error {
			server := base.Metrics.NewServer(l)
			go func() { <-ctx.Done(); _ = server.Close() }()
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	run := func(ctx context.Context) error { return control(ctx, factory, base, enabled(settings.names)) }
	group.Go(func() error {
		if settings.leader.Enabled {
			return lead(ctx, settings.leader, base, health, run)
		}
		return run(ctx)
	})
	return group.Wait()
}

func serve(ctx context.Context, group *errgroup.Group, address string, run func(context.Context, net.Listener) error) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	group.Go(func() error { return run(ctx, listener) })
	return nil
}

// control runs the controllers until the context ends.
func control(ctx context.Context, factory *controller.ContextFactory, base *controller.Context, names []string) error {
	log := logf.FromContext(ctx)
	group, ctx := errgroup.WithContext(ctx)
	for name, construct := range controller.Known() {
		if !slices.Contains(names, name) {
			log.V(logf.InfoLevel).Info("not starting controller as it's disabled", "controller", name)
			continue
		}
		built, err := construct(factory)
		if err != nil {
			return fmt.Errorf("controller %s: %w", name, err)
		}
		group.Go(func() error { return built.Run(5, ctx) })
	}
	base.SharedInformerFactory.Start(ctx.Done())
	base.KubeSharedInformerFactory.Start(ctx.Done())
	base.HTTP01ResourceMetadataInformersFactory.Start(ctx.Done())
	log.V(logf.InfoLevel).Info("controllers started", "controllers", names)
	return group.Wait()
}

// lead runs the function while this process holds the lease; another ends when it is lost.
func lead(ctx context.Context, s shared.LeaderElectionConfig, base *controller.Context, health *healthz.Server,
	run func(context.Context) error) error {
	client, err := kubernetes.NewForConfig(base.RESTConfig)
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	lock, err := resourcelock.New(resourcelock.LeasesResourceLock, s.Namespace, lockName,
		client.CoreV1(), client.CoordinationV1(), resourcelock.ResourceLockConfig{
			Identity: host + "-external-cert-manager-controller", EventRecorder: base.Recorder})
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock:            lock,
		Name:            lockName,
		LeaseDuration:   s.LeaseDuration,
		RenewDeadline:   s.RenewDeadline,
		RetryPeriod:     s.RetryPeriod,
		ReleaseOnCancel: true,
		WatchDog:        health.LeaderHealthzAdaptor,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) { ended <- run(ctx) },
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return err
	}
	go func() { elector.Run(ctx); ended <- errors.New("the lease is lost or was never held") }()
	return <-ended
}
