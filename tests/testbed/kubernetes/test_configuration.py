# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path

import pytest
import tomllib

from testbed.kubernetes import configuration
from testbed.kubernetes.components import AT_ONCE, Layout, components
from testbed.kubernetes.mounts import file_system
from testbed.kubernetes.spec import ClientFiles, NodeError, NodeSpec


def spec(**changes):
    return NodeSpec(**{"name": "node-a", "node_ip": "10.10.0.2", "pod_range": "10.20.0.0/16",
                       "service_range": "10.30.0.0/20", "cgroup": "/testbed-aaaaaa/node-0", **changes})


def flags(component_name, **changes):
    found = {each.name: each for each in components(spec(**changes), Layout(Path("/state")))}
    return dict(flag.removeprefix("--").split("=", 1) for flag in found[component_name].flags)


def test_kubelet_accepts_cgroup_v1_only_where_it_is_found():
    assert configuration.kubelet(spec(), Path("/c"), 1)["failCgroupV1"] is False
    assert "failCgroupV1" not in configuration.kubelet(spec(), Path("/c"), 2)


def test_pods_ask_the_vpc_in_vpc_scope_and_the_node_otherwise():
    vpc = configuration.kubelet(spec(cluster_dns="vpc", cluster_domain="prod.acme.internal"), Path("/c"), 1)
    assert (vpc["clusterDNS"], vpc["clusterDomain"]) == (["169.254.169.254"], "prod.acme.internal")
    local = configuration.kubelet(spec(), Path("/c"), 1)
    assert (local["clusterDNS"], local["clusterDomain"]) == (["169.254.20.10"], "cluster.local")


def test_the_node_has_its_own_resolver_only_when_the_vpc_is_not_it():
    layout = Layout(Path("/state"))
    assert "coredns" in {each.name for each in components(spec(), layout)}
    assert "coredns" not in {each.name for each in components(spec(cluster_dns="vpc"), layout)}


def test_storage_the_api_server_and_containers_start_without_waiting():
    first = [each.name for each in components(spec(), Layout(Path("/state"))) if each.moment == AT_ONCE]
    assert first == ["etcd", "kube-apiserver", "containerd"]


def test_the_api_server_reviews_tokens_only_when_somebody_answers():
    assert "authentication-token-webhook-config-file" not in flags("kube-apiserver")
    with_review = flags("kube-apiserver", token_review_url="http://127.0.0.1:9000/review")
    assert with_review["authentication-token-webhook-config-file"] == "/state/configuration/token-review.json"
    assert with_review["authorization-mode"] == "Node,RBAC"
    document = json.loads(configuration.token_review_webhook("http://127.0.0.1:9000/review"))
    assert document["clusters"][0]["cluster"]["server"] == "http://127.0.0.1:9000/review"


def test_labels_become_the_node_s():
    assert flags("kubelet", labels={"b": "2", "a/x": "1"})["node-labels"] == "a/x=1,b=2"
    assert "node-labels" not in flags("kubelet")


def test_containerd_names_the_pause_image_and_its_folders():
    document = tomllib.loads(configuration.containerd(binaries=Path("/b"), cni=Path("/c"), snapshotter="native"))
    assert document["version"] == 3
    images = document["plugins"]["io.containerd.cri.v1.images"]
    assert images == {"snapshotter": "native", "pinned_images": {"sandbox": configuration.PAUSE_IMAGE}}
    runtime = document["plugins"]["io.containerd.cri.v1.runtime"]
    assert runtime["cni"] == {"bin_dirs": ["/b"], "conf_dir": "/c"}
    assert runtime["containerd"]["runtimes"]["runc"]["options"]["SystemdCgroup"] is False


def test_pods_get_addresses_of_the_pod_range_without_translation():
    plugin = configuration.cni(spec())["plugins"][0]
    assert plugin["ipam"]["ranges"] == [[{"subnet": "10.20.0.0/16"}]] and plugin["ipMasq"] is False


def test_the_corefile_answers_for_the_cluster_and_forwards_the_rest():
    client = ClientFiles("https://127.0.0.1:6443", Path("/ca"), Path("/crt"), Path("/key"))
    text = configuration.coredns(spec(), client)
    assert "kubernetes cluster.local in-addr.arpa" in text and text.count("forward . 169.254.169.254") == 2


def test_a_spec_survives_json_and_tells_changes():
    one = spec(labels={"a": "1"}, admin_principals=("u@example.test",), api_addresses=("127.77.3.10",))
    assert NodeSpec.from_json(one.to_json()) == one
    assert spec().to_json() != one.to_json()


@pytest.mark.parametrize("changes", [
    {"cluster_dns": "cluster"}, {"cgroup": "/"}, {"cgroup": "testbed"}, {"pod_range": "10.20.0.1/16"},
    {"service_range": "nonsense"}])
def test_nonsense_is_refused(changes):
    with pytest.raises(NodeError):
        spec(**changes)


def test_addresses_follow_from_the_spec():
    assert spec().kubernetes_service_ip == "10.30.0.1"
    assert spec().admin_server == spec().node_server == "https://10.10.0.2:6443"
    assert spec(api_addresses=("127.77.3.10",)).admin_server == "https://127.77.3.10:443"


def test_the_file_system_of_a_path_is_the_innermost_mount():
    table = ("22 1 254:0 / / rw - ext4 /dev/vda rw\n"
             "30 22 0:30 / /var/lib/state rw - overlay overlay rw\n"
             "31 22 0:31 / /var/lib/stateful rw - tmpfs tmpfs rw\n")
    assert file_system(Path("/var/lib/state/x"), table) == "overlay"
    assert file_system(Path("/var/lib/other"), table) == "ext4"
