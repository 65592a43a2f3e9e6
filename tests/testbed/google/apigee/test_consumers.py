# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""API products, developers, apps and keys."""
from __future__ import annotations

import pytest

PRODUCTS, DEVELOPERS = "apigee.organizations.apiproducts", "apigee.organizations.developers"
APPS, KEYS = f"{DEVELOPERS}.apps", f"{DEVELOPERS}.apps.keys"
ANN = {"email": "ann@acme.example", "firstName": "Ann", "lastName": "Smith", "userName": "ann"}
PRODUCT = {"name": "partner", "displayName": "Partner"}
APP = "developers/ann@acme.example/apps/shop"


@pytest.fixture
async def site(apigee):
    await apigee.ready()
    await apigee.upload()
    return apigee


@pytest.fixture
async def shop(site):
    """A developer with the app shop, whose key opens the product partner."""
    await site.post("apiproducts", PRODUCT)
    await site.post("developers", ANN)
    await site.post("developers/ann@acme.example/apps", {"name": "shop", "apiProducts": ["partner"]})
    return site


async def act(site, path, action, content=b""):
    return await site.call("POST", site.at(path), content, action=action)


@pytest.mark.shows(f"{PRODUCTS}.create", f"{PRODUCTS}.get", f"{PRODUCTS}.list", f"{PRODUCTS}.update",
                   f"{PRODUCTS}.delete")
async def test_products(site):
    made = await site.post("apiproducts", PRODUCT | {
        "quota": "100", "quotaInterval": "1", "quotaTimeUnit": "minute",
        "proxies": ["orders"], "environments": ["prod"], "attributes": [{"name": "access", "value": "private"}]})
    assert made["approvalType"] == "auto" and made["createdAt"].isdigit()
    assert site.world.configuration["products"][0]["quota"] == "100"
    await site.post("apiproducts", {"name": "b", "displayName": "B"})
    assert await site.get("apiproducts") == {"apiProduct": [{"name": "b"}, {"name": "partner"}]}
    assert await site.get("apiproducts", startKey="partner", count=1) == {"apiProduct": [{"name": "partner"}]}
    assert (await site.get("apiproducts", expand=True))["apiProduct"][1] == made
    named = await site.get("apiproducts", attributename="access", attributevalue="private")
    assert named == {"apiProduct": [{"name": "partner"}]}
    changed = await site.put("apiproducts/partner", PRODUCT | {"description": "new"})
    assert changed["description"] == "new" and "quota" not in changed and changed["createdAt"] == made["createdAt"]
    with site.refused(400, "cannot be changed"):
        await site.put("apiproducts/partner", {"name": "x", "displayName": "x"})
    assert (await site.delete("apiproducts/partner"))["description"] == "new"
    with site.refused(404):
        await site.get("apiproducts/partner")
    with site.refused(409):
        await site.post("apiproducts", {"name": "b", "displayName": "B"})


CONFIG = {"apiSource": "orders", "operations": [{"resource": "/", "methods": ["GET"]}]}


@pytest.mark.shows(f"{PRODUCTS}.create", f"{PRODUCTS}.update")
@pytest.mark.parametrize("change, message", [
    ({"name": "a/b"}, "name"), ({"displayName": None}, "displayName"), ({"approvalType": "later"}, "approvalType"),
    ({"quota": "many", "quotaInterval": "1", "quotaTimeUnit": "minute"}, "quota"),
    ({"quota": "1", "quotaInterval": "1", "quotaTimeUnit": "second"}, "quotaTimeUnit"),
    ({"quota": "1"}, "must be given together"), ({"proxies": ["none"]}, 'API proxy "none" does not exist'),
    ({"environments": ["none"]}, 'environment "none" does not exist'),
    ({"attributes": [{"name": str(n), "value": ""} for n in range(19)]}, "attributes"),
    ({"attributes": [{"name": "access", "value": "secret"}]}, "public, private or internal"),
    ({"proxies": ["orders"], "operationGroup": {"operationConfigs": [CONFIG]}}, "cannot be combined"),
    ({"operationGroup": {"operationConfigs": [CONFIG | {"operations": CONFIG["operations"] * 2}]}}, "more than one"),
    ({"operationGroup": {"operationConfigs": [CONFIG | {"apiSource": "none"}]}}, "does not exist"),
])
async def test_product_refusals(site, change, message):
    body = {name: value for name, value in (PRODUCT | change).items() if value is not None}
    with site.refused(400, message):
        await site.post("apiproducts", body)


@pytest.mark.shows(f"{DEVELOPERS}.create", f"{DEVELOPERS}.get", f"{DEVELOPERS}.list", f"{DEVELOPERS}.update",
                   f"{DEVELOPERS}.setDeveloperStatus", f"{DEVELOPERS}.delete")
