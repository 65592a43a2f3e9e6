# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edge Microgateway before a Service, whole: the real engine in pods, asked through its Service. Edge is a double.

Every answer of the engine is asserted in tests/testbed/edge; here, that pods, Service and policies let it give them.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from testbed.commands.common import control
from tests.acceptance.cloud import Cloud, until
from tests.acceptance.microgateway_site import HOST, NAMESPACE, OAUTH, STRANGER, TEARDOWN, Gateway, calling, ready
from tests.acceptance.test_secrets import leaks, watched

#: One call in a minute of each pod; of more pods; behind an Ingress that admits a range. The call at the end of a run
#: shall not be that one.
CHANGED = {
    "microgateway_ingress": {"hosts": [HOST], "http": "plain", "allowed_source_ranges": ["192.0.2.0/26"]},
    "edge_microgateway_plugins": [OAUTH, {"name": "spikearrest", "settings": {"timeUnit": "minute", "allow": 1}}],
    "edge_microgateway_replicas": 3,
    "edge_microgateway_max_replicas": 4,
    "edge_microgateway_verify": {"path": "/healthcheck", "status": [200]},
}


@pytest.fixture(scope="module")
def gateway(microgateway_cloud: Cloud) -> Gateway:
    made = Gateway(microgateway_cloud)
    made.configure()
    secret = re.compile(re.escape(made.password))
    with watched(made.cloud.home, secret):
        made.first = made.play("-vvv", "--diff")
    assert leaks(made.cloud, made.first, secret) == []
    return made


def test_what_callers_get_through_the_service(gateway: Gateway) -> None:
    address, down = gateway.address, {"x-api-key": gateway.app("down")["consumerKey"]}
    good = {"x-api-key": gateway.app()["consumerKey"]}
    expected = [*gateway.answers(), ("/elsewhere", good, 404), ("/down", down, 502)]
    assert gateway.asked(address, expected) == expected
    assert json.loads(gateway.call(address, "/orders/42", good)[1])["pod"].startswith("orders-")


def test_a_quota_is_counted_for_both_pods_together(gateway: Gateway) -> None:
    address, key = gateway.address, {"x-api-key": gateway.app("few")["consumerKey"]}
    assert sorted(gateway.call(address, "/orders/1", key)[0] for _each in range(6)) == [200, 200, 403, 403, 403, 403]


def test_nobody_gets_around_the_gateway(gateway: Gateway) -> None:
    """From a pod: to the application it hides, which the gateway reaches, and to the gateway itself. 28: timed out."""
    pods = json.loads(gateway.cloud.kubectl("-n", "shop", "get", "pods", "-o", "json"))["items"]
    addresses = [pod["status"]["podIP"] for pod in pods]
    assert len(addresses) > 1
    # One may be the caller itself, whom no policy stops.
    assert [gateway.curl(f"http://{one}:8080/orders/1") for one in addresses].count("28") >= len(addresses) - 1
    assert gateway.curl(f"http://{gateway.address}:8000/orders/1") == "28"


def test_what_callers_get_through_the_ingress(gateway: Gateway) -> None:
    good = {"x-api-key": gateway.app()["consumerKey"]}
    expected: list[tuple[str, dict[str, str], int]] = [
        ("/orders/42", good, 200),
        ("/orders/42", {}, 401),
        ("/orders/42", {"x-api-key": "nobodys"}, 403),
        ("/orders/../admin", good, 400),
        ("/orders/%2e%2e/admin", good, 400),
        ("/orders/..%2fadmin", good, 400),
        ("/elsewhere", good, 404),
    ]
    found = [(path, headers, gateway.outside(path, headers)[0]) for path, headers, _status in expected]
    assert found == expected
    assert json.loads(gateway.outside("/orders/42", good)[1])["pod"].startswith("orders-")
    for host in ("other.example", ""):
        status, body = gateway.outside("/orders/42", good, host=host)
        assert status in (502, 503) and "orders-" not in body
    # Nobody is kept out by address unless ranges are declared.
    assert gateway.at_google("securityPolicies") == []


def test_secrets_are_in_no_log_and_no_argument_of_a_pod(gateway: Gateway) -> None:
    key = gateway.app()["consumerKey"]
    gateway.call(gateway.address, "/elsewhere", {"x-api-key": key})
    shown = gateway.cloud.kubectl("-n", NAMESPACE, "logs", "-l", f"app={NAMESPACE}", "--tail=-1")
    assert "listening" in shown
    assert key not in shown and gateway.password not in shown
    found = gateway.cloud.kubectl("-n", NAMESPACE, "get", "deployments,configmaps,pods", "-o", "json")
    assert not [one for one in gateway.pairs() if one in found]
    # What the first run made: known only now.
    assert leaks(gateway.cloud, gateway.first, gateway.secrets()) == []


