# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Gateways, routes and GKE's policies for them say, as GKE reads it."""
from __future__ import annotations

from typing import Any

import pytest

from testbed.http_balancing.asked import SERVE_404, AskedBalancer
from testbed.http_balancing.model import Check, Redirect
from testbed.kubernetes.ingress import gateways
from testbed.kubernetes.ingress.backends import Untranslatable
from testbed.kubernetes.ingress.gateways import Seen

CLUSTER = ("acme-shop", "europe-west1", "shop")
ORDERS, REST = ("shop", "orders", 80), ("shop", "rest", 80)
TO_ORDERS = [{"name": "orders", "port": 80}]


def item(name: str, created: str = "2026-01-01T00:00:00Z", namespace: str = "shop", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": namespace, "name": name, "creationTimestamp": created}, "spec": spec}


def gateway(**spec: Any) -> dict[str, Any]:
    return item("front", **{"gatewayClassName": "gke-l7-global-external-managed",
                            "listeners": [{"name": "http", "protocol": "HTTP", "port": 80}], **spec})


def route(name: str, *rules: dict[str, Any], created: str = "2026-01-01T00:00:00Z", namespace: str = "shop",
          parent: dict[str, Any] | None = None, hosts: tuple[str, ...] = ("shop.example",)) -> dict[str, Any]:
    return item(name, created, namespace, parentRefs=[parent or {"name": "front", "namespace": "shop"}],
                hostnames=list(hosts), rules=list(rules) or [{"backendRefs": TO_ORDERS}])


def policy(name: str, created: str = "2026-01-01T00:00:00Z", **default: Any) -> dict[str, Any]:
    return item(name, created, targetRef={"group": "", "kind": "Service", "name": "orders"}, default=default)


def asked(of: dict[str, Any], *routes: dict[str, Any], policies: tuple[dict[str, Any], ...] = (),
          checks: tuple[dict[str, Any], ...] = ()) -> AskedBalancer:
    services = {("shop", name): item(name, ports=[{"port": 80}]) for name in ("orders", "rest")}
    return gateways.asked(of, Seen(services, [], routes, policies, checks), lambda _namespace, _name: None, CLUSTER,
                          "uid")


def test_routes_become_hosts_and_the_older_one_decides() -> None:
    matches = [{"path": {"type": "PathPrefix", "value": "/a/"}}, {"path": {"type": "Exact", "value": "/b"}}]
    young = route("a", {"matches": matches, "backendRefs": [{"name": "rest", "port": 80}]},
                  created="2026-02-01T00:00:00Z", hosts=("shop.example", "other.example"))
    old = route("b", {"matches": matches[:1], "backendRefs": TO_ORDERS})
    found = asked(gateway(), young, old)
    assert [(each.names, each.paths, each.default) for each in found.hosts] == [
        (("other.example",), (("/a", REST), ("/a/*", REST), ("/b", REST)), SERVE_404),
        (("shop.example",), (("/a", ORDERS), ("/a/*", ORDERS), ("/b", REST)), SERVE_404)]
    assert (found.default, found.scheme, found.gateway) == (SERVE_404, "global-external-managed", True)
    everything = asked(gateway(), route("a", hosts=()))
    assert [(each.names, each.default) for each in everything.hosts] == [(("*",), ORDERS)]


def test_only_routes_that_a_listener_admits_are_taken() -> None:
    listener = {"name": "http", "protocol": "HTTP", "port": 80}
    far = route("far", namespace="other")
    assert gateways.routes_of(gateway(), [far]) == []
    free = {**listener, "allowedRoutes": {"namespaces": {"from": "All"}}}
    assert gateways.routes_of(gateway(listeners=[free]), [far]) == [far]
    for parent in ({"name": "back"}, {"name": "front", "sectionName": "https"}, {"name": "front", "namespace": "x"}):
        assert gateways.routes_of(gateway(), [route("near", parent=parent)]) == []


def test_policies_of_a_service_and_which_of_two_has_it() -> None:
    (_own, found) = sorted(asked(gateway(), route("a")).backends, key=lambda each: each.key == ORDERS)
    # Without a policy there is none, also where there was one before.
    assert (found.policy, found.check) == ("", Check())
    old = policy("old", securityPolicy="only", timeoutSec=40, connectionDraining={"drainingTimeoutSec": 60},
                 logging={"enabled": True, "sampleRate": 500000})
    young = policy("young", "2026-02-01T00:00:00Z", securityPolicy="other")
    check = policy("check", checkIntervalSec=5, config={"type": "HTTP", "httpHealthCheck": {
        "requestPath": "/healthz", "port": 8080}})
    found = next(each for each in asked(gateway(), route("a"), policies=(young, old), checks=(check,)).backends
                 if each.key == ORDERS)
    assert (found.policy, found.timeout, found.draining, found.logging) == ("only", 40, 60, (True, 0.5))
    assert found.check == Check(path="/healthz", port=8080, interval=5)


def test_the_front() -> None:
    tls = {"options": {gateways.PRE_SHARED: "one, two"}}
    both = [{"name": "http", "protocol": "HTTP", "port": 80},
            {"name": "https", "protocol": "HTTPS", "port": 443, "tls": tls}]
    redirect = {"filters": [{"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}]}
    found = asked(gateway(listeners=both, addresses=[{"type": "NamedAddress", "value": "mine"}]),
                  route("a"), route("b", redirect))
    assert (found.address_name, found.named_certificates, found.redirect) == ("mine", ("one", "two"), Redirect(301))
    assert not asked(gateway(listeners=both[1:])).http


def rule(**fields: Any) -> dict[str, Any]:
    return {"backendRefs": TO_ORDERS, **fields}


@pytest.mark.parametrize(("of", "routed", "words"), [
    (gateway(), rule(backendRefs=[{"name": "nobody", "port": 80}]), 'could not find service "shop/nobody"'),
    (gateway(), rule(backendRefs=[{"name": "orders", "port": 81}]), 'could not find port "81"'),
    (gateway(), rule(backendRefs=[*TO_ORDERS, {"name": "rest", "port": 80}]), "not by weight to several"),
    (gateway(), rule(backendRefs=[{"name": "orders", "namespace": "x"}]), "no ReferenceGrant"),
    (gateway(), rule(matches=[{"method": "GET"}]), "not headers or methods"),
    (gateway(), rule(matches=[{"path": {"type": "RegularExpression", "value": ".*"}}]), "is none of Exact"),
    (gateway(), rule(filters=[{"type": "URLRewrite"}]), "no filters of type URLRewrite"),
    (gateway(), rule(filters=[{"type": "RequestRedirect", "requestRedirect": {"hostname": "x"}}]), "to https alone"),
    (gateway(addresses=[{"type": "IPAddress", "value": "203.0.113.1"}]), rule(), "one address of type NamedAddress"),
    (gateway(listeners=[{"name": "x", "protocol": "HTTP", "port": 8080}]), rule(), "not HTTP on 8080"),
    (gateway(listeners=[{"name": "x", "protocol": "HTTPS", "port": 443}]), rule(), "has no certificate"),
    (gateway(listeners=[{"name": "x", "protocol": "HTTPS", "port": 443, "tls": {"certificateRefs": [{"name": "c"}]}}]),
     rule(), 'secret "shop/c" does not exist'),
])
def test_what_cannot_be_made_is_said(of: dict[str, Any], routed: dict[str, Any], words: str) -> None:
    with pytest.raises(Untranslatable, match=words):
        asked(of, route("a", routed))
    assert gateways.scheme_of(gateway(gatewayClassName="istio")) is None