async def test_developers(shop):
    found = await shop.get("developers/ann@acme.example")
    assert found["status"] == "active" and found["apps"] == ["shop"] and found["organizationName"] == "acme-shop"
    assert await shop.get("developers") == {"developer": [{"email": "ann@acme.example"}]}
    assert (await shop.get("developers", expand=True))["developer"] == [found]
    assert (await shop.get("developers", ids=found["developerId"]))["developer"]
    assert await shop.get("developers", app="other") == {}
    with shop.refused(400, "expand is not valid"):
        await shop.get("developers", expand=True, count=1)
    changed = await shop.put("developers/ann@acme.example", ANN | {"firstName": "Anna"})
    assert changed["firstName"] == "Anna" and changed["developerId"] == found["developerId"]
    await act(shop, "developers/ann@acme.example", "inactive")
    assert shop.status_code == 204
    assert (await shop.get("developers/ann@acme.example"))["status"] == "inactive"
    assert shop.world.configuration["developers"][0]["status"] == "inactive"
    with shop.refused(400, "must be active or inactive"):
        await act(shop, "developers/ann@acme.example", "sleep")
    await shop.delete("developers/ann@acme.example")
    assert shop.world.configuration["apps"] == [] and await shop.get("apps") == {}


@pytest.mark.shows(f"{DEVELOPERS}.create", f"{DEVELOPERS}.update")
async def test_developer_refusals(shop):
    for name in ANN:
        with shop.refused(400, name):
            await shop.post("developers", {key: value for key, value in ANN.items() if key != name})
    with shop.refused(400, "email"):
        await shop.post("developers", ANN | {"email": "Ann@acme.example"})
    with shop.refused(409):
        await shop.post("developers", ANN)
    with shop.refused(400, "does not match"):
        await shop.put("developers/ann@acme.example", ANN | {"email": "b@acme.example"})
    with shop.refused(404):
        await shop.get("developers/none@acme.example")


@pytest.mark.shows(f"{APPS}.create", f"{APPS}.get", f"{APPS}.list", "apigee.organizations.apps.get",
                   "apigee.organizations.apps.list")
async def test_app_has_a_key_for_its_products(shop):
    app = await shop.get(APP)
    credential, = app["credentials"]
    assert credential["apiProducts"] == [{"apiproduct": "partner", "status": "approved"}]
    assert credential["status"] == "approved" and credential["expiresAt"] == "-1"
    assert len(credential["consumerKey"]) == 48 and len(credential["consumerSecret"]) == 64
    pushed, = shop.world.configuration["apps"]
    assert pushed["credentials"][0]["consumerKey"] == credential["consumerKey"]
    path = "developers/ann@acme.example/apps"
    assert await shop.get(path) == {"app": [{"appId": app["appId"]}]}
    assert await shop.get(path, shallowExpand=True) == {"app": [{"appId": app["appId"], "name": "shop"}]}
    assert await shop.get(path, expand=True) == {"app": [app]}
    assert await shop.get("apps") == {"app": [{"appId": app["appId"]}]}
    whole = (await shop.get("apps", expand=True, filter="developerEmail=ann@acme.example"))["app"][0]
    assert whole["developerEmail"] == "ann@acme.example" and "credentials" not in whole
    assert (await shop.get("apps", expand=True, includeCred=True))["app"][0]["credentials"]
    assert await shop.get("apps", filter="appName=none") == {}
    assert (await shop.get(f"apps/{app['appId']}"))["name"] == "shop"
    with shop.refused(409):
        await shop.post(path, {"name": "shop"})
    with shop.refused(400, 'API product "none" does not exist'):
        await shop.post(path, {"name": "b", "apiProducts": ["none"]})
    with shop.refused(400, "name"):
        await shop.post(path, {"apiProducts": ["partner"]})


@pytest.mark.shows(f"{APPS}.create", f"{KEYS}.apiproducts.updateDeveloperAppKeyApiProduct")
async def test_manual_products_wait_for_approval(shop):
    await shop.post("apiproducts", {"name": "gold", "displayName": "Gold", "approvalType": "manual"})
    app = await shop.post("developers/ann@acme.example/apps",
                          {"name": "b", "apiProducts": ["gold"], "keyExpiresIn": "1000"})
    credential, = app["credentials"]
    assert credential["apiProducts"] == [{"apiproduct": "gold", "status": "pending"}]
    assert int(credential["expiresAt"]) - int(credential["issuedAt"]) in range(990, 1011)
    path = f"developers/ann@acme.example/apps/b/keys/{credential['consumerKey']}"
    await act(shop, f"{path}/apiproducts/gold", "approve")
    assert (await shop.get(path))["apiProducts"] == [{"apiproduct": "gold", "status": "approved"}]
    with shop.refused(404):
        await act(shop, f"{path}/apiproducts/partner", "approve")


