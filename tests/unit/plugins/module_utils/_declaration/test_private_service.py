# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A private service behind API Gateway: what follows from its declaration, and what is refused before any call."""

from __future__ import annotations

import copy
import ipaddress
import typing

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import (
    derive,
    gateway_derive,
    gateway_rules,
    gateway_schema,
    shape,
)
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._gateway import answers

GOOD: dict[str, typing.Any] = {
    "project": "acme-shop",
    "region": "europe-west1",
    "network": "shop-vpc",
    "clusters": {"gke": {}},
    "services": [{"name": "shop-api", "namespace": "staging", "port": 3000}],
    "gateway": {
        "name": "shop",
        "routes": [{"path": "/products", "methods": ["get"]}, {"path": "/products/{id}", "methods": ["get"]}],
        "keys": {"partner": {}},
    },
}
JWT = {"issuer": "https://issuer.example", "jwks_uri": "https://issuer.example/keys", "audiences": ["shop"]}
DOCUMENT = """\
swagger: "2.0"
info: {title: shop, version: "1"}
paths:
  /products:
    get: {operationId: list, responses: {200: {description: it}}}
"""


def declared(**parts: typing.Any) -> dict[str, typing.Any]:
    """The good declaration with other parts; a dict goes into the part that is there."""
    found = copy.deepcopy(GOOD)
    for key, value in parts.items():
        found[key] = shape.merged(found.get(key) or {}, value) if isinstance(value, dict) else value
    return found


def judged(stated: dict[str, typing.Any], live: dict | None = None, document: str | None = None) -> tuple[dict, list]:
    value, problems = shape.read(stated, gateway_schema.DECLARATION, "api_gateway_gke")
    facts, more = gateway_derive.site(value, live)
    return facts, problems + more + gateway_rules.check(value, facts, document)


def test_what_follows_from_the_shortest_declaration() -> None:
    facts, problems = judged(GOOD)
    assert problems == []
    (service,) = facts["services"]
    assert (service["port"], service["target_port"], service["selector"]) == (80, 3000, {"app": "shop-api"})
    assert service["host"] == "shop-api.acme-shop.internal" and service["region"] == "europe-west1"
    assert facts["egress"]["mode"] == "direct" and facts["egress"]["subnet"] == "shop-vpc-egress"
    assert service["source_ranges"] == [facts["egress"]["range"]]
    assert facts["function"]["service"] == "shop-api" and facts["gateway"]["api"] == "shop"
    assert facts["function"]["upstream_timeout"] < facts["function"]["timeout"] < facts["gateway"]["deadline"]
    assert facts["gateway"]["verify"]["path"] == "/products"
    assert facts["gateway"]["service_account"] == "shop-gateway@acme-shop.iam.gserviceaccount.com"
    kinds = [entry["kind"] for entry in gateway_derive.entries(facts)]
    assert kinds == ["compute_subnetwork", "iam_service_account", "iam_service_account"]
    assert gateway_derive.CONNECTOR_API not in facts["apis"]


def test_a_connector_takes_a_28_beside_everything_else() -> None:
    facts, problems = judged(declared(egress="connector"))
    assert problems == [] and gateway_derive.CONNECTOR_API in facts["apis"]
    chosen = ipaddress.ip_network(facts["egress"]["range"])
    assert chosen.prefixlen == 28
    (entry,) = [one for one in gateway_derive.entries(facts) if one["kind"] == "vpc_access_connector"]
    assert entry["ip_cidr_range"] == str(chosen) and entry["name"] == "shop-vpc"
    # The next one finds the place taken; the connector that is there keeps its own.
    other, _problems = judged(declared(egress="connector"), {"connectors": {"theirs": str(chosen)}})
    assert not ipaddress.ip_network(other["egress"]["range"]).overlaps(chosen)
    kept, _problems = judged(declared(egress="connector"), {"connectors": {"shop-vpc": "10.9.9.0/28"}})
    assert kept["egress"]["range"] == "10.9.9.0/28"


def test_clusters_get_what_they_get_beside_apigee() -> None:
    facts, _problems = judged(GOOD)
    site, _problems = derive.derive({key: GOOD.get(key) for key in ("project", "region", "network", "clusters")})
    assert facts["clusters"][0]["subnetwork"] == site["clusters"][0]["subnetwork"]
    ranges = [facts["egress"]["range"], facts["peering"]["range"], *facts["clusters"][0]["ranges"].values()]
    parsed = [ipaddress.ip_network(text) for text in ranges]
    assert not any(one.overlaps(two) for index, one in enumerate(parsed) for two in parsed[index + 1 :])


