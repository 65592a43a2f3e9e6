# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration files of a node's components, as pure functions of its spec: text in, nothing else touched.

Paths below /run, /var/lib and /var/log are inside the node's own mount namespace (see mounts.py), where they are
private; so everything lies where documentation says it lies, and Unix socket paths stay short.
"""
from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from .spec import LOCAL_RESOLVER, ClientFiles, NodeSpec

CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
KUBELET_ROOT = "/var/lib/kubelet"
POD_LOGS = "/var/log/pods"
PAUSE_IMAGE = "docker.io/gatewayops/pause:1"


def importing(binaries: Path, archive: str) -> list[str]:
    """The command that gives containerd the images of an archive; inside the node's mount namespace."""
    return [str(binaries / "ctr"), "--address", CONTAINERD_SOCKET, "--namespace", "k8s.io",
            "images", "import", "--local", archive]


def kubeconfig(client: ClientFiles, *, cluster: str, user: str, token: str | None = None) -> str:
    """A kubeconfig with its certificates inside, so that the file can be copied anywhere. JSON is YAML."""

    def embedded(path: Path) -> str:
        return base64.b64encode(path.read_bytes()).decode("ascii")

    credentials = {"token": token} if token else {
        "client-certificate-data": embedded(client.certificate), "client-key-data": embedded(client.key)}
    return json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": cluster,
        "clusters": [{"name": cluster, "cluster": {
            "server": client.server, "certificate-authority-data": embedded(client.ca)}}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": user}}],
    }, indent=1)


def token_review_webhook(url: str) -> str:
    """The file for ``--authentication-token-webhook-config-file``: a kubeconfig whose server is the reviewer."""
    return json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "reviewer",
        "clusters": [{"name": "reviewer", "cluster": {"server": url}}],
        "users": [{"name": "apiserver", "user": {}}],
        "contexts": [{"name": "reviewer", "context": {"cluster": "reviewer", "user": "apiserver"}}],
    }, indent=1)


def kubelet(spec: NodeSpec, certificates: Path, cgroup_version: int) -> dict[str, Any]:
    """KubeletConfiguration (kubelet.config.k8s.io/v1beta1)."""
    configuration: dict[str, Any] = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "address": spec.node_ip, "healthzBindAddress": "127.0.0.1", "readOnlyPort": 0,
        "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True},
                           "x509": {"clientCAFile": str(certificates / "ca.crt")}},
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(certificates / "kubelet-server.crt"),
        "tlsPrivateKeyFile": str(certificates / "kubelet-server.key"),
        "clusterDNS": [spec.resolver], "clusterDomain": spec.cluster_domain,
        "resolvConf": "/run/testbed/resolv.conf",
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "cgroupDriver": "cgroupfs", "cgroupRoot": spec.cgroup, "cgroupsPerQOS": True,
        "failSwapOn": False,
        "podLogsDir": POD_LOGS, "volumePluginDir": f"{KUBELET_ROOT}/volume-plugins",
        "staticPodPath": "",
        # The disk is the developer's: neither fullness nor old images are the node's business.
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "0%", "nodefs.inodesFree": "0%",
                         "imagefs.available": "0%", "imagefs.inodesFree": "0%"},
        "imageGCHighThresholdPercent": 100, "localStorageCapacityIsolation": False,
        "makeIPTablesUtilChains": False,
        # The values are what kubelet would set; mounts.py lets it find them set, so that the host keeps its own.
        "protectKernelDefaults": True,
        "serializeImagePulls": False, "registerNode": True, "enableServer": True,
        "kubeAPIQPS": 100, "kubeAPIBurst": 200,
        "shutdownGracePeriod": "0s", "logging": {"format": "text"},
    }
    if cgroup_version == 1:
        configuration["failCgroupV1"] = False
    return configuration


def kube_proxy(spec: NodeSpec, kubeconfig_path: Path) -> dict[str, Any]:
    """KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1): nftables, and no setting that reaches the host."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration",
        "mode": "nftables", "clusterCIDR": spec.pod_range, "hostnameOverride": spec.name,
        "bindAddress": "0.0.0.0", "healthzBindAddress": "127.0.0.1:10256", "metricsBindAddress": "127.0.0.1:10249",
        "clientConnection": {"kubeconfig": str(kubeconfig_path), "qps": 100, "burst": 200},
        # A table of connections larger than asked for would be the host's.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "nftables": {"minSyncPeriod": "100ms", "syncPeriod": "30s"},
    }


def containerd(*, binaries: Path, cni: Path, snapshotter: str) -> str:
    """containerd's configuration, version 3."""
    runtime = "plugins.'io.containerd.cri.v1.runtime'"
    return f"""version = 3
root = '/var/lib/containerd'
state = '/run/containerd'
temp = ''
disabled_plugins = ['io.containerd.nri.v1.nri', 'io.containerd.tracing.processor.v1.otlp',
  'io.containerd.internal.v1.tracing']

[grpc]
address = '{CONTAINERD_SOCKET}'

[plugins.'io.containerd.cri.v1.images']
snapshotter = '{snapshotter}'
[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = '{PAUSE_IMAGE}'

[{runtime}]
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
disable_apparmor = true
tolerate_missing_hugetlb_controller = true
enable_unprivileged_ports = true
enable_unprivileged_icmp = true
[{runtime}.containerd.runtimes.runc]
runtime_type = 'io.containerd.runc.v2'
[{runtime}.containerd.runtimes.runc.options]
SystemdCgroup = false
[{runtime}.cni]
bin_dirs = ['{binaries}']
conf_dir = '{cni}'
"""


def cni(spec: NodeSpec) -> dict[str, Any]:
    """Pods by point-to-point links and routes, as GKE's VPC-native nodes have them: no bridge and no address
    translation, so that a peer sees a pod's own address and replies to Services always pass the node."""
    return {
        "cniVersion": "1.0.0", "name": "pods",
        "plugins": [
            {"type": "ptp", "mtu": 1460, "ipMasq": False,
             "ipam": {"type": "host-local", "dataDir": "/run/cni", "ranges": [[{"subnet": spec.pod_range}]],
                      "routes": [{"dst": "0.0.0.0/0"}]}},
            {"type": "portmap", "backend": "nftables", "capabilities": {"portMappings": True}},
        ],
    }


def coredns(spec: NodeSpec, client: ClientFiles) -> str:
    """Corefile of the node's own resolver (GKE's kube-dns or cluster-scoped Cloud DNS). Without a cache, so that
    pods see at once which pods are ready."""
    return f"""{spec.cluster_domain} in-addr.arpa {{
  bind {LOCAL_RESOLVER}
  errors
  kubernetes {spec.cluster_domain} in-addr.arpa {{
    endpoint {client.server}
    tls {client.certificate} {client.key} {client.ca}
    pods insecure
    fallthrough in-addr.arpa
    ttl 10
  }}
  forward . {spec.vpc_resolver}
}}
. {{
  bind {LOCAL_RESOLVER}
  errors
  forward . {spec.vpc_resolver}
}}
"""


def resolv_conf(spec: NodeSpec) -> str:
    """For pods with ``dnsPolicy: Default``: the machine's own resolver, which in a VPC is the metadata server."""
    return f"nameserver {spec.vpc_resolver}\n"