@pytest.mark.shows(f"{APPS}.update", f"{APPS}.generateKeyPairOrUpdateDeveloperAppStatus", f"{APPS}.delete")
async def test_app_updates(shop):
    await shop.post("apiproducts", {"name": "gold", "displayName": "Gold"})
    before = await shop.get(APP)
    changed = await shop.put(APP, {"name": "shop", "callbackUrl": "https://a.example", "apiProducts": ["partner"]})
    assert changed["credentials"] == before["credentials"] and changed["callbackUrl"] == "https://a.example"
    changed = await shop.put(APP, {"name": "shop", "apiProducts": ["partner", "gold"]})
    assert [item["apiProducts"][0]["apiproduct"] for item in changed["credentials"]] == ["partner", "gold"]
    assert "callbackUrl" not in changed
    with shop.refused(400, "cannot be changed"):
        await shop.put(APP, {"name": "other"})
    await shop.put(APP, {"name": "shop", "callbackUrl": "https://a.example"})
    changed = await shop.post(APP, {"apiProducts": ["gold"]})
    assert len(changed["credentials"]) == 3 and "callbackUrl" not in changed
    await act(shop, APP, "revoke")
    assert shop.status_code == 204 and (await shop.get(APP))["status"] == "revoked"
    assert shop.world.configuration["apps"][0]["status"] == "revoked"
    with shop.refused(400, "Content-Type must be"):
        await shop.post(APP, {}, action="approve")
    await shop.delete(APP)
    with shop.refused(404):
        await shop.get(APP)


@pytest.mark.shows(f"{PRODUCTS}.delete")
async def test_a_product_that_a_key_names_stays(shop):
    with shop.refused(400, r"Cannot delete Product \[partner\] used in Application: shop"):
        await shop.delete("apiproducts/partner")
    credential, = (await shop.get(APP))["credentials"]
    await shop.delete(f"{APP}/keys/{credential['consumerKey']}/apiproducts/partner")
    assert (await shop.delete("apiproducts/partner"))["name"] == "partner"


@pytest.mark.shows(f"{APPS}.create", f"{APPS}.list")
async def test_scopes_of_a_new_app_are_those_of_its_key_and_its_products(shop):
    await shop.put("apiproducts/partner", PRODUCT | {"scopes": ["read"]})
    path = "developers/ann@acme.example/apps"
    app = await shop.post(path, {"name": "scoped", "apiProducts": ["partner"], "scopes": ["read"]})
    assert app["credentials"][0]["scopes"] == ["read"]
    with shop.refused(400, "write are not defined"):
        await shop.post(path, {"name": "more", "apiProducts": ["partner"], "scopes": ["write"]})
    with shop.refused(400, "expand is not valid"):
        await shop.get(path, expand=True, count=1)


@pytest.mark.shows(f"{KEYS}.create", f"{KEYS}.create.create", f"{KEYS}.get", f"{KEYS}.updateDeveloperAppKey",
                   f"{KEYS}.replaceDeveloperAppKey", f"{KEYS}.delete", f"{KEYS}.apiproducts.delete")
async def test_imported_keys(shop):
    made = await shop.post(f"{APP}/keys", {"consumerKey": "my-key_1", "consumerSecret": "s3", "status": "revoked"})
    assert made["status"] == "approved" and "apiProducts" not in made
    await shop.post(f"{APP}/keys/create", {"consumerKey": "second", "consumerSecret": "s3"})
    path = f"{APP}/keys/my-key_1"
    updated = await shop.post(path, {"apiProducts": ["partner"], "attributes": [{"name": "a", "value": "b"}]})
    assert updated["apiProducts"] == [{"apiproduct": "partner", "status": "approved"}]
    # Binding replaces the attributes: those that are not sent are gone.
    assert await shop.post(path, {"apiProducts": ["partner"]}) == {
        name: value for name, value in updated.items() if name != "attributes"}
    await act(shop, path, "revoke")
    assert shop.status_code == 204 and (await shop.get(path))["status"] == "revoked"
    await shop.put("apiproducts/partner", PRODUCT | {"scopes": ["read"]})
    assert (await shop.put(path, {"scopes": ["read"]}))["scopes"] == ["read"]
    with shop.refused(400, "write are not defined"):
        await shop.put(path, {"scopes": ["write"]})
    assert "apiProducts" not in await shop.delete(f"{path}/apiproducts/partner")
    assert (await shop.delete(path))["consumerKey"] == "my-key_1"
    with shop.refused(404):
        await shop.get(path)


@pytest.mark.shows(f"{KEYS}.create", f"{KEYS}.updateDeveloperAppKey")
@pytest.mark.parametrize("body, status, message", [
    ({"consumerKey": "a b", "consumerSecret": "c"}, 400, "consumerKey"),
    ({"consumerKey": "a"}, 400, "consumerSecret"),
    ({"consumerKey": "a" * 2049, "consumerSecret": "c"}, 400, "longer than 2048"),
    ({"consumerKey": "taken", "consumerSecret": "c"}, 409, "already exists"),
])
async def test_key_refusals(shop, body, status, message):
    await shop.post(f"{APP}/keys", {"consumerKey": "taken", "consumerSecret": "c"})
    with shop.refused(status, message) as refusal:
        await shop.post(f"{APP}/keys", body)
    assert "taken" not in str(refusal.value)
    with shop.refused(400, "does not exist"):
        await shop.post(f"{APP}/keys/taken", {"apiProducts": ["none"]})
    with shop.refused(404):
        await shop.post(f"{APP}/keys/none", {})
