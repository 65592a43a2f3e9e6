# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ingresses, Services and BackendConfigs say, as GKE reads it."""
from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from testbed.http_balancing.asked import DEFAULT_BACKEND, AskedBalancer
from testbed.http_balancing.model import Check, Redirect
from testbed.kubernetes.ingress import backends, objects
from testbed.kubernetes.ingress.backends import Seen, Untranslatable

CLUSTER = ("acme-shop", "europe-west1", "shop")
CONFIG, NEG = backends.BACKEND_CONFIGS[0], backends.NEG
PROBE = {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 5, "timeoutSeconds": 2}


def item(name: str, annotations: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "shop", "name": name, "annotations": annotations or {}}, **fields}


def service(name: str = "orders", annotations: dict[str, str] | None = None) -> dict[str, Any]:
    ports = [{"name": "http", "port": 80, "targetPort": 8080}, {"name": "admin", "port": 90, "targetPort": 9090}]
    return item(name, annotations, spec={"ports": ports})


def slices(name: str = "orders") -> dict[str, Any]:
    found = item(f"{name}-1", addressType="IPv4", ports=[{"name": "http", "port": 8080}], endpoints=[
        {"addresses": ["10.20.0.6"], "conditions": {"ready": False}},
        {"addresses": ["10.20.0.5"], "conditions": {"ready": True}}, {"addresses": ["10.20.0.7"]}])
    found["metadata"]["labels"] = {"kubernetes.io/service-name": name}
    return found


