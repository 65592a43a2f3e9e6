# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A private service behind API Gateway, whole: a real Envoy, the real functions-framework, a balancer, pods.

Status codes are those of Google's documentation; bodies of refusals are not Google's, and nothing is said of them.
"""

from __future__ import annotations

import copy
import http.client
import json
import re
import socket
import ssl
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.acceptance import issuers
from tests.acceptance.cloud import INVENTORY, Cloud, Run, until
from tests.acceptance.stream import Stream
from tests.acceptance.test_secrets import leaks, pattern, watched

PLAYBOOK, TEARDOWN = "playbooks/api_gateway.yml", "playbooks/api_gateway_teardown.yml"
GLOBAL = "projects/acme-shop/locations/global"
ISSUER, KEYS = "https://issuer.example", "https://issuer.example/keys"
SIGNING, FOREIGN = (rsa.generate_private_key(65537, 2048) for _ in range(2))
#: Any token with claims, such as those that the gateway shows to the function.
CLAIMS = r"eyJ[\w-]{10,}\.eyJ"
#: Any key's string as Google makes them: those of a first run are not known before it. Wrong keys of tests are shorter.
KEY = r"AIza[\w-]{30,}"
#: What the gateway, unlike the function, says to a path that it does not have.
UNDEFINED = "The path is not defined by this API."


def declaration(*routes: dict[str, Any], **gateway: Any) -> dict[str, Any]:
    """The testbed inventory's declaration with more routes and other settings of the gateway, and with a connector.

    Direct egress, the inventory's, is what the function goes over to, and what is torn down.
    """
    content = yaml.safe_load((INVENTORY / "group_vars" / "all" / "api_gateway.yml").read_text())
    found = copy.deepcopy(content["api_gateway_gke"])
    found["gateway"] |= gateway
    found["gateway"]["routes"] += routes
    return {**found, "project": "acme-shop", "egress": "connector"}


class Shop:
    """The gateway, and a client outside."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.way = cloud.connection["api_gateway"]
        self.trust = ssl.create_default_context(cafile=self.way["ca_cert"])
        #: Payloads of the tokens that were shown, and strings of keys: they are to turn up nowhere.
        self.shown: set[str] = set()

    def play(self, stated: dict[str, Any] | None = None, *arguments: str, playbook: str = PLAYBOOK, **how: Any) -> Run:
        extra = json.dumps({"api_gateway_gke": stated or declaration()})
        return self.cloud.play(playbook, *arguments, "-e", extra, **how)

    @property
    def host(self) -> str:
        path = "v1/projects/acme-shop/locations/europe-west1/gateways/shop"
        return str(self.cloud.google("GET", "apigateway", path)["defaultHostname"])

    def key(self, name: str = "partner") -> dict[str, str]:
        """The header that shows a key."""
        found = self.cloud.google("GET", "apikeys", f"v2/{GLOBAL}/keys/{name}/keyString")
        self.shown.add(found["keyString"])
        return {"x-api-key": found["keyString"]}

    def token(self, key: Any = SIGNING, **claims: Any) -> dict[str, str]:
        """The header that shows a token."""
        now = int(time.time())
        stated = {"iss": ISSUER, "sub": "someone", "aud": "shop", "iat": now, "exp": now + 300, **claims}
        made = jwt.encode(stated, key, "RS256", headers={"kid": "one"})
        self.shown.add(made.split(".")[1])
        return {"authorization": f"Bearer {made}"}

    def secret(self) -> re.Pattern[str]:
        """Everything that no log, diff, result or process argument may hold."""
        return re.compile("|".join([pattern(self.cloud, *self.shown).pattern, CLAIMS, KEY]))

    def watched(self, stated: dict[str, Any] | None = None, *arguments: str, **how: Any) -> Run:
        """Play as talkatively as can be, and see that no secret is shown by it, nor by anything else until now."""
        with watched(self.cloud.home, self.secret()):
            run = self.play(stated, *arguments, "-vvv", "--diff", **how)
        # The keys of a first run are made by it.
        for key in self.cloud.google("GET", "apikeys", f"v2/{GLOBAL}/keys").get("keys", []):
            self.key(key["name"].rsplit("/", 1)[-1])
        assert leaks(self.cloud, run, self.secret()) == []
        return run

    def tokens(self, **claims: Any) -> dict[str, dict[str, str]]:
        """The header that shows a token with these claims, and those that show bad ones like it."""
        return {
            "good": self.token(**claims),
            "expired": self.token(**claims, exp=int(time.time()) - 3600),
            "wrongly signed": self.token(FOREIGN, **claims),
            "for others": self.token(**{**claims, "aud": "others"}),
        }

    def play_under_load(self, stated: dict[str, Any]) -> Run:
        """Change what is there while three clients call it without a pause. None of them loses a call."""
        with Stream(self.way, self.host, "/products", clients=3, headers=self.key(), longest=600) as stream:
            run = self.play(stated)
        assert stream.lost == [] and len(stream.answers) > 100
        return run

    def told(self, path: str, tokens: dict[str, dict[str, str]], method: str = "GET") -> dict[str, int]:
        """The status that each token gets, and the lack of one."""
        return {name: self.ask(path, headers, method)[0] for name, headers in {**tokens, "none": {}}.items()}

    def function(self) -> dict[str, Any]:
        """As Google shows it."""
        path = "v2/projects/acme-shop/locations/europe-west1/functions/shop-api-forward"
        return self.cloud.google("GET", "cloudfunctions", path)

    def ranges(self) -> list[str]:
        """From where the load balancer is called."""
        given = "--output=jsonpath={.spec.loadBalancerSourceRanges}"
        return json.loads(self.cloud.kubectl("get", "service", "--namespace=staging", "shop-api", given))

    def objects(self) -> list[str]:
        """What there is, as far as the playbook makes it and takes it away: the last two parts of names."""
        whole = ("apigateway/", "cloudfunctions/projects/", "vpcaccess/", "container/")
        kinds = {"compute/": ("/networks/", "/subnetworks/"), "dns/": ("/managedZones/",)}
        return sorted(
            "/".join(name.split("/")[-2:])
            for name in self.cloud.state()["objects"]
            if name.startswith(whole)
            or any(name.startswith(service) and kind in name for service in kinds for kind in kinds[service])
        )

    def configs(self) -> list[str]:
        found = self.cloud.google("GET", "apigateway", f"v1/{GLOBAL}/apis/shop/configs").get("apiConfigs", [])
        return sorted(one["name"].rsplit("/", 1)[-1] for one in found)

    def ask(self, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> tuple[int, bytes]:
        """Status and body of one call."""
        link = http.client.HTTPSConnection(self.host, timeout=60, context=self.trust)
        plain = socket.create_connection((self.way["address"], self.way["port"]), 10)
        link.sock = self.trust.wrap_socket(plain, server_hostname=link.host)
        try:
            link.request(method, path, headers=headers or {})
            reply = link.getresponse()
            return reply.status, reply.read()
        finally:
            link.close()


@pytest.fixture(scope="module")
def shop(running_cloud: Cloud) -> Shop:
    running_cloud.reset()
    return Shop(running_cloud)


def test_a_first_run_shows_no_key_and_no_token(shop: Shop) -> None:
    assert shop.watched().changed
    assert len(shop.shown) == 1


def test_who_gets_through_and_what_others_are_told(shop: Shop) -> None:
    foreign = {"restrictions": {"apiTargets": [{"service": "compute.googleapis.com"}]}}
    shop.cloud.google("POST", "apikeys", f"v2/{GLOBAL}/keys?keyId=foreign", json=foreign)
    own = shop.key()
    status, body = shop.ask("/products", own)
    answer = json.loads(body)
    assert status == 200 and answer["pod"].startswith("shop-api-") and answer["path"] == "/products"
    # Neither the caller's key nor the gateway's own token is the pod's business.
    assert not {"X-Api-Key", "Authorization", "X-Forwarded-Authorization"} & set(answer["headers"])
    found = {
        "key in the query": shop.ask(f"/products?key={own['x-api-key']}")[0],
        "parameter": shop.ask("/products/7", own)[0],
        "no key": shop.ask("/products")[0],
        "wrong key": shop.ask("/products", {"x-api-key": "AIzaNobody"})[0],
        "foreign key": shop.ask("/products", shop.key("foreign"))[0],
        "undefined path": shop.ask("/admin", own)[0],
        "wrong method": shop.ask("/products", own, "DELETE")[0],
        "dot segments": shop.ask("/products/../admin", own)[0],
    }
    assert found == {
        "key in the query": 200,
        "parameter": 200,
        "no key": 401,
        "wrong key": 400,
        "foreign key": 403,
        "undefined path": 404,
        "wrong method": 405,
        "dot segments": 404,
    }


def test_nobody_else_calls_the_function(shop: Shop) -> None:
    """Its address is public; only the gateway's account may call it."""
    service = shop.function()["serviceConfig"]["service"]
    policy = shop.cloud.google("GET", "run", f"v2/{service}:getIamPolicy")
    members = [member for binding in policy["bindings"] for member in binding["members"]]
    assert members == ["serviceAccount:shop-gateway@acme-shop.iam.gserviceaccount.com"]


def test_a_second_run_changes_nothing(shop: Shop) -> None:
    before, function = shop.configs(), shop.function()
    shop.cloud.control("DELETE", "requests")
    run = shop.play()
    assert run.changed == 0 and run.actions == set()
    assert shop.cloud.counters()["mutating"] == 0
    # No config, no build, no revision: Google shows the function as it was.
    assert shop.configs() == before and shop.function() == function


def test_a_changed_route_moves_the_gateway_under_load(shop: Shop) -> None:
    (before,) = shop.configs()
    changed = declaration({"path": "/reviews", "methods": ["get"]})
    shop.cloud.control("DELETE", "requests")
    preview = shop.play(changed, "--check")
    counters = shop.cloud.counters()
    # Google is asked what it thinks of the document (validateOnly), and nothing else is sent.
    assert counters["mutating"] == counters["by_method"].get("servicemanagement.services.configs.submit", 0)
    run = shop.play_under_load(changed)
    assert shop.ask("/reviews", shop.key())[0] == 200
    kinds = {(kind, action) for kind, _name, action in run.actions}
    changes = {("api_gateway_config", "created"), ("cloud_function", "updated"), ("api_gateway_gateway", "updated")}
    assert kinds == changes
    assert run.actions == preview.actions
    assert before in shop.configs() and len(shop.configs()) == 2


def test_tokens(shop: Shop) -> None:
    shown = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(SIGNING.public_key()))
    shop.cloud.control("PUT", "key-sets", json={KEYS: {"keys": [{**shown, "kid": "one", "alg": "RS256"}]}})
    stated = declaration(
        {"path": "/orders", "methods": ["get"], "security": "jwt"},
        {"path": "/both", "methods": ["get"], "security": "api_key_and_jwt"},
        jwt={"issuer": ISSUER, "jwks_uri": KEYS, "audiences": ["shop"]},
    )
    before = shop.configs()
    # On one connection at a time, so that what it was answered has an order.
    with Stream(shop.way, shop.host, "/reviews", clients=1, headers=shop.key(), longest=600) as stream:
        run = shop.watched(stated)
    # A route that is declared no more is served until the gateway has moved; then it is the gateway that knows none.
    codes = [one.status for one in stream.answers]
    assert set(codes) == {200, 404} and codes == sorted(codes)
    assert {json.loads(one.text)["message"] for one in stream.lost} == {UNDEFINED}
    told = shop.function()["serviceConfig"]["environmentVariables"]
    assert told["FORWARD_PATHS"] == "/both,/orders,/products"
    # Of the configs that nobody serves any more one is kept.
    assert len(before) == len(shop.configs()) == 2 and len(set(before) & set(shop.configs())) == 1
    assert shop.ask("/reviews", shop.key())[0] == 404
    past = int(time.time()) - 3600
    found = {
        "good": shop.ask("/orders", shop.token())[0],
        "good, and a key": shop.ask("/both", {**shop.token(), **shop.key()})[0],
        "none": shop.ask("/orders")[0],
        "expired": shop.ask("/orders", shop.token(exp=past))[0],
        "wrongly signed": shop.ask("/orders", shop.token(FOREIGN))[0],
        "another issuer": shop.ask("/orders", shop.token(iss="https://another.example"))[0],
        "for others": shop.ask("/orders", shop.token(aud="web"))[0],
        "a key instead": shop.ask("/orders", shop.key())[0],
        "a token without the key": shop.ask("/both", shop.token())[0],
    }
    assert found == {
        "good": 200,
        "good, and a key": 200,
        "none": 401,
        "expired": 401,
        "wrongly signed": 401,
        "another issuer": 401,
        "for others": 403,
        "a key instead": 401,
        "a token without the key": 401,
    }
    # What was shown since the run is in no log either: neither of the function, nor of the gateway or a pod.
    assert all(shop.secret().search(one) for one in shop.shown) and len(shop.shown) > 5
    assert re.search(CLAIMS, shop.token()["authorization"])
    logs = {file.name for file in shop.cloud.home.rglob("*.log")}
    assert {"function-shop-api-forward.log", "api-gateway.log", "daemon.log"} <= logs
    assert leaks(shop.cloud, run, shop.secret()) == []