@pytest.mark.parametrize(
    ("parts", "path", "said"),
    [
        ({"gateway": {"name": None}}, "gateway.name", "is required"),
        ({"gatewy": {}}, "gatewy", "not a key"),
        ({"services": []}, "services", "at least one service"),
        ({"function": {"service": "shop-app"}}, "function.service", "no service shop-app is declared"),
        ({"function": {"region": "us-east1"}}, "function.region", "does not answer it"),
        ({"region": "europe-north1"}, "gateway.region", "is not offered"),
        ({"function": {"upstream_timeout": 30}}, "function.upstream_timeout", "waits 30 s"),
        ({"function": {"timeout": 40}}, "gateway.deadline", "gateway waits 30 s"),
        (
            {"gateway": {"routes": [{"path": "/a", "methods": ["get"], "deadline": 10}]}},
            "gateway.routes[0].deadline",
            "gateway waits 10 s",
        ),
        ({"gateway": {"security": "api_key_or_jwt"}}, "gateway.security", "must be api_key"),
        ({"gateway": {"security": "jwt"}}, "gateway", "needs jwt.issuer"),
        ({"gateway": {"routes": []}}, "gateway.routes", "either routes or a document"),
        ({"gateway": {"document": "openapi.yml"}}, "gateway.routes", "exclude each other"),
        ({"gateway": {"routes": [{"path": "/a_{id}", "methods": ["get"]}]}}, "gateway.routes", "line"),
        ({"gateway": {"routes": [{"path": "/a", "methods": ["fetch"]}]}}, "gateway.routes[0].methods[0]", "must be"),
        ({"gateway": {"keys": None}}, "gateway.keys", "no key is declared"),
        (
            {"gateway": {"keys": {"partner": {"allowed_ips": ["10.0.0.0/8", "home"]}}}},
            "gateway.keys.partner.allowed_ips",
            "home is no address",
        ),
        (
            {"gateway": {"keys": {"partner": {"display_name": "x" * 64}}}},
            "gateway.keys.partner.display_name",
            "at most 63",
        ),
        ({"egress": {"mode": "connector", "subnet": "mine"}}, "egress.subnet", "no meaning"),
        ({"egress": {"mode": "connector", "range": "10.9.9.0/24"}}, "egress.range", "must be a /28"),
        ({"egress": {"range": "10.9.9.0/28"}}, "egress.range", "too small"),
        ({"egress": {"mode": "connector", "range": "10.64.0.0/28"}}, "egress.range", "overlaps peering_range"),
        ({"egress": {"mode": "connector", "range": "10.68.1.0/28"}}, "egress.range", "ranges.pods"),
    ],
)
def test_what_is_refused(parts: dict[str, typing.Any], path: str, said: str) -> None:
    stated = declared(**parts)
    if parts.get("gateway", {}).get("keys", 1) is None:
        del stated["gateway"]["keys"]
    # The range that a cluster would be given is stated, so that the connector's runs into it.
    if said == "ranges.pods":
        stated["clusters"] = {"gke": {"ranges": {"pods": "10.68.0.0/16"}}}
    _facts, problems = judged(stated)
    found = [problem for problem in problems if problem.path == path]
    assert found and said in found[0].as_text(), [problem.as_text() for problem in problems]


def test_services_that_do_not_fit() -> None:
    service = GOOD["services"][0]
    far = {**service, "load_balancer": {"address": "192.168.0.9", "source_ranges": ["10.0.0.1/8"]}}
    _facts, problems = judged(declared(services=[far, {**service, "cluster": "gk"}]))
    paths = {problem.path for problem in problems}
    assert paths == {
        "services[shop-api]",
        "services[shop-api].cluster",
        "services[shop-api].load_balancer.address",
        "services[shop-api].load_balancer.source_ranges[0]",
    }


def test_global_access_serves_a_function_elsewhere() -> None:
    service = {**GOOD["services"][0], "load_balancer": {"global_access": True}}
    facts, problems = judged(declared(services=[service], function={"region": "us-east1"}))
    assert problems == [] and facts["egress"]["region"] == facts["function"]["region"] == "us-east1"


def test_presets_and_their_settings() -> None:
    facts, problems = judged(declared(gateway={"security": "api_key_and_jwt", "jwt": JWT}))
    assert problems == [] and facts["gateway"]["settings"] == {"jwt": JWT}