def ingress(annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    default = {"defaultBackend": {"service": {"name": "orders", "port": {"number": 80}}}}
    return item("front", annotations, spec={**default, **spec})


def asked(ingress_: dict[str, Any], *services: dict[str, Any], configs: dict[str, Any] | None = None,
          frontends: dict[str, Any] | None = None, secrets: dict[str, Any] | None = None,
          probe: dict[str, Any] | None = None) -> AskedBalancer:
    seen = Seen(
        services={("shop", each["metadata"]["name"]): each for each in services or (service(),)}, slices=[slices()],
        configs={("shop", name): item(name, spec=spec) for name, spec in (configs or {}).items()},
        annotations_of=objects.annotations_of, probe_of=lambda _service, _port: probe)
    named = {("shop", name): item(name, spec=spec) for name, spec in (frontends or {}).items()}
    return objects.asked(ingress_, seen, named, lambda _namespace, name: (secrets or {}).get(name), CLUSTER, "uid")


@pytest.mark.parametrize(("annotations", "name", "scheme"), [
    ({objects.CLASS: "gce"}, None, "external"), ({objects.CLASS: "gce-internal"}, None, "internal"),
    ({objects.CLASS: "nginx"}, None, None), ({}, None, "external"),
    # The trap: GKE passes over an Ingress whose class stands in its spec alone.
    ({}, "gce", None), ({objects.CLASS: "gce"}, "gce", "external"),
])
def test_whose_an_ingress_is(annotations: dict[str, str], name: str | None, scheme: str | None) -> None:
    spec = {"ingressClassName": name} if name else {}
    assert objects.scheme_of(ingress(annotations, **spec)) == scheme


def test_only_ready_pods_are_endpoints_and_health_is_asked_as_google_would() -> None:
    (found,) = asked(ingress()).backends
    assert found.endpoints == (("10.20.0.5", 8080), ("10.20.0.7", 8080))
    assert (found.check, found.policy) == (Check(path="/"), None)
    (found,) = asked(ingress(), probe=PROBE).backends
    assert found.check == Check(path="/ready", interval=65, timeout=2)
    config = {"securityPolicy": {"name": "only"}, "timeoutSec": 40, "connectionDraining": {"drainingTimeoutSec": 60},
              "customRequestHeaders": {"headers": ["X-A: b", "X-C:d"]}, "logging": {"enable": True, "sampleRate": 0.5},
              "healthCheck": {"type": "HTTP", "requestPath": "/healthz", "port": 8081, "checkIntervalSec": 5}}
    bound = service(annotations={CONFIG: '{"default": "mine"}'})
    (found,) = asked(ingress(), bound, configs={"mine": config}, probe=PROBE).backends
    assert found.check == Check(path="/healthz", port=8081, interval=5)
    assert (found.policy, found.timeout, found.draining, found.logging) == ("only", 40, 60, (True, 0.5))
    assert found.headers == (("X-A", "b"), ("X-C", "d"))
    # An empty name takes a policy away; to say nothing of it does not.
    (found,) = asked(ingress(), bound, configs={"mine": {"securityPolicy": {"name": ""}}}).backends
    assert found.policy == ""


@pytest.mark.parametrize(("text", "config"), [
    ('{"default": "one"}', "one"), ('{"ports": {"80": "two"}, "default": "one"}', "two"),
    ('{"ports": {"http": "two"}}', "two"), ('{"ports": {"admin": "two"}}', None)])
def test_which_config_a_port_has(text: str, config: str | None) -> None:
    configs = {name: {"securityPolicy": {"name": name}} for name in ("one", "two")}
    (found,) = asked(ingress(), service(annotations={CONFIG: text}), configs=configs).backends
    assert found.policy == config


def test_hosts_and_paths() -> None:
    def to(name: str, path: str | None, kind: str) -> dict[str, Any]:
        way = {"backend": {"service": {"name": name, "port": {"name": "http"}}}, "pathType": kind}
        return {**way, **({"path": path} if path else {})}

    rules = [{"host": "a.example", "http": {"paths": [
        to("orders", "/x", "Prefix"), to("rest", "/y", "Exact"), to("rest", "/z/*", "ImplementationSpecific")]}},
        {"host": "b.example", "http": {"paths": [to("rest", "/", "Prefix")]}},
        {"http": {"paths": [to("rest", None, "ImplementationSpecific")]}}]
    found = asked(ingress(rules=rules), service(), service("rest"))
    orders, rest = ("shop", "orders", 80), ("shop", "rest", 80)
    assert [(each.names, each.paths, each.default) for each in found.hosts] == [
        (("a.example",), (("/x", orders), ("/x/*", orders), ("/y", rest), ("/z/*", rest)), orders),
        (("b.example",), (), rest), (("*",), (), rest)]
    bare = ingress(rules=rules[1:2])
    del bare["spec"]["defaultBackend"]
    assert asked(bare, service("rest")).default == DEFAULT_BACKEND


def test_the_front() -> None:
    pem = {name: base64.b64encode(name.encode()).decode() for name in ("tls.crt", "tls.key")}
    secure = {objects.ALLOW_HTTP: "false", objects.GLOBAL_ADDRESS: "mine"}
    found = asked(ingress(secure, tls=[{"secretName": "cert"}]), secrets={"cert": {"data": pem}})
    assert found.certificates == (("shop/cert", "tls.crt", "tls.key"),)
    assert (found.http, found.address_name) == (False, "mine")
    assert "tls.key" not in repr(found)
    named = asked(ingress({objects.PRE_SHARED: "one, two", objects.FRONTEND_CONFIG: "safe"}), frontends={
        "safe": {"redirectToHttps": {"enabled": True, "responseCodeName": "PERMANENT_REDIRECT"}, "sslPolicy": "new"}})
    assert (named.named_certificates, named.redirect, named.ssl_policy) == (("one", "two"), Redirect(308), "new")


NOBODY = {"service": {"name": "nobody", "port": {"number": 80}}}
NO_PORT = {"service": {"name": "orders", "port": {"number": 81}}}


@pytest.mark.parametrize(("of", "of_service", "words"), [
    (ingress(defaultBackend=NOBODY), {}, 'could not find service "shop/nobody"'),
    (ingress(defaultBackend=NO_PORT), {}, 'could not find port "81" in service "shop/orders"'),
    (ingress(), {CONFIG: '{"default": "none"}'}, "no BackendConfig for service port exists: none"),
    (ingress(), {CONFIG: "none"}, "is no JSON object: none"),
    (ingress(), {NEG: '{"exposed_ports": {}}'}, "no network endpoint groups"),
    (ingress(), {backends.PROTOCOLS[0]: '{"http": "GOPHER"}'}, "invalid port protocol GOPHER"),
    (ingress(tls=[{"secretName": "none"}]), {}, 'secret "shop/none" does not exist'),
    (ingress({objects.ALLOW_HTTP: "false"}), {}, "cannot turn off HTTP"),
    (ingress({objects.MANAGED: "one"}), {}, "ManagedCertificate .one. does not exist"),
    (ingress({objects.FRONTEND_CONFIG: "none"}), {}, 'FrontendConfig "shop/none" does not exist'),
    (ingress(rules=[{"http": {"paths": [{"path": "/*", "pathType": "Prefix", "backend": NO_PORT}]}}]), {}, "81"),
])
def test_what_cannot_be_made_is_said(of: dict[str, Any], of_service: dict[str, str], words: str) -> None:
    with pytest.raises(Untranslatable, match=words):
        asked(of, service(annotations=of_service))


def test_annotations_that_say_no_to_groups_are_refused_as_json() -> None:
    assert backends.has_groups({}) and backends.has_groups({NEG: json.dumps({"ingress": True})})
    assert not backends.has_groups({NEG: json.dumps({"ingress": False})})
    with pytest.raises(Untranslatable, match="is no JSON object"):
        backends.has_groups({NEG: "yes"})