def test_tokens_of_google_and_of_firebase(shop: Shop) -> None:
    shop.cloud.control("PUT", "key-sets", json={issuers.FIREBASE_KEYS: {"one": issuers.certificate(SIGNING)}})
    stated = declaration(
        {"path": "/people", "methods": ["get"], "security": "google_id_token"},
        {"path": "/app", "methods": ["get"], "security": "firebase"},
        google_id_token={"audiences": ["shop-web"]},
        firebase={"project": "acme-app"},
    )
    shop.play_under_load(stated)

    good = issuers.google(shop.cloud, "shop-web")
    made = {
        "good": good,
        "expired": issuers.google(shop.cloud, "shop-web", -3600),
        "wrongly signed": issuers.forged(good, FOREIGN),
        "for others": issuers.google(shop.cloud, "others"),
    }
    google = {name: {"authorization": f"Bearer {token}"} for name, token in made.items()}
    assert shop.told("/people", google) == issuers.TOLD
    firebase = shop.tokens(iss="https://securetoken.google.com/acme-app", aud="acme-app")
    assert shop.told("/app", firebase) == issuers.TOLD
    assert shop.ask("/people", firebase["good"])[0] == shop.ask("/app", google["good"])[0] == 401
    # The path of before is gone, whoever vouches.
    assert shop.ask("/orders", shop.token())[0] == 404


