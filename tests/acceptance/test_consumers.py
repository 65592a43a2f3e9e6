# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What products, keys and key value maps mean to requests through the real runtime, as modules make and change them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.cloud import Cloud
from tests.acceptance.gateway_site import Site, answer, files
from tests.acceptance.stream import Answer

ANN = "ann@partner.example"
PRODUCT: dict[str, Any] = {
    "kind": "apigee_api_product",
    "name": "partner",
    "environments": ["prod"],
    "operations": [
        {"proxy": "orders", "resource": "/items/**", "methods": ["GET"]},
        {"proxy": "orders", "resource": "/few", "quota": {"limit": 2, "interval": 1, "time_unit": "month"}},
    ],
}
APP: dict[str, Any] = {"kind": "apigee_app", "developer": ANN, "name": "shop"}
KEY: dict[str, Any] = {
    "kind": "apigee_app_key",
    "developer": ANN,
    "app": "shop",
    "name": "first",
    "key": "first-consumer-key",
    "products": [{"name": "partner"}],
}
SETTINGS: dict[str, Any] = {
    "kind": "apigee_key_value_map",
    "environment": "prod",
    "name": "settings",
    "secret_entries": {"greeting": "good morning"},
}
WHOLE = [
    PRODUCT,
    {"kind": "apigee_developer", "email": ANN, "first_name": "Ann", "last_name": "Smith"},
    APP,
    KEY,
    SETTINGS,
]
POLICIES = {
    "Verify": '<VerifyAPIKey name="Verify"><APIKey ref="request.queryparam.apikey"/></VerifyAPIKey>',
    "Count": '<Quota name="Count"><UseQuotaConfigInAPIProduct stepName="Verify"/></Quota>',
    "Settings": """<KeyValueMapOperations name="Settings" mapIdentifier="settings">
  <ExpiryTimeInSecs>1</ExpiryTimeInSecs>
  <Get assignTo="private.greeting"><Key><Parameter>greeting</Parameter></Key></Get>
</KeyValueMapOperations>
""",
    "Answer": answer("{private.greeting}"),
}


@pytest.fixture(scope="module")
def site(running_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One organisation for all tests of this file, with a proxy that asks for a key."""
    built = Site(running_cloud, tmp_path_factory.mktemp("bundles"))
    built.build()
    content = files("", "/orders", "orders")
    content |= {f"apiproxy/policies/{name}.xml": text for name, text in POLICIES.items()}
    steps = "".join(f"<Step><Name>{name}</Name></Step>" for name in ("Verify", "Count", "Settings"))
    endpoint = "apiproxy/proxies/default.xml"
    content[endpoint] = content[endpoint].replace("<Request/>", f"<Request>{steps}</Request>")
    del content["apiproxy/policies/Refuse.xml"]
    built.proxy(built.write(content), probe=False)
    yield built


@pytest.fixture
def consumers(site: Site) -> Site:
    """The product, one key for it, and a key value map, all new."""
    site.run("resources", resources=[{**one, "state": "absent", "force": True} for one in WHOLE])
    result = site.run("resources", resources=WHOLE)
    assert result["changed"]
    for secret in ("first-consumer-key", "good morning"):
        assert secret not in json.dumps(result)
    return site


def change(site: Site, entry: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return site.run("resources", resources=[{**entry, **changes}])


def ask(site: Site, path: str = "/items/1", key: str = KEY["key"], method: str = "GET") -> Answer:
    return site.stream(f"/orders{path}?apikey={key}").once(method)


def refusal(reply: Answer) -> tuple[int, str]:
    return reply.status, json.loads(reply.text)["fault"]["detail"]["errorcode"]


NOT_COVERED = (401, "oauth.v2.InvalidApiKeyForGivenResource")


def test_a_key_opens_what_its_product_says(consumers: Site) -> None:
    reply = ask(consumers)
    assert (reply.status, reply.text) == (200, "good morning")
    assert refusal(ask(consumers, method="POST")) == NOT_COVERED
    assert refusal(ask(consumers, path="/others")) == NOT_COVERED
    assert refusal(ask(consumers, key="")) == (401, "steps.oauth.v2.FailedToResolveAPIKey")
    assert refusal(ask(consumers, key="unknown")) == (401, "oauth.v2.InvalidApiKey")
    change(consumers, PRODUCT, environments=["test"])
    assert refusal(ask(consumers)) == NOT_COVERED


def test_the_quota_of_an_operation_is_counted_and_the_others_go_on(consumers: Site) -> None:
    assert [ask(consumers, "/few").status for _ in range(3)] == [200, 200, 429]
    assert ask(consumers).status == 200


def test_a_key_is_exchanged_without_a_failed_call(consumers: Site) -> None:
    second = {**KEY, "name": "second", "key": "second-consumer-key"}
    with consumers.stream(f"/orders/items/1?apikey={KEY['key']}") as old:
        change(consumers, second)
        assert ask(consumers, key=second["key"]).status == 200
        # Once more with everything: no key comes of it, and none goes.
        assert not consumers.run("resources", resources=[*WHOLE, second])["changed"]
    with consumers.stream(f"/orders/items/1?apikey={second['key']}") as new:
        change(consumers, KEY, state="absent")
    assert old.answers and new.answers and not old.lost and not new.lost
    assert refusal(ask(consumers)) == (401, "oauth.v2.InvalidApiKey")


def test_what_is_revoked_or_expired_is_told_apart(consumers: Site) -> None:
    change(consumers, KEY, status="revoked")
    assert refusal(ask(consumers)) == (401, "oauth.v2.ApiKeyNotApproved")
    change(consumers, KEY, status="approved")
    assert ask(consumers).status == 200
    change(consumers, APP, status="revoked")
    assert refusal(ask(consumers)) == (401, "keymanagement.service.invalid_client-app_not_approved")
    change(consumers, APP, status="approved")
    change(consumers, KEY, products=[])
    assert refusal(ask(consumers)) == (400, "keymanagement.service.consumer_key_missing_api_product_association")
    change(consumers, {**KEY, "name": "short", "key": "short-consumer-key", "expires_in": 1})
    until = time.monotonic() + 10
    while (reply := ask(consumers, key="short-consumer-key")).status == 200 and time.monotonic() < until:
        time.sleep(0.1)
    assert refusal(reply) == (401, "keymanagement.service.consumer_key_expired")


def test_a_changed_entry_arrives_when_what_was_read_has_expired(consumers: Site) -> None:
    assert ask(consumers).text == "good morning"
    change(consumers, SETTINGS, secret_entries={"greeting": "good evening"})
    until = time.monotonic() + 10
    while (text := ask(consumers).text) == "good morning" and time.monotonic() < until:
        time.sleep(0.1)
    assert text == "good evening"
