# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is declared of a gateway: what comes of it, and what is refused with what to do."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import InvalidError
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._microgateway import gateway, guard, render

SERVICE = {
    "mode": "service",
    "organization": "acme",
    "environment": "test",
    "proxies": [{"name": "edgemicro_orders", "base_path": "/orders", "target": "http://orders.shop.svc:8080/v1"}],
    "plugins": ["oauth"],
}
SIDECAR = {"mode": "sidecar", "organization": "acme", "environment": "test", "plugins": ["oauth"],
           "application_port": 8080}
HEALTH = {"name": "edgemicro_health", "base_path": "/healthcheck"}


def declare(base: dict[str, t.Any] | None = None, **changes: t.Any) -> gateway.Gateway:
    return gateway.read({**(base or SERVICE), **changes})


def plugin(name: str, **settings: t.Any) -> dict[str, t.Any]:
    return {"name": name, "settings": settings}


def configuration(base: dict[str, t.Any] | None = None, **changes: t.Any) -> dict[str, t.Any]:
    return render.configuration(declare(base, **changes))


# -- what comes of it -------------------------------------------------------------------------------------------
def test_addresses_of_the_public_cloud_follow_from_the_names() -> None:
    found = configuration()
    service = "https://edgemicroservices.apigee.net/edgemicro"
    proxy = "https://acme-test.apigee.net/edgemicro-auth"
    assert found["edge_config"] == {
        "bootstrap": f"{service}/bootstrap/organization/acme/environment/test",
        "jwt_public_key": f"{proxy}/publicKey",
        "products": f"{proxy}/products",
        "jwk_public_keys": f"{proxy}/jwkPublicKeys",
    }
    assert found["oauth"] == {
        "allowNoAuthorization": False,
        "allowInvalidAuthorization": False,
        "verify_api_key_url": f"{proxy}/verifyApiKey",
    }
    assert found["analytics"]["uri"] == f"{service}/axpublisher/organization/acme/environment/test"


def test_a_private_cloud_has_its_own_addresses() -> None:
    found = configuration(microservices="https://edge.acme.example/edgemicro/",
                          authentication="https://api.acme.example/edgemicro-auth/", key_set=False)
    assert found["edge_config"]["bootstrap"].startswith("https://edge.acme.example/edgemicro/bootstrap/")
    assert found["edge_config"]["products"] == "https://api.acme.example/edgemicro-auth/products"
    assert "jwk_public_keys" not in found["edge_config"]


def test_the_guard_runs_first_and_the_rest_in_the_declared_order() -> None:
    found = configuration(proxies=[*SERVICE["proxies"], HEALTH], plugins=[
        "healthcheck", plugin("spikearrest", timeUnit="second", allow=5), "oauth",
        plugin("quota", bufferSize={"default": 0})])
    assert found["edgemicro"]["plugins"]["sequence"] == [guard.NAME, "healthcheck", "spikearrest", "oauth", "quota"]
    assert found["spikearrest"] == {"timeUnit": "second", "allow": 5}
    # The product reads the settings of this one plugin under another name.
    assert found["quotas"] == {"bufferSize": {"default": 0}} and "quota" not in found


def test_connections_of_googles_balancers_are_kept_longer_than_they_keep_them() -> None:
    server = configuration()["edgemicro"]
    assert server["headers_timeout"] > server["keep_alive_timeout"] > 600_000


def test_only_declared_proxies_are_served_and_a_sidecar_lists_none() -> None:
    assert configuration()["edgemicro"]["proxies"] == ["edgemicro_orders"]
    assert "proxies" not in configuration(SIDECAR)["edgemicro"]


def test_the_guard_looks_for_keys_where_oauth_does() -> None:
    assert configuration(plugins=[plugin("oauth", **{"api-key-header": "apikey"})])[guard.NAME]["keyHeader"] == "apikey"
    assert configuration()[guard.NAME] == {"allowEncodedSlashes": False, "keyHeader": "x-api-key"}