def test_a_document_of_ones_own(shop: Shop, tmp_path: Path) -> None:
    shown = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(SIGNING.public_key()))
    shop.cloud.control("PUT", "key-sets", json={KEYS: {"keys": [{**shown, "kid": "one", "alg": "RS256"}]}})
    (tmp_path / "openapi.yml").write_text(issuers.DOCUMENT)
    stated = declaration(document=str(tmp_path / "openapi.yml"), verify={"path": "/products"})
    del stated["gateway"]["routes"]
    run = shop.play_under_load(stated)
    assert ("api_gateway_gateway", "shop", "updated") in run.actions
    both = {name: {**shop.key(), **headers} for name, headers in shop.tokens().items()}
    assert shop.told("/stock/7", both, "PUT") == issuers.TOLD
    found = {
        "open": shop.ask("/open")[0],
        "a token without the key": shop.ask("/stock/7", shop.token(), "PUT")[0],
        "a wrong key": shop.ask("/products", {"x-api-key": "AIzaNobody"})[0],
        "an undeclared method": shop.ask("/stock/7", both["good"])[0],
        "a path of before": shop.ask("/people", both["good"])[0],
    }
    assert found == {
        "open": 200,
        "a token without the key": 401,
        "a wrong key": 400,
        "an undeclared method": 405,
        "a path of before": 404,
    }