def test_without_edge_those_whom_it_knows_are_served(gateway: Gateway) -> None:
    """A pod that comes up meanwhile never listens, and serves once Edge answers again."""
    known, other = ({"x-api-key": gateway.app(name)["consumerKey"]} for name in ("shop", "late"))
    pods = gateway.pods()
    addresses = [pod["status"]["podIP"] for pod in pods]
    assert [gateway.call(one, "/orders/42", known)[0] for one in addresses] == [200, 200]
    token = {"Authorization": f"Bearer {gateway.signed()}"}
    control(gateway.state, "DELETE", "/edge")
    try:
        for headers, expected in ((known, 200), (token, 200), (other, 504)):
            assert [gateway.call(one, "/orders/42", headers)[0] for one in addresses] == [expected] * 2
        gateway.cloud.kubectl("-n", NAMESPACE, "delete", "pod", pods[0]["metadata"]["name"])
        names = {pod["metadata"]["name"] for pod in pods}

        def restarted() -> list[dict[str, Any]]:
            new = [pod for pod in gateway.pods() if pod["metadata"]["name"] not in names]
            return [pod for pod in new if any(
                one["restartCount"] for one in pod["status"].get("containerStatuses", []))]

        (new,) = until(restarted, seconds=180, what="a new pod ends and is started again")
        assert not ready(new)
        assert gateway.call(gateway.address, "/orders/42", known)[0] == 200
    finally:
        control(gateway.state, "PUT", "/edge")
    assert gateway.call(addresses[1], "/orders/42", other)[0] == 200
    until(lambda: [ready(pod) for pod in gateway.pods()] == [True] * 2, seconds=180, what="two pods are ready")


def test_key_and_secret_are_replaced_and_no_call_is_lost(gateway: Gateway) -> None:
    address, good, before = gateway.address, {"x-api-key": gateway.app()["consumerKey"]}, gateway.pairs()
    home, secrets = gateway.cloud.home, gateway.secrets()
    with calling(lambda: gateway.call(address, "/orders/42", good)[0]) as answers, watched(home, secrets):
        run = gateway.play("-vvv", "--diff", edge_microgateway_rotate=True)
    assert run.changed and len(answers) > 20
    assert set(answers) == {200}
    after = gateway.pairs()
    assert len(after) == 2 and not after & before
    assert leaks(gateway.cloud, run, gateway.secrets()) == []


def test_other_plugins_and_more_pods(gateway: Gateway) -> None:
    """Changed plugins roll the pods. That there are enough of them is the autoscaler's work from then on."""
    run = gateway.play(**CHANGED)
    assert ("compute_security_policy", NAMESPACE, "created") in run.actions
    gateway.cloud.kubectl("-n", NAMESPACE, "scale", f"deployment/{NAMESPACE}", "--replicas=1")
    pods = until(lambda: len(found := gateway.pods()) == 3 and all(map(ready, found)) and found, seconds=180,
                 what="three pods are ready")  # fmt: skip
    good = {"x-api-key": gateway.app()["consumerKey"]}
    # It spaces calls: one in a minute, and no second one whatever came before.
    assert [gateway.call(pods[0]["status"]["podIP"], "/orders/42", good)[0] for _each in range(3)] == [200, 503, 503]


def test_ranges_keep_everybody_else_out_of_the_ingress(gateway: Gateway) -> None:
    """After what the test before has declared."""
    policies = [one.get("securityPolicy", "").rpartition("/")[2] for one in gateway.at_google("backendServices")]
    assert policies == [NAMESPACE] * 2
    until(lambda: gateway.outside("/orders/42", source=STRANGER)[0] == 403, seconds=180, what="the closed way")
    good = {"x-api-key": gateway.app()["consumerKey"]}
    for path, host in (("/orders/42", HOST), ("/healthcheck", HOST), ("/orders/42", "other.example")):
        assert gateway.outside(path, good, host, STRANGER)[0] == 403
    # Pods were just replaced, and the load balancer may still call one that is gone.
    until(lambda: gateway.outside("/orders/42")[0] == 401, seconds=180, what="those of the range are asked for a key")


def test_a_second_run_changes_nothing_and_a_teardown_leaves_nothing(gateway: Gateway) -> None:
    assert gateway.play(**gateway.last).changed == 0
    gateway.play(playbook=TEARDOWN)
    assert [gateway.manage(f"/{kind}") for kind in ("apis", "apiproducts", "developers")] == [[], [], []]
    kinds = "horizontalpodautoscalers,deployments,services,secrets,configmaps,networkpolicies,poddisruptionbudgets"
    left = gateway.cloud.kubectl("get", kinds, "-A", "-l", "edge-microgateway.gatewayops.io/name", "-o", "name")
    assert left == ""
    kinds = "ingresses,services,backendconfigs,frontendconfigs,networkpolicies"
    assert gateway.cloud.kubectl("-n", NAMESPACE, "get", kinds, "-o", "name") == ""
    assert [gateway.at_google(kind) for kind in ("addresses", "securityPolicies", "backendServices")] == [[], [], []]
    rest = ("urlMaps", "forwardingRules", "healthChecks")
    until(lambda: not any(map(gateway.at_google, rest)), seconds=180, what="nothing of the load balancer is left")
