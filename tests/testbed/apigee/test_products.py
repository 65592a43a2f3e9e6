# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Products at run time: which operation covers a request, whose quota counts it, and what a key may not do."""
from __future__ import annotations

import pytest

from .bundles import proxy_xml, show, steps, with_policies
from .conftest import serve

VERIFY = '<VerifyAPIKey name="key"><APIKey ref="request.header.x-apikey"/></VerifyAPIKey>'
USE = '<UseQuotaConfigInAPIProduct stepName="key">{}</UseQuotaConfigInAPIProduct>'
DEFAULT = "<DefaultConfig><Allow>{}</Allow><Interval>1</Interval><TimeUnit>month</TimeUnit></DefaultConfig>"
QUOTA = {"quota": "2", "quotaInterval": "1", "quotaTimeUnit": "month"}


def operation(resource: str, *methods: str, proxy: str = "demo", **more) -> dict:
    return {"apiSource": proxy, "operations": [{"resource": resource, "methods": list(methods)}], **more}


def consumers(*operations: dict, keys: tuple[str, ...] = ("key-1",), **product) -> dict:
    """One developer with an app for each key, all for one product."""
    whole = {"name": "gold", **product}
    if operations:
        whole["operationGroup"] = {"operationConfigs": list(operations)}
    return {
        "products": [whole], "developers": [{"developerId": "d", "email": "ann@example.com", "status": "active"}],
        "apps": [{"name": f"app-{key}", "appId": f"id-{key}", "developerId": "d", "status": "approved",
                  "credentials": [{"consumerKey": key, "status": "approved", "apiProducts": [
                      {"apiproduct": "gold", "status": "approved"}]}]} for key in keys]}


async def call(bench, path: str, method: str = "GET", key: str = "key-1"):
    return await bench.call(f"/demo{path}", method, headers={"X-ApiKey": key})


@pytest.mark.parametrize(("resource", "path", "admitted"), [
    ("/", "", True), ("/", "/a/b", True), ("/**", "/a/b", True), ("/*", "/a", True), ("/*", "/a/b", False),
    ("/items/**", "/items/1/parts", True), ("/items/**", "/orders", False), ("/items/*/parts", "/items/1/parts", True),
    ("/items/*/parts", "/items/1/2/parts", False), ("/items", "/items", True), ("/items", "/items/1", False)])
async def test_paths_of_operations(bench, target, resource, path, admitted):
    await serve(bench, target, proxy_xml(pre=steps("key")), VERIFY, **consumers(operation(resource)))

    reply = await call(bench, path)

    assert reply.status == (200 if admitted else 401)
    assert admitted or reply.errorcode == "oauth.v2.InvalidApiKeyForGivenResource"


async def test_methods_proxies_and_environments_of_operations(bench, target):
    operations = (operation("/a", "GET", "PUT"), operation("/b", proxy="other"), operation("/c"))
    for environments, admitted in ((["test"], True), (["prod"], False), ([], True)):
        await serve(bench, target, proxy_xml(pre=steps("key")), VERIFY,
                    **consumers(*operations, environments=environments))
        for path, method, covered in (("/a", "GET", True), ("/a", "PUT", True), ("/a", "POST", False),
                                      ("/b", "GET", False), ("/c", "DELETE", True)):
            assert (await call(bench, path, method)).status == (200 if covered and admitted else 401), (path, method)


async def test_variables_of_the_operation_and_its_quota(bench, target):
    quota = {"limit": "7", "interval": "3", "timeUnit": "day"}
    names = ["apiproduct.operation.resource", "apiproduct.operation.methods", "apiproduct.operation.attributes.team",
             *(f"verifyapikey.key.apiproduct.developer.quota.{part}" for part in ("limit", "interval", "timeunit"))]
    await serve(bench, target, proxy_xml(pre=steps("key"), post_response=steps("show")), VERIFY, show(*names),
                **consumers(operation("/a/*", "GET", quota=quota, attributes=[{"name": "team", "value": "shop"}]),
                            operation("/b"), **QUOTA))

    assert list((await call(bench, "/a/1")).json().values()) == ["/a/*", "GET", "shop", "7", "3", "day"]
    assert list((await call(bench, "/b")).json().values()) == ["/b", "", "", "2", "1", "month"]


async def counted(bench, path: str, key: str = "key-1") -> int:
    """How many calls in a row are admitted, at most five."""
    for number in range(5):
        reply = await call(bench, path, key=key)
        if reply.status != 200:
            assert (reply.status, reply.errorcode) == (429, "policies.ratelimit.QuotaViolation")
            return number
    return 5


PROXY = proxy_xml(pre=steps("key", "quota"))


async def test_the_quota_of_the_product_counts_each_app(bench, target):
    await serve(bench, target, PROXY, VERIFY, f'<Quota name="quota">{USE.format(DEFAULT.format(1))}</Quota>',
                **consumers(keys=("key-1", "key-2"), **QUOTA))

    assert await counted(bench, "/a") == 2
    assert await counted(bench, "/b") == 0
    assert await counted(bench, "/a", "key-2") == 2


async def test_the_quota_of_an_operation_replaces_the_products(bench, target):
    own = {"limit": "1", "interval": "1", "timeUnit": "month"}
    await serve(bench, target, PROXY, VERIFY, f'<Quota name="quota">{USE.format("")}</Quota>',
                **consumers(operation("/a", quota=own), operation("/b"), operation("/c"), **QUOTA))

    assert await counted(bench, "/a") == 1
    assert await counted(bench, "/b") == 2
    assert await counted(bench, "/c") == 0


async def test_operations_can_have_counters_of_their_own_for_the_products_quota(bench, target):
    await serve(bench, target, PROXY, VERIFY, f'<Quota name="quota">{USE.format("")}</Quota>',
                **consumers(operation("/b"), operation("/c"), quotaCounterScope="OPERATION", **QUOTA))

    assert await counted(bench, "/b") == 2
    assert await counted(bench, "/c") == 2


@pytest.mark.parametrize(("default", "admitted"), [(DEFAULT.format(3), 3), ("", 5)])
async def test_a_product_without_a_quota(bench, target, default, admitted):
    await serve(bench, target, PROXY, VERIFY, f'<Quota name="quota">{USE.format(default)}</Quota>', **consumers())

    assert await counted(bench, "/a") == admitted


@pytest.mark.parametrize(("content", "violation"), [
    ("<UseQuotaConfigInAPIProduct/>", "UseQuotaConfigInAPIProduct needs stepName"),
    (USE.format("<DefaultConfig><Allow>1</Allow></DefaultConfig>"), "DefaultConfig needs Interval"),
    (USE.format(DEFAULT.format(1).replace("month", "year")), "InvalidQuotaTimeUnit"),
])
async def test_what_a_quota_may_not_say(bench, content, violation):
    report = await bench.deploy(with_policies(PROXY, VERIFY, f'<Quota name="quota">{content}</Quota>'),
                                servers=[{"name": "backend", "host": "127.0.0.1", "port": 1}])

    assert any(violation in error for error in report["deployments"][0]["errors"]), report