def test_what_a_caller_forges_does_not_reach_the_pod(shop: Shop) -> None:
    """Of the function's own tests (tests/testbed/function) those where the gateway is part of the answer."""
    forged = {
        "Cookie": "session=forged",
        "X-Apigateway-Api-Userinfo": "forged",
        "X-Forwarded-Authorization": "forged",
        "X-Forwarded-Host": "forged",
        "X-Original-Url": "/forged",
        "Authorization": "Bearer forged",
    }
    status, body = shop.ask("/products", {**shop.key(), **forged})
    assert status == 200 and b"forged" not in body
    for path in ("/products/%2e%2e/admin", "/products/..%2fadmin", "/products/%252e%252e", "//evil.example/products"):
        status, body = shop.ask(path, shop.key())
        assert status in (400, 404) and b"shop-api" not in body, path


def test_bad_input_is_refused_before_any_write(shop: Shop) -> None:
    shop.cloud.control("DELETE", "requests")
    stated = declaration(security="api_key_or_jwt")
    stated["function"] = {"region": "us-east1", "timeout": 60}
    stated["egress"] = {"mode": "connector", "range": "10.68.0.0/28"}
    run = shop.play(stated, check=False)
    output = " ".join(run.output.replace("\\n", " ").split())
    assert run.code != 0
    for said in ("does not answer it", "the gateway waits 30 s", "egress.range: overlaps", "must be api_key"):
        assert said in output, (said, output[-2000:])
    assert shop.cloud.counters()["mutating"] == 0