def test_the_text_is_stable_and_encoded_once() -> None:
    declared = declare()
    assert render.text(declared) == render.text(declare())
    assert json.loads(base64.b64decode(render.encoded(declared))) == render.configuration(declared)


def test_variables_of_a_service_and_of_a_sidecar() -> None:
    service = render.variables(declare(processes=2, variables={"NODE_EXTRA_CA_CERTS": "/etc/ca.crt"}))
    assert service["EDGEMICRO_PROCESSES"] == "2" and service["NODE_EXTRA_CA_CERTS"] == "/etc/ca.crt"
    assert not {"EDGEMICRO_DECORATOR", "EDGEMICRO_LOCAL_PROXY", "CONTAINER_PORT"} & set(service)
    sidecar = render.variables(declare(SIDECAR))
    assert (sidecar["EDGEMICRO_DECORATOR"], sidecar["EDGEMICRO_LOCAL_PROXY"]) == ("1", "1")
    assert sidecar["CONTAINER_PORT"] == "8080"
    for found in (service, sidecar):
        assert not {"EDGEMICRO_LOCAL", "EDGEMICRO_KEY", "EDGEMICRO_SECRET", "EDGEMICRO_CONFIG"} & set(found)


# -- what cannot be read ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("changes, said", [
    ({"plugin": []}, "plugin is not known. Write plugins."),
    ({"organization": None}, "organization is missing."),
    ({"port": "8000"}, "port is '8000'. Write a whole number."),
    ({"processes": True}, "processes is True. Write a whole number."),
    ({"open": "no"}, "open is 'no'. Write true or false."),
    ({"plugins": "oauth"}, "plugins is 'oauth'. Write a list."),
    ({"plugins": [{"settings": {}}]}, "plugins[0].name is missing."),
    ({"plugins": [{"name": "oauth", "settings": "x"}]}, "plugins[0].settings is 'x'. Write a mapping."),
    ({"proxies": ["edgemicro_orders"]}, "proxies[0] is 'edgemicro_orders'. Write a mapping with its name."),
    ({"proxies": [{"name": "edgemicro_a", "basepath": "/a"}]}, "proxies[0].basepath is not known. Write base_path."),
    ({"products": [{"name": "a", "paths": "/"}]}, "products[0].paths is '/'. Write a list of texts."),
    ({"own_plugins": "mine"}, "own_plugins is 'mine'. Write a list of texts."),
])
def test_what_cannot_be_read(changes: dict[str, t.Any], said: str) -> None:
    with pytest.raises(InvalidError) as refused:
        declare(**changes)
    assert said in refused.value.message


def test_everything_is_said_at_once() -> None:
    with pytest.raises(InvalidError) as refused:
        declare(port="x", plugin=[], environment="")
    assert len(refused.value.message.split(". ")) >= 4


# -- what is refused --------------------------------------------------------------------------------------------
def refusal(base: dict[str, t.Any] | None = None, **changes: t.Any) -> str:
    with pytest.raises(InvalidError) as refused:
        configuration(base, **changes)
    return refused.value.message


@pytest.mark.parametrize("value", ["1", "0", ""])
def test_the_local_mode_is_refused_with_any_value(value: str) -> None:
    """The engine skips quotas already when the variable is there."""
    said = refusal(variables={"EDGEMICRO_LOCAL": value})
    assert "variables.EDGEMICRO_LOCAL makes an open gateway" in said and "open: true" in said


@pytest.mark.parametrize("name", ["EDGEMICRO_SECRET", "EDGEMICRO_LOCAL_PROXY", "EDGEMICRO_CONFIG_URL", "PORT"])
def test_variables_that_follow_from_the_declaration(name: str) -> None:
    assert f"variables.{name} follows from the declaration" in refusal(variables={name: "x"})


def test_unchecked_certificates() -> None:
    assert "NODE_EXTRA_CA_CERTS" in refusal(variables={"NODE_TLS_REJECT_UNAUTHORIZED": "0"})


