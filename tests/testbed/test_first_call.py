# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""From nothing to a request answered by a pod, with raw API calls only; then one link at a time is taken away.

The tests of this file run in order on one testbed of their own. Needs root.
"""
from __future__ import annotations

import ipaddress
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from testbed import leftovers, processes
from testbed.kubernetes import cgroups
from testbed.state import PROJECT, PROJECT_NUMBER, State

from .first_call import APPLICATION, bundle

pytestmark = pytest.mark.testbed

REGION, NETWORK, ORG = "europe-west1", "shop-vpc", PROJECT
LOCATION = f"projects/{PROJECT}/locations/{REGION}"
SUFFIX = "gke.acme.internal"
URL = "https://api.acme.example/orders/42"
SERVICES = ("apigee", "compute", "container", "dns", "servicenetworking")
RULE = {"name": "apigee-to-pods", "network": f"global/networks/{NETWORK}", "direction": "INGRESS",
        "allowed": [{"IPProtocol": "tcp", "ports": ["8080"]}], "sourceRanges": ["10.30.0.0/20"]}


class Refused(Exception):
    """An answer of 400 or more."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status} {text}")
        self.status = status


class Testbed:
    """The command line and the emulated APIs of one testbed."""

    __test__ = False

    def __init__(self, home: Path) -> None:
        self.environment = {**os.environ, "TESTBED_HOME": str(home)}
        self.state = State(home, Path())
        self.token = ""

    def run(self, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run([sys.executable, "-m", "testbed.cli", *argv], env=self.environment, capture_output=True,
                              text=True, check=False)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def up(self) -> None:
        self.run("up")
        self.variables = json.loads(self.run("env", "--format", "json").stdout)
        self.token = self.variables["CLOUDSDK_AUTH_ACCESS_TOKEN"]

    def tool(self, *argv: str, given: str | None = None) -> str:
        """Run kubectl or gcloud as a user of ``testbed env`` would."""
        variables = {**os.environ, **self.variables}
        # Found by the same path that the shell would use.
        argv = (shutil.which(argv[0], path=variables["PATH"]) or argv[0], *argv[1:])
        done = subprocess.run(argv, env=variables, capture_output=True, text=True, input=given, check=False)
        assert done.returncode == 0, f"{' '.join(argv)}: {done.stderr}"
        return done.stdout

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """Call ``<service>/<path>`` of the emulator. Raises Refused."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        request = urllib.request.Request(f"{self.state.emulator_url}/{path}", data=data, method=method, headers={
            "Authorization": f"Bearer {self.token}", "Content-Type": kind})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            raise Refused(error.code, error.read().decode()) from error

    def done(self, service: str, operation: dict[str, Any], timeout: float = 60) -> None:
        """Wait for an operation of any of the families."""
        path = {"container": f"container/v1/{LOCATION}/operations/{operation['name']}",
                "compute": operation.get("selfLink", "").rpartition("/compute/v1/")[2]}.get(
                    service, f"{service}/v1/{operation['name']}")
        if service == "compute":
            path = f"compute/compute/v1/{path}"
        deadline = time.monotonic() + timeout
        while not (operation.get("done") or operation.get("status") == "DONE"):
            assert time.monotonic() < deadline, f"still running: {operation}"
            time.sleep(0.05)
            operation = self.api("GET", path)
        assert not operation.get("error"), operation

    def make(self, path: str, body: Any) -> None:
        """POST and wait."""
        self.done(path.split("/")[0], self.api("POST", path, body))

    def call(self) -> dict[str, Any]:
        """``testbed call --json``, over a new connection and with a fresh look at DNS."""
        return json.loads(self.run("call", "--json", "--fresh", URL, check=False).stdout)

    def fault(self) -> tuple[str, str]:
        """Errorcode and reason of a call that must fail."""
        facts = self.call()
        assert facts["status"] >= 400, facts
        detail = json.loads(facts["body"])["fault"]["detail"]
        return detail["errorcode"].rpartition(".")[2], detail.get("reason", "")


@pytest.fixture(scope="module")
def testbed(tmp_path_factory: pytest.TempPathFactory):
    made = Testbed(tmp_path_factory.mktemp("first") / "home")
    try:
        yield made
    finally:
        made.run("down", check=False)


def test_up_says_where_everything_is(testbed: Testbed):
    testbed.up()
    shown = testbed.run("status").stdout
    assert testbed.state.emulator_url in shown
    assert testbed.state.northbound_address in shown
    assert json.loads(testbed.state.connection_file.read_text())["project"] == PROJECT


def test_a_pod_answers(testbed: Testbed):
    testbed.make(f"serviceusage/v1/projects/{PROJECT_NUMBER}/services:batchEnable",
                 {"serviceIds": [f"{name}.googleapis.com" for name in SERVICES]})
    compute = f"compute/compute/v1/projects/{PROJECT}"
    testbed.make(f"{compute}/global/networks", {"name": NETWORK, "autoCreateSubnetworks": False})
    testbed.make(f"{compute}/regions/{REGION}/subnetworks", {
        "name": "shop", "network": f"projects/{PROJECT}/global/networks/{NETWORK}", "ipCidrRange": "10.10.0.0/24",
        "secondaryIpRanges": [{"rangeName": "pods", "ipCidrRange": "10.20.0.0/16"},
                              {"rangeName": "services", "ipCidrRange": "10.40.0.0/20"}]})
    began = time.monotonic()
    cluster = testbed.api("POST", f"container/v1/{LOCATION}/clusters", {"cluster": {
        "name": "shop", "network": NETWORK, "subnetwork": "shop",
        "ipAllocationPolicy": {"useIpAliases": True, "clusterSecondaryRangeName": "pods",
                               "servicesSecondaryRangeName": "services"},
        "nodePools": [{"name": "default-pool", "initialNodeCount": 1,
                       "config": {"imageType": "COS_CONTAINERD", "machineType": "e2-standard-2"}}],
        "networkConfig": {"dnsConfig": {"clusterDns": "CLOUD_DNS", "clusterDnsScope": "VPC_SCOPE",
                                        "clusterDnsDomain": SUFFIX}}}})
    with ThreadPoolExecutor() as pool:
        beside = [pool.submit(_cluster, testbed, cluster, began), pool.submit(_gateway, testbed, compute)]
        for each in beside:
            each.result()
    testbed.make(f"servicenetworking/v1/services/servicenetworking.googleapis.com/projects/{PROJECT_NUMBER}/global/"
                 f"networks/{NETWORK}/peeredDnsDomains", {"name": "shop", "dnsSuffix": f"{SUFFIX}."})
    testbed.make(f"{compute}/global/firewalls", RULE)
    facts = testbed.call()
    assert facts["status"] == 200, facts
    said = json.loads(facts["body"])
    assert said["pod"].startswith("orders-")
    assert ipaddress.ip_address(said["pod_address"]) in ipaddress.ip_network("10.20.0.0/16")
    instance = testbed.api("GET", f"apigee/v1/organizations/{ORG}/instances/euw1")
    assert ipaddress.ip_address(said["peer"]) in ipaddress.ip_network(instance["ipRange"].split(",")[0])
    target = next(hop for hop in facts["trace"]["hops"] if hop["kind"] == "target")
    assert target["name"] == f"orders.shop.svc.{SUFFIX}"
    assert said["pod_address"] in target["resolution"]["addresses"]
    assert target["resolution"]["ttl"] == 10


def _cluster(testbed: Testbed, operation: dict[str, Any], began: float) -> None:
    testbed.done("container", operation)
    # The bound, on an idle machine of two cores; here other work goes on at the same time.
    assert time.monotonic() - began < 30
    testbed.tool("kubectl", "apply", "-f", "-", given=APPLICATION)
    testbed.tool("kubectl", "rollout", "status", "deployment/orders", "-n", "shop", "--timeout=60s")


def _gateway(testbed: Testbed, compute: str) -> None:
    testbed.make(f"{compute}/global/addresses", {
        "name": "apigee-range", "purpose": "VPC_PEERING", "addressType": "INTERNAL", "address": "10.30.0.0",
        "prefixLength": 20, "network": f"projects/{PROJECT}/global/networks/{NETWORK}"})
    testbed.make("servicenetworking/v1/services/servicenetworking.googleapis.com/connections", {
        "network": f"projects/{PROJECT_NUMBER}/global/networks/{NETWORK}", "reservedPeeringRanges": ["apigee-range"]})
    org = f"apigee/v1/organizations/{ORG}"
    testbed.make(f"apigee/v1/organizations?parent=projects/{PROJECT}", {
        "runtimeType": "CLOUD", "analyticsRegion": REGION, "authorizedNetwork": NETWORK})
    testbed.make(f"{org}/environments", {"name": "prod"})
    testbed.make(f"{org}/instances", {"name": "euw1", "location": REGION})
    testbed.make(f"{org}/instances/euw1/attachments", {"environment": "prod"})
    testbed.make(f"{org}/envgroups", {"name": "shop", "hostnames": ["api.acme.example"]})
    testbed.make(f"{org}/envgroups/shop/attachments", {"environment": "prod"})
    testbed.api("POST", f"{org}/apis?name=orders&action=import",
                bundle("/orders", f"http://orders.shop.svc.{SUFFIX}:8080"))
    deployed = f"{org}/environments/prod/apis/orders/revisions/1/deployments"
    testbed.api("POST", deployed)
    deadline = time.monotonic() + 30
    while (state := testbed.api("GET", deployed))["state"] != "READY":
        assert time.monotonic() < deadline, state
        time.sleep(0.05)


def test_the_hops_are_shown_to_people(testbed: Testbed):
    shown = testbed.run("call", "--fresh", URL).stdout
    for part in ("environment prod, proxy orders revision 1", f"orders.shop.svc.{SUFFIX}", "pod orders-", "200 in"):
        assert part in shown
    shown = testbed.run("status").stdout
    for part in ("shop in europe-west1", "euw1 of acme-shop", "orders revision 1 in prod"):
        assert part in shown


def test_requests_are_counted(testbed: Testbed):
    testbed.run("requests", "--clear")
    testbed.api("GET", f"container/v1/{LOCATION}/clusters")
    facts = json.loads(testbed.run("requests", "--json").stdout)
    assert (facts["counters"]["reads"], facts["counters"]["mutating"]) == (1, 0)
    assert "1 reads, 0 writes" in testbed.run("requests").stdout


@pytest.mark.skipif(shutil.which("gcloud") is None, reason="gcloud is in no registry")
def test_gcloud_sees_it(testbed: Testbed):
    for expected, *words in (
        ("shop", "container", "clusters", "list", "--format=value(name)"),
        (NETWORK, "compute", "networks", "list", "--format=value(name)"),
        (f"{SUFFIX}.", "services", "peered-dns-domains", "list", f"--network={NETWORK}"),
        ("orders", "apigee", "deployments", "list", f"--organization={ORG}", "--format=value(apiProxy)"),
    ):
        assert expected in testbed.tool("gcloud", *words)


def test_kubernetes_knows_google_identities(testbed: Testbed):
    assert "deployer@acme-shop" in testbed.tool("kubectl", "auth", "whoami")
    assert testbed.tool("kubectl", "auth", "can-i", "*", "*").strip() == "yes"


def test_an_image_that_no_package_made_fails_at_once_and_says_why(testbed: Testbed):
    testbed.tool("kubectl", "run", "stranger", "--image=images.example/stranger:1", "--restart=Never")
    events = ("kubectl", "get", "events", "--field-selector=involvedObject.name=stranger,reason=Failed", "-o", "json")
    assert _eventually(lambda: "lookup images.example on 169.254.169.254:53: no such host" in testbed.tool(*events), 10)
    testbed.tool("kubectl", "delete", "pod", "stranger", "--now")


def test_without_the_firewall_rule_connections_time_out(testbed: Testbed):
    rule = f"compute/compute/v1/projects/{PROJECT}/global/firewalls"
    testbed.done("compute", testbed.api("DELETE", f"{rule}/{RULE['name']}"))
    assert testbed.fault() == ("ServiceUnavailable", "TARGET_CONNECT_TIMEOUT")
    testbed.make(rule, RULE)
    assert testbed.call()["status"] == 200


def test_without_the_peered_domain_the_name_does_not_resolve(testbed: Testbed):
    domains = (f"servicenetworking/v1/services/servicenetworking.googleapis.com/projects/{PROJECT_NUMBER}/global/"
               f"networks/{NETWORK}/peeredDnsDomains")
    testbed.done("servicenetworking", testbed.api("DELETE", f"{domains}/shop"))
    assert testbed.fault() == ("NoResolvedHost", "TARGET_CONNECT_HOST_NOT_REACHABLE")
    testbed.make(domains, {"name": "shop", "dnsSuffix": f"{SUFFIX}."})
    assert testbed.call()["status"] == 200


def test_without_the_headless_service_the_name_does_not_resolve(testbed: Testbed):
    testbed.tool("kubectl", "delete", "service", "orders", "-n", "shop")
    assert testbed.fault()[0] == "NoResolvedHost"
    testbed.tool("kubectl", "apply", "-f", "-", given=APPLICATION)
    assert _eventually(lambda: testbed.call()["status"] == 200)


@pytest.mark.parametrize("replicas", [1, 3, 2])
def test_new_connections_reach_exactly_the_ready_pods(testbed: Testbed, replicas: int):
    testbed.tool("kubectl", "scale", "deployment/orders", "-n", "shop", f"--replicas={replicas}")
    testbed.tool("kubectl", "rollout", "status", "deployment/orders", "-n", "shop", "--timeout=60s")
    seen: dict[str, set[str]] = {}

    def agree() -> bool:
        pods = json.loads(testbed.tool("kubectl", "get", "pods", "-n", "shop", "-o", "json"))["items"]
        seen["ready"] = {pod["status"]["podIP"] for pod in pods if not pod["metadata"].get("deletionTimestamp")}
        target = next(hop for hop in testbed.call()["trace"]["hops"] if hop["kind"] == "target")
        seen["resolved"] = set(target["resolution"]["addresses"])
        return seen["ready"] == seen["resolved"]

    assert _eventually(agree), seen
    assert len(seen["ready"]) == replicas


def test_it_goes_on_after_the_daemon_was_killed(testbed: Testbed):
    daemon = leftovers.daemon(testbed.state)
    assert daemon is not None
    daemon.signal(signal.SIGKILL)
    assert _eventually(lambda: not daemon.alive())
    assert testbed.run("status", check=False).returncode == 1
    testbed.up()
    testbed.tool("kubectl", "rollout", "status", "deployment/orders", "-n", "shop", "--timeout=60s")
    assert _eventually(lambda: testbed.call()["status"] == 200)


def test_reset_takes_everything_back(testbed: Testbed):
    testbed.run("reset")
    facts = json.loads(testbed.run("status", "--json").stdout)
    assert (facts["clusters"], facts["instances"], facts["deployments"]) == ([], [], [])
    assert not list(testbed.state.home.glob("clusters/*/etcd"))


def test_down_leaves_nothing(testbed: Testbed):
    state = testbed.state
    spaces = leftovers.namespaces(state)
    assert spaces
    paths = [each.path for each in spaces]
    testbed.run("down")
    assert processes.inside(paths) == []
    assert leftovers.namespaces(state) == []
    assert leftovers.mounts_below(state.home) == []
    assert not state.home.exists()
    assert [root for root in cgroups.hierarchies() if (root / state.cgroup.lstrip("/")).exists()] == []
    assert str(state.home) not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True,
                                                 check=True).stdout


def _eventually(condition: Any, timeout: float = 30) -> bool:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return False