def test_without_its_connector_the_function_reaches_nothing(shop: Shop) -> None:
    way = "v1/projects/acme-shop/locations/europe-west1/connectors/shop-vpc"
    assert shop.ask("/products", shop.key())[0] == 200
    shop.cloud.google("DELETE", "vpcaccess", way)
    until(lambda: shop.ask("/products", shop.key())[0] == 504, seconds=180, what="a clean 504")
    # It is the function that says so, before the gateway would cut it off, and it names no address.
    status, body = shop.ask("/products", shop.key())
    assert json.loads(body) == {"code": 504, "message": "The upstream did not answer in time."}
    # Who has no key is told so, whatever is broken behind.
    assert shop.ask("/products")[0] == 401
    run = shop.play()
    assert ("vpc_access_connector", "shop-vpc", "created") in run.actions
    assert shop.ask("/products", shop.key())[0] == 200


def test_another_way_into_the_network_loses_no_call_and_the_one_that_is_left_goes(shop: Shop) -> None:
    (before,) = shop.ranges()
    direct = {**declaration(), "egress": "direct"}
    run = shop.play_under_load(direct)
    assert ("cloud_function", "shop-api-forward", "updated") in run.actions
    assert "the load balancers answer both" in " ".join(run.output.split())
    assert before in shop.ranges() and len(shop.ranges()) == 2
    assert shop.function()["serviceConfig"].get("directVpcNetworkInterface")
    # Nothing says who made the connector, so it goes on request.
    asked = {**direct, "egress": {"mode": "direct", "remove_left": True}}
    closing = shop.play_under_load(asked)
    assert {(kind, action) for kind, _name, action in closing.actions} == {
        ("Service", "updated"),
        ("vpc_access_connector", "deleted"),
    }
    assert before not in shop.ranges() and len(shop.ranges()) == 1
    assert not [name for name in shop.objects() if name.startswith("connectors/")]
    assert shop.play(direct, "--check").changed == 0
    assert shop.ask("/products", shop.key())[0] == 200


def test_teardown_leaves_nothing_and_what_is_wanted_again_comes_back(shop: Shop) -> None:
    key = shop.key()
    direct = {**declaration(), "egress": "direct"}
    refused = shop.play(direct, playbook=TEARDOWN, check=False)
    assert refused.code != 0 and "was not confirmed" in refused.output
    # What runs in the clusters beside this goes with them, which is said.
    assert "api_gateway_gke_teardown_clusters=false" in refused.output
    confirmed = ("-e", "api_gateway_gke_teardown=acme-shop")
    # Google keeps the function's addresses in its subnet: at this scale for longer than a run may take.
    shop.cloud.control("PUT", "durations", json={"scale": 0.05})
    first = shop.watched(direct, *confirmed, playbook=TEARDOWN, check=False)
    shop.cloud.control("PUT", "durations", json={"scale": 0})
    assert first.code != 0 and "one to two hours" in " ".join(first.output.split())
    assert shop.objects() == ["networks/shop-vpc", "subnetworks/shop-vpc-egress"]
    # Nothing takes any time now, so the addresses are gone.
    assert shop.play(direct, *confirmed, playbook=TEARDOWN).changed
    assert shop.objects() == []
    assert shop.play(direct, *confirmed, playbook=TEARDOWN).changed == 0
    # Google keeps the key's name: whether its string is to be good again, people decide, and before anything is made.
    shop.cloud.control("DELETE", "requests")
    anew = shop.play(check=False)
    assert anew.code != 0 and "restore: true" in anew.output
    assert shop.cloud.counters()["mutating"] == 0
    shop.play(declaration(keys={"partner": {"restore": True}}))
    # The string that the partner has is good again.
    assert shop.key() == key and shop.ask("/products", key)[0] == 200