@pytest.mark.parametrize("path", [
    "/orders/public/*", "/orders/**", "/orders/{id}", "/orders/publi?", "/orders/[ab]",
])
def test_wildcards_without_keys(path: str) -> None:
    for changes in ({"exclude_urls": path}, {"plugins": [plugin("oauth", excludeUrls=f"/orders/terms,{path}")]}):
        said = refusal(**changes)
        assert repr(path) in said and "Write every path out" in said


@pytest.mark.parametrize("path", ["/orders/../x", "/orders/%2e%2e/x", "/orders/./x", "/orders\\x", "/orders/%20x"])
def test_paths_without_keys_that_the_guard_would_refuse(path: str) -> None:
    assert "which the guard refuses" in refusal(exclude_urls=path)


@pytest.mark.parametrize("path", ["orders", " /orders", "//orders", "/orders,"])
def test_paths_without_keys_that_match_nothing(path: str) -> None:
    assert "Write a path from its first slash on" in refusal(exclude_urls=path)


def test_exact_paths_without_keys_are_fine() -> None:
    oauth = plugin("oauth", excludeUrls="/orders/public,/orders/a")
    found = configuration(exclude_urls="/orders/terms", plugins=[oauth])
    assert found["edgemicro"]["plugins"]["excludeUrls"] == "/orders/terms"
    assert found["oauth"]["excludeUrls"] == "/orders/public,/orders/a"


@pytest.mark.parametrize("name", ["allowNoAuthorization", "allowInvalidAuthorization"])
@pytest.mark.parametrize("value", [True, "false", None])
def test_doors_that_oauth_can_open(name: str, value: t.Any) -> None:
    assert f"plugins.oauth.settings.{name} is {value!r}" in refusal(plugins=[plugin("oauth", **{name: value})])


def test_a_gateway_for_everybody_must_be_said() -> None:
    assert "say open: true" in refusal(plugins=[])
    assert configuration(plugins=[], open=True)["edgemicro"]["plugins"]["sequence"] == [guard.NAME]
    assert "Leave out one of both" in refusal(open=True)


@pytest.mark.parametrize("plugins, said", [
    (["oauth", "oauth"], "oauth more than once"),
    (["oauth", guard.NAME], "which always runs first"),
    (["analytics", "oauth"], "which the engine puts first itself"),
    (["oauht", "oauth"], "Write oauth."),
    (["mine", "oauth"], "Name it in own_plugins"),
    ([plugin("quota"), "oauth"], "quota before who calls is known"),
    (["oauth", "healthcheck"], "healthcheck after oauth"),
    ([plugin("spikearrest"), "oauth"], "spikearrest.settings.timeUnit is None"),
    ([plugin("spikearrest", timeUnit="second", allow=0), "oauth"], "spikearrest.settings.allow is 0"),
    (["oauth", plugin("quota", bufferSize=0)], "bufferSize is 0. Write units of time"),
    (["oauth", plugin("quota", bufferSize={"minute": 0})], "minute is 0, for which the engine takes the default"),
    ([plugin("oauth", verify_api_key_url="https://evil.example")], "follows from authentication"),
])
def test_sequences_and_settings(plugins: list[t.Any], said: str) -> None:
    assert said in refusal(plugins=plugins, proxies=[*SERVICE["proxies"], HEALTH])


def test_plugins_of_the_users_own_are_taken() -> None:
    found = configuration(plugins=["mine", "oauth"], own_plugins=["mine"])
    assert found["edgemicro"]["plugins"]["sequence"] == [guard.NAME, "mine", "oauth"]


def test_health_needs_a_proxy_where_it_is_asked_for() -> None:
    assert "Add a proxy such as edgemicro_health" in refusal(plugins=["healthcheck", "oauth"])
    configuration(plugins=["healthcheck", "oauth"], proxies=[*SERVICE["proxies"], HEALTH])
    configuration(plugins=[plugin("healthcheck", healthcheck_url="/orders/health"), "oauth"])
    # The base path of a sidecar's only proxy is /.
    configuration(SIDECAR, plugins=["healthcheck", "oauth"])


