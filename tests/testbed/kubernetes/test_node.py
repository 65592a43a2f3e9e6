# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real node, from nothing to nothing: Ready, a pod called from another namespace, tokens, resume, and no traces."""
from __future__ import annotations

import asyncio
import dataclasses
import json
import subprocess
import time
from pathlib import Path

import pytest
from aiohttp import web

from testbed.images import GO_IMAGES, RECIPES, SAMPLE_APP_IMAGE
from testbed.images.oci import write_archive
from testbed.kubernetes import cgroups, node
from testbed.kubernetes.build import ensure_module
from testbed.kubernetes.spec import NodeError, NodeSpec
from testbed.network.namespace import Namespace
from tests.testbed.kubernetes.conftest import Kubectl, spec

pytestmark = pytest.mark.testbed

APPLICATION = {
    "apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app"}, "spec": {
            "replicas": 2, "selector": {"matchLabels": {"app": "app"}}, "template": {
                "metadata": {"labels": {"app": "app"}}, "spec": {
                    "securityContext": {"runAsNonRoot": True}, "terminationGracePeriodSeconds": 1,
                    "containers": [{
                        "name": "app", "image": SAMPLE_APP_IMAGE, "ports": [{"containerPort": 8080}],
                        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1}}]}}}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "headless"},
         "spec": {"clusterIP": "None", "selector": {"app": "app"}, "ports": [{"port": 8080}]}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "balanced"},
         "spec": {"selector": {"app": "app"}, "ports": [{"port": 80, "targetPort": 8080}]}},
    ]}


def call(namespace: Namespace, address: str, path: str = "/"):
    """An HTTP answer of the application, asked for from inside the namespace."""
    sock = asyncio.run(namespace.connect(address, 8080, timeout=5))
    with sock:
        sock.settimeout(5)
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode())
        data = b"".join(iter(lambda: sock.recv(65536), b""))
    return json.loads(data.partition(b"\r\n\r\n")[2])


def traces(state: Path, cgroup: str) -> dict[str, object]:
    """Everything on the host that could be a node's: it must be as if there had never been one."""
    commands = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    return {
        "processes": [line for line in commands.splitlines() if str(state) in line],
        "mounts": [line for line in mounts.splitlines() if str(state) in line],
        "control groups": [str(root) for root in cgroups.hierarchies()
                           if (root / Path(cgroup).relative_to("/").parts[0]).exists()],
        "links": subprocess.run(["ip", "-brief", "link"], capture_output=True, text=True, check=True).stdout,
        "settings": [Path(f"/proc/sys/{name}").read_text(encoding="ascii") for name in (
            "vm/overcommit_memory", "kernel/panic", "net/ipv4/ip_forward", "net/netfilter/nf_conntrack_max")
            if Path(f"/proc/sys/{name}").exists()],
        "folders": [path for path in ("/run/containerd", "/var/lib/kubelet", "/var/lib/cni", "/var/log/containers")
                    if Path(path).exists()],
    }


def test_a_node_lives_resumes_and_leaves_nothing(place, tmp_path):
    inner, outer, cgroup = place
    state = tmp_path / "node"
    before = traces(state, cgroup)
    try:
        kubectl = Kubectl(inner, asyncio.run(node.start(spec(cgroup), inner, state)))
        kubernetes_is_as_described(kubectl)
        first = application_is_reached(kubectl, outer)
        a_running_node_is_found_again(kubectl, spec(cgroup), inner, state)
        images_may_come_later(kubectl, tmp_path)

        asyncio.run(node.stop(state, keep=True))
        assert node.status(state)["phase"] == "stopped" and not traces(state, cgroup)["processes"]
        Kubectl(inner, asyncio.run(node.start(spec(cgroup), inner, state)))
        assert application_is_reached(kubectl, outer).keys() == first.keys()
    finally:
        asyncio.run(node.stop(state))
    assert traces(state, cgroup) == before
    assert not state.exists()
    asyncio.run(node.stop(state))


def kubernetes_is_as_described(kubectl: Kubectl) -> None:
    item = kubectl.json("get", "node", "gke-demo-default-pool-0")
    assert item["status"]["nodeInfo"]["kubeletVersion"] == "v1.36.3"
    assert item["metadata"]["labels"]["cloud.google.com/gke-nodepool"] == "default-pool"
    assert {"type": "InternalIP", "address": "10.10.0.2"} in item["status"]["addresses"]
    assert kubectl("auth", "can-i", "*", "*", "--as=owner@example.test").strip() == "yes"


