# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The components of a node: their command lines, and when each may start."""
from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .configuration import KUBELET_ROOT
from .spec import API_PORT, NodeSpec

#: Started at once, one after the other without waiting.
AT_ONCE = "at once"
#: Started when the API server answers /livez: earlier they only retry, with growing pauses, or give up.
WITH_API_SERVER = "with the API server"


@dataclass(frozen=True)
class Component:
    """name: also of the executable and the log. moment: :data:`AT_ONCE` or :data:`WITH_API_SERVER`.

    program: what is run instead of the executable of that name.
    """

    name: str
    moment: str
    flags: tuple[str, ...]
    program: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """Folders of a node's state on disk."""

    state: Path

    @property
    def certificates(self) -> Path:
        return self.state / "certificates"

    @property
    def configuration(self) -> Path:
        return self.state / "configuration"

    @property
    def cni(self) -> Path:
        return self.state / "configuration" / "cni"

    @property
    def etcd(self) -> Path:
        return self.state / "etcd"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def disposable(self) -> Path:
        """What a node loses at each start: containers, snapshots, volumes of pods."""
        return self.state / "disposable"

    @property
    def spec_file(self) -> Path:
        return self.state / "spec.json"

    @property
    def process_file(self) -> Path:
        return self.state / "process.json"

    @property
    def status_file(self) -> Path:
        return self.state / "status.json"

    @property
    def admin_kubeconfig(self) -> Path:
        return self.state / "admin.kubeconfig"

    @property
    def node_kubeconfig(self) -> Path:
        return self.state / "node.kubeconfig"


def _flags(values: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(f"--{name}={str(value).lower() if isinstance(value, bool) else value}"
                 for name, value in values.items())


def etcd(layout: Layout) -> Component:
    return Component("etcd", AT_ONCE, _flags({
        "name": "node", "data-dir": layout.etcd,
        "listen-client-urls": "http://127.0.0.1:2379", "advertise-client-urls": "http://127.0.0.1:2379",
        "listen-peer-urls": "http://127.0.0.1:2380", "initial-advertise-peer-urls": "http://127.0.0.1:2380",
        "initial-cluster": "node=http://127.0.0.1:2380", "initial-cluster-state": "new",
        # A testbed may lose its last second when the machine loses power; syncing costs seconds at each start.
        "unsafe-no-fsync": True, "log-level": "warn",
    }))


def kube_apiserver(spec: NodeSpec, layout: Layout) -> Component:
    pem = layout.certificates
    values: dict[str, object] = {
        "etcd-servers": "http://127.0.0.1:2379",
        "bind-address": "0.0.0.0", "secure-port": API_PORT, "advertise-address": spec.node_ip,
        "tls-cert-file": pem / "apiserver.crt", "tls-private-key-file": pem / "apiserver.key",
        "client-ca-file": pem / "ca.crt",
        "kubelet-client-certificate": pem / "apiserver-kubelet.crt",
        "kubelet-client-key": pem / "apiserver-kubelet.key",
        "kubelet-certificate-authority": pem / "ca.crt", "kubelet-preferred-address-types": "InternalIP",
        "requestheader-client-ca-file": pem / "front-proxy-ca.crt",
        "requestheader-allowed-names": "front-proxy-client",
        "requestheader-username-headers": "X-Remote-User", "requestheader-group-headers": "X-Remote-Group",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "proxy-client-cert-file": pem / "front-proxy.crt", "proxy-client-key-file": pem / "front-proxy.key",
        "service-account-issuer": f"https://kubernetes.default.svc.{spec.cluster_domain}",
        "service-account-key-file": pem / "service-account.pub",
        "service-account-signing-key-file": pem / "service-account.key",
        "service-cluster-ip-range": spec.service_range,
        "authorization-mode": "Node,RBAC", "enable-admission-plugins": "NodeRestriction",
        "allow-privileged": True, "profiling": False,
    }
    if spec.token_review_url:
        values["authentication-token-webhook-config-file"] = layout.configuration / "token-review.json"
        values["authentication-token-webhook-version"] = "v1"
        # Short, so that a token that is withdrawn stops working while somebody watches.
        values["authentication-token-webhook-cache-ttl"] = "5s"
    return Component("kube-apiserver", AT_ONCE, _flags(values))


def kube_controller_manager(spec: NodeSpec, layout: Layout) -> Component:
    pem, configuration = layout.certificates, layout.configuration / "kube-controller-manager.kubeconfig"
    return Component("kube-controller-manager", WITH_API_SERVER, _flags({
        "kubeconfig": configuration, "authentication-kubeconfig": configuration,
        "authorization-kubeconfig": configuration, "bind-address": "127.0.0.1",
        "root-ca-file": pem / "ca.crt", "service-account-private-key-file": pem / "service-account.key",
        "cluster-signing-cert-file": pem / "ca.crt", "cluster-signing-key-file": pem / "ca.key",
        "use-service-account-credentials": True, "leader-elect": False,
        "service-cluster-ip-range": spec.service_range, "cluster-cidr": spec.pod_range,
        "allocate-node-cidrs": False, "kube-api-qps": 200, "kube-api-burst": 400, "profiling": False,
    }))


def kube_scheduler(layout: Layout) -> Component:
    configuration = layout.configuration / "kube-scheduler.kubeconfig"
    return Component("kube-scheduler", WITH_API_SERVER, _flags({
        "kubeconfig": configuration, "authentication-kubeconfig": configuration,
        "authorization-kubeconfig": configuration, "bind-address": "127.0.0.1",
        "leader-elect": False, "kube-api-qps": 200, "kube-api-burst": 400, "profiling": False,
    }))


def kubelet(spec: NodeSpec, layout: Layout) -> Component:
    values: dict[str, object] = {
        "config": layout.configuration / "kubelet.json",
        "kubeconfig": layout.configuration / "kubelet.kubeconfig",
        "root-dir": KUBELET_ROOT, "hostname-override": spec.name, "node-ip": spec.node_ip,
    }
    if spec.labels:
        values["node-labels"] = ",".join(f"{key}={value}" for key, value in sorted(spec.labels.items()))
    return Component("kubelet", WITH_API_SERVER, _flags(values))


def kube_proxy(layout: Layout) -> Component:
    return Component("kube-proxy", WITH_API_SERVER, _flags({"config": layout.configuration / "kube-proxy.json"}))


def containerd(layout: Layout) -> Component:
    return Component("containerd", AT_ONCE, _flags({"config": layout.configuration / "containerd.toml",
                                                    "log-level": "warn"}))


def coredns(layout: Layout) -> Component:
    return Component("coredns", WITH_API_SERVER, ("-conf", str(layout.configuration / "Corefile")))


def network_policy(layout: Layout) -> Component:
    return Component("network-policy", WITH_API_SERVER, (str(layout.state),),
                     (sys.executable, "-m", "testbed.kubernetes.network_policy"))


def components(spec: NodeSpec, layout: Layout) -> list[Component]:
    """Every component of the node, in the order in which they are started."""
    chosen = [etcd(layout), kube_apiserver(spec, layout), containerd(layout), kubelet(spec, layout),
              kube_controller_manager(spec, layout), kube_scheduler(layout), kube_proxy(layout)]
    if spec.cluster_dns == "local":
        chosen.append(coredns(layout))
    if spec.network_policy != "none":
        chosen.append(network_policy(layout))
    return chosen