@pytest.mark.parametrize("host", ["apigee.googleapis.com", "eu-apigee.googleapis.com"])
def test_apigee_x_is_refused_with_the_alternatives(host: str) -> None:
    said = refusal(microservices=f"https://{host}/v1")
    for named in ("not with Apigee X or hybrid", "Apigee Operator for Kubernetes", "Adapter for Envoy", "api_proxies"):
        assert named in said


def test_secrets_travel_in_clear_only_where_that_is_said() -> None:
    assert "would travel in clear" in refusal(microservices="http://edge.acme.example/edgemicro")
    configuration(microservices="http://edge.acme.example/edgemicro", plain_http=True)
    configuration(microservices="http://127.0.0.1:9001/edgemicro")


@pytest.mark.parametrize("level", ["debug", "trace"])
def test_levels_that_write_the_secret_into_the_log(level: str) -> None:
    assert f"log_level is '{level}', which writes the gateway's secret" in refusal(log_level=level)


@pytest.mark.parametrize("changes, said", [
    ({"mode": "both"}, "mode is 'both'. Write service or sidecar."),
    ({"organization": "a/b"}, "organization is 'a/b'"),
    ({"microservices": "edge.acme.example"}, "Write https://HOST/PATH"),
    ({"microservices": "https://user:x@edge.acme.example"}, "Write https://HOST/PATH"),
    ({"port": 70000}, "port is 70000"),
    ({"processes": 0}, "processes is 0"),
    ({"application_port": 8080}, "application_port is for mode sidecar"),
    ({"proxies": []}, "proxies is empty"),
    ({"proxies": [{"name": "orders", "base_path": "/orders"}]}, "gateways download only those named edgemicro_..."),
    ({"proxies": [{"name": "edgemicro_a", "base_path": "/*/a"}]}, "base_path is '/*/a'"),
    ({"proxies": [{"name": "edgemicro_a", "base_path": "a"}]}, "base_path is 'a'"),
    ({"proxies": [{"name": "edgemicro_a", "base_path": "/a"}, {"name": "edgemicro_b", "base_path": "/a/"}]},
     "the base path /a more than once"),
    ({"proxies": [{"name": "edgemicro_a", "base_path": "/a", "target": "orders:8080"}]}, "target is 'orders:8080'"),
])
def test_places_and_proxies(changes: dict[str, t.Any], said: str) -> None:
    assert said in refusal(**changes)


@pytest.mark.parametrize("changes, said", [
    ({"application_port": None}, "application_port is missing"),
    ({"application_port": 8000}, "application_port is the gateway's own port"),
    ({"proxies": [HEALTH]}, "none has to be on Edge"),
])
def test_sidecars(changes: dict[str, t.Any], said: str) -> None:
    assert said in refusal({key: value for key, value in SIDECAR.items() if changes.get(key, "") is not None},
                           **{key: value for key, value in changes.items() if value is not None})


@pytest.mark.parametrize("product, said", [
    ({"proxies": ["edgemicro_orders"], "paths": ["/"]}, "lacks edgemicro-auth"),
    ({"proxies": ["edgemicro-auth", "edgemicro_x"], "paths": ["/"]}, "edgemicro_x, which is not in proxies"),
    ({"proxies": ["edgemicro-auth"]}, "paths is empty, which opens every path"),
    ({"proxies": ["edgemicro-auth"], "paths": ["/", "/a"]}, "/, which opens everything, beside others"),
    ({"proxies": ["edgemicro-auth"], "paths": ["/a|b"]}, "become part of the engine's regular expression"),
    ({"proxies": ["edgemicro-auth"], "paths": ["a"]}, "Write a path from its first slash on"),
])
def test_products(product: dict[str, t.Any], said: str) -> None:
    assert said in refusal(products=[{"name": "shop", **product}])


def test_a_good_product() -> None:
    configuration(products=[
        {"name": "shop", "proxies": ["edgemicro-auth", "edgemicro_orders"], "paths": ["/a.b/*", "/c/**"]}])