def application_is_reached(kubectl: Kubectl, outer: Namespace) -> dict[str, str]:
    """From another namespace by pod address, and from a pod by Service names. Returns the pods."""
    kubectl("apply", "--filename=-", input=json.dumps(APPLICATION))
    kubectl("rollout", "status", "deployment/app", "--timeout=30s")
    pods = kubectl.pods()
    for name, address in pods.items():
        answer = call(outer, address, "/hello")
        assert (answer["pod"], answer["pod_address"], answer["peer"]) == (name, address, "10.10.0.1")
    for host in ("headless:8080", "balanced", "balanced.default.svc.cluster.local"):
        answer = json.loads(kubectl("exec", "deployment/app", "--", "/sample-app", "request", "--url",
                                    f"http://{host}/", "--retries", "20", "--pause", "100ms"))
        assert json.loads(answer["body"])["pod"] in pods
    return pods


def images_may_come_later(kubectl: Kubectl, folder: Path) -> None:
    (recipe,) = [each for each in RECIPES if each.reference == SAMPLE_APP_IMAGE]
    image = dataclasses.replace(recipe.make(ensure_module(GO_IMAGES)), reference="docker.io/gatewayops/later:1")
    write_archive(folder / "later.tar", image)
    with pytest.raises(NodeError, match="nowhere.tar was not imported"):
        asyncio.run(node.add_images(kubectl.access, [folder / "nowhere.tar"]))
    asyncio.run(node.add_images(kubectl.access, [folder / "later.tar"]))
    kubectl("run", "later", f"--image={image.reference}")
    kubectl("wait", "pod/later", "--for=condition=Ready", "--timeout=30s")
    kubectl("delete", "pod", "later", "--grace-period=1")


def a_running_node_is_found_again(kubectl: Kubectl, same: NodeSpec, inner: Namespace, state: Path) -> None:
    again = asyncio.run(node.start(same, inner, state))
    assert (again.pid, again.seconds) == (kubectl.access.pid, 0.0)


async def test_google_s_tokens_are_reviewed_by_the_emulator(place, tmp_path):
    inner, _outer, cgroup = place
    state = tmp_path / "node"
    reviewed: list[str] = []

    async def review(request: web.Request) -> web.Response:
        asked = await request.json()
        reviewed.append(asked["spec"]["token"])
        known = asked["spec"]["token"] == "token-of-the-owner"
        user = {"username": "owner@example.test", "groups": ["system:authenticated"]}
        return web.json_response({"apiVersion": asked["apiVersion"], "kind": "TokenReview", "status": {
            "authenticated": known, **({"user": user} if known else {})}})

    application = web.Application()
    application.router.add_post("/review", review)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.SockSite(runner, inner.listen("127.0.0.1", 9443)).start()
    try:
        wanted = spec(cgroup, cluster_dns="vpc", cluster_domain="prod.acme.internal",
                      token_review_url="http://127.0.0.1:9443/review")
        access = await node.start(wanted, inner, state)

        def kubectl(token: str, *arguments: str) -> str:
            return inner.run([str(access.binaries / "kubectl"), "--kubeconfig=/dev/null",
                              f"--server=https://{access.node_ip}:{access.api_port}", f"--token={token}",
                              f"--certificate-authority={state}/certificates/ca.crt", *arguments])

        names = await asyncio.to_thread(kubectl, "token-of-the-owner", "get", "nodes", "--output=name")
        assert names.strip() == "node/gke-demo-default-pool-0"
        with pytest.raises(OSError, match="Unauthorized|must be logged in"):
            await asyncio.to_thread(kubectl, "token-of-a-stranger", "get", "nodes")
        assert set(reviewed) == {"token-of-the-owner", "token-of-a-stranger"}
    finally:
        await node.stop(state)
        await runner.cleanup()


def test_a_component_that_ends_fails_the_start_and_says_which(place, tmp_path):
    inner, _outer, cgroup = place
    state = tmp_path / "node"
    with inner.listen("127.0.0.1", 2379):
        began = time.monotonic()
        with pytest.raises(NodeError, match=r"etcd ended with status 1: .*2379"):
            asyncio.run(node.start(spec(cgroup), inner, state))
        assert time.monotonic() - began < 15
    assert node.status(state)["phase"] == "stopped" and (state / "logs" / "etcd.log").exists()
    asyncio.run(node.stop(state))


def test_a_namespace_without_the_node_s_address_is_refused(place, tmp_path):
    inner, _outer, cgroup = place
    with pytest.raises(NodeError, match="no interface with the node's address 10.10.0.9"):
        asyncio.run(node.start(spec(cgroup, node_ip="10.10.0.9"), inner, tmp_path / "node"))
    asyncio.run(node.stop(tmp_path / "node"))