def test_a_document_of_ones_own_is_judged_with_lines() -> None:
    stated = declared(gateway={"document": "openapi.yml"})
    del stated["gateway"]["routes"]
    faulty = DOCUMENT.replace("get: {", "get: {security: [{nobody: []}], ")
    _facts, problems = judged(stated, document=faulty)
    (problem,) = [one for one in problems if "nobody" in one.message]
    assert problem.path == "gateway.document" and problem.message.startswith("line 5")


@pytest.mark.parametrize(
    ("deadline", "fine"), [("deadline: 5.0", False), ("protocol: h2", False), ("deadline: 30.0", True)]
)
def test_deadlines_of_a_document_of_ones_own(deadline: str, fine: bool) -> None:
    stated = declared(gateway={"document": "openapi.yml"})
    del stated["gateway"]["routes"]
    function = (
        "https://europe-west1-acme-shop.cloudfunctions.net/shop-api-forward",
        "https://europe-west1-acme-shop.cloudfunctions.net/shop-api-forward/v1",
        "https://shop-api-forward-mvv3hkfkwa-ew.a.run.app",
        "https://shop-api-forward-123456789012.europe-west1.run.app",
    )
    # What these do, and for how long, the function does not say.
    others = (
        "https://quick-mvv3hkfkwa-ew.a.run.app",
        "https://europe-west1-acme-shop.cloudfunctions.net/shop-api-forward2",
        "https://shop.example",
    )
    for address in (*function, *others):
        backend = f'{{address: "{address}", {deadline}}}'
        _facts, problems = judged(stated, document=DOCUMENT.replace("get: {", f"get: {{x-google-backend: {backend}, "))
        found = [one for one in problems if "the gateway waits" in one.message]
        assert (found == []) is (fine or address in others), (address, [one.as_text() for one in problems])
    # Without an address it is the function's.
    _facts, problems = judged(stated, document=DOCUMENT.replace("get: {", f"get: {{x-google-backend: {{{deadline}}}, "))
    assert any("the gateway waits" in one.message for one in problems) is not fine


def test_the_structure_of_a_document_of_ones_own_is_judged() -> None:
    stated = declared(gateway={"document": "openapi.yml"})
    del stated["gateway"]["routes"]
    nonsense = DOCUMENT.replace("get: {", "get: {parameters: [{name: q, in: query, type: nonsense}], ")
    assert len(judged(stated, document=nonsense)[1]) > len(judged(stated, document=DOCUMENT)[1])


def test_the_proof_asks_as_the_route_for_get_wants() -> None:
    routes = [
        {"path": "/p", "methods": ["post"], "security": "none"},
        {"path": "/p", "methods": ["get"], "security": "api_key"},
    ]
    facts, _problems = judged(declared(gateway={"routes": routes}))
    assert facts["gateway"]["verify"]["path"] == "/p" and facts["gateway"]["verify"]["security"] == "api_key"


def test_a_restriction_can_be_lifted() -> None:
    facts, _problems = judged(declared(gateway={"keys": {"partner": {"allowed_ips": []}}}))
    assert facts["gateway"]["keys"] == [{"name": "partner", "allowed_ips": []}]
    facts, _problems = judged(GOOD)
    assert facts["gateway"]["keys"] == [{"name": "partner"}]


def test_no_keys_stated_is_not_no_keys() -> None:
    for keys, managed in ((None, False), ({}, True)):
        stated = declared(gateway={"security": "none"})
        stated["gateway"]["keys"] = keys
        facts, problems = judged(stated)
        assert problems == [] and facts["gateway"]["keys"] == [] and facts["gateway"]["keys_managed"] is managed


def test_how_long_the_proof_waits() -> None:
    facts, _problems = judged(declared(gateway={"verify": {"timeout": 90}}))
    assert facts["gateway"]["verify"]["timeout"] == 90
    assert judged(GOOD)[0]["gateway"]["verify"]["timeout"] == 600


def test_a_key_that_google_has_not_spread_yet_is_asked_for_again() -> None:
    for status in (400, 401, 403):
        assert answers.not_yet({"error": "", "status": status}, answers.API_GATEWAY)
        assert not answers.not_yet({"error": "", "status": status})
    assert not answers.not_yet({"error": "", "status": 405}, answers.API_GATEWAY)


def documents(**more: typing.Any) -> dict[str, typing.Any]:
    return {"project": {"name": "projects/123", "state": "ACTIVE"}, "clusters": {}, **more}


def test_what_exists_is_in_the_way() -> None:
    subnet = {"name": "theirs", "ipCidrRange": "10.9.9.0/24"}
    connector = {
        "name": "projects/acme-shop/locations/europe-west1/connectors/theirs",
        "network": "shop-vpc",
        "ipCidrRange": "10.9.8.0/28",
    }
    found = documents(**{"subnets europe-west1": [subnet], "connectors": [connector]})
    for text, said in (("10.9.9.16/28", "subnet theirs"), ("10.9.8.0/28", "connector theirs")):
        facts, problems = judged(declared(egress={"mode": "connector", "range": text}))
        assert problems == []
        connectors = gateway_rules.live_facts(found, facts)["connectors"]
        (problem,) = gateway_rules.check_live(facts, found, connectors)
        assert problem.path == "egress.range" and said in problem.message
    # One of another region has the network's addresses too, and is not ours although it bears our connector's name.
    far = {**connector, "name": "projects/acme-shop/locations/us-east1/connectors/shop-vpc"}
    facts, _problems = judged(declared(egress={"mode": "connector", "range": "10.9.8.0/28"}))
    connectors = gateway_rules.live_facts(documents(connectors=[far]), facts)["connectors"]
    (problem,) = gateway_rules.check_live(facts, documents(), connectors)
    assert "connector shop-vpc in us-east1" in problem.message
    # Nor does the function call from there.
    way = {"serviceConfig": {"vpcConnector": "projects/acme-shop/locations/europe-west1/connectors/shop-vpc"}}
    here = {**connector, "name": way["serviceConfig"]["vpcConnector"], "ipCidrRange": "10.9.6.0/28"}
    both = documents(connectors=[far, here], function=way)
    assert gateway_rules.live_facts(both, facts)["calls_from"] == "10.9.6.0/28"
    chosen, _problems = judged(declared(egress="connector"))
    taken = documents(connectors=[{**far, "ipCidrRange": chosen["egress"]["range"]}])
    other, _problems = judged(declared(egress="connector"), gateway_rules.live_facts(taken, chosen))
    assert other["egress"]["range"] != chosen["egress"]["range"] and other["egress"]["existing"] == ""
    facts, _problems = judged(
        declared(egress={"mode": "connector", "range": "10.9.9.16/28"}), {"connectors": {"shop-vpc": "10.9.7.0/28"}}
    )
    (problem,) = gateway_rules.check_live(facts, documents(), {})
    assert "stays as it is" in problem.message
    (problem,) = gateway_rules.check_live(facts, {"project": None}, {})
    assert "does not exist" in problem.message


@pytest.mark.parametrize("listed", [["global", "europe-west1", "europe-north1"], ["global", "europe-west1"], None])
def test_a_stated_region_is_googles_to_judge(listed: list[str] | None) -> None:
    facts, problems = judged(declared(gateway={"region": "europe-north1"}))
    assert problems == []
    places = listed and [{"name": f"projects/acme-shop/locations/{name}"} for name in listed]
    found = gateway_rules.check_live(facts, documents(gateway_regions=places), {})
    if listed and "europe-north1" in listed:
        assert found == []
        return
    (problem,) = found
    assert problem.path == "gateway.region" and "europe-west1" in problem.fix and "global" not in problem.fix
    assert ("not enabled" in problem.because) is (listed is None)


def test_a_function_that_goes_over_to_another_way_is_answered_on_both() -> None:
    place = "projects/acme-shop/locations/europe-west1"
    connector = {"name": f"{place}/connectors/shop-vpc", "network": "shop-vpc", "ipCidrRange": "10.9.8.0/28"}
    subnet = {"name": "shop-vpc-egress", "ipCidrRange": "10.9.9.0/26"}
    by_connector = {"serviceConfig": {"vpcConnector": connector["name"]}}
    direct = {"serviceConfig": {"directVpcNetworkInterface": [{"subnetwork": "shop-vpc-egress"}]}}
    stated = declared(egress={"range": "10.9.9.0/26"})

    def ranges(function: dict | None, balancer: dict | None = None) -> list[str]:
        found = documents(**{"subnets europe-west1": [subnet], "connectors": [connector], "function": function})
        wanted = copy.deepcopy(stated)
        wanted["services"][0]["load_balancer"] = balancer or {}
        facts, _problems = judged(wanted)
        facts, _problems = judged(wanted, gateway_rules.live_facts(found, facts))
        return facts["services"][0]["source_ranges"]

    # A function whose deployment failed, or was cut off, shows the new way, and what was there before serves on.
    for state in ("FAILED", "DEPLOYING", "UNKNOWN"):
        assert ranges({**direct, "state": state}) == ["10.9.9.0/26", "10.9.8.0/28"]
        assert ranges({**by_connector, "state": state}) == ["10.9.9.0/26", "10.9.8.0/28"]
    assert ranges({**direct, "state": "ACTIVE"}) == ["10.9.9.0/26"]
    assert ranges(None) == ranges(direct) == ranges({"serviceConfig": {}}) == ["10.9.9.0/26"]
    assert ranges(by_connector) == ["10.9.9.0/26", "10.9.8.0/28"]
    # Where somebody says who may call, that is all.
    assert ranges(by_connector, {"source_ranges": ["10.0.0.0/8"]}) == ["10.0.0.0/8"]


def test_the_name_of_a_deleted_key_is_free_to_be_restored_only() -> None:
    keys = [
        {"name": "projects/123/locations/global/keys/partner", "deleteTime": "2026-11-20T10:00:00Z"},
        {"name": "projects/123/locations/global/keys/other", "deleteTime": "2026-11-20T10:00:00Z"},
    ]
    facts, _problems = judged(GOOD)
    (problem,) = gateway_rules.check_live(facts, documents(keys=keys), {})
    assert problem.path == "gateway.keys.partner" and "restore: true" in problem.as_text()
    assert "2026-11-20" in problem.as_text()
    facts, _problems = judged(declared(gateway={"keys": {"partner": {"restore": True}}}))
    assert gateway_rules.check_live(facts, documents(keys=keys), {}) == []
    assert facts["gateway"]["keys"] == [{"name": "partner", "restore": True}]


@pytest.mark.parametrize(
    ("routes", "paths", "methods"),
    [
        ({"/products": ["get"], "/products/{id}": ["get", "put"]}, ["/products"], ["GET", "PUT"]),
        ({"/a/b": ["get"], "/a/bc/{x}/d": ["get"]}, ["/a/b", "/a/bc"], ["GET"]),
        ({"/{tenant}/orders": ["post"], "/products": ["get"]}, ["/"], ["GET", "POST"]),
        ({"/a,b/c": ["get"], "/d/%20": ["get"]}, ["/"], ["GET"]),
    ],
)
def test_the_function_passes_on_what_the_routes_name(routes: dict, paths: list[str], methods: list[str]) -> None:
    stated = declared()
    stated["gateway"]["routes"] = [{"path": path, "methods": found} for path, found in routes.items()]
    function = judged(stated)[0]["function"]
    assert (function["paths"], function["methods"]) == (paths, methods)


BOTH = ["/a", "/products"]


@pytest.mark.parametrize(
    ("told", "until_moved"),
    [
        (None, {}),
        ({"FORWARD_TO": "http://x"}, {}),
        ({"FORWARD_PATHS": "/products", "FORWARD_METHODS": "GET"}, {}),
        # Fewer than are declared: there is nothing to leave.
        ({"FORWARD_PATHS": "/products/new", "FORWARD_METHODS": "GET"}, {}),
        ({"FORWARD_PATHS": "/a,/products", "FORWARD_METHODS": "GET"}, {"paths": BOTH, "methods": ["GET"]}),
        ({"FORWARD_PATHS": "/a", "FORWARD_METHODS": "POST"}, {"paths": BOTH, "methods": ["GET", "POST"]}),
        ({"FORWARD_PATHS": "/", "FORWARD_METHODS": "PUT,GET"}, {"paths": ["/"], "methods": ["PUT", "GET"]}),
    ],
)
def test_routes_that_leave_are_passed_on_until_the_gateway_has_moved(told: dict | None, until_moved: dict) -> None:
    stated = declared(gateway={"routes": [{"path": "/products", "methods": ["get"]}]})
    facts, _problems = judged(stated)
    found = documents(function=told and {"serviceConfig": {"environmentVariables": told}})
    facts, _problems = judged(stated, gateway_rules.live_facts(found, facts))
    assert facts["function"]["until_moved"] == until_moved
    assert (facts["function"]["paths"], facts["function"]["methods"]) == (["/products"], ["GET"])


def test_a_document_of_ones_own_is_the_gateways_to_judge() -> None:
    stated = declared(gateway={"document": "openapi.yml"})
    del stated["gateway"]["routes"]
    function = judged(stated, document=DOCUMENT)[0]["function"]
    assert (function["paths"], function["methods"]) == (["/"], [])
