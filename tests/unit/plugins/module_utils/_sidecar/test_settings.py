# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What annotations and defaults come to, and what is said of those that are wrong."""

from __future__ import annotations

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar import drain, fields, settings
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.engines.registry import ENGINES

P = fields.PREFIX


def parsed(annotations: dict[str, str], **defaults) -> tuple[settings.Settings, list[str]]:
    """Settings of a pod of Service orders in namespace shop."""
    named = {P + name: value for name, value in {"service": "orders", **annotations}.items()}
    return settings.parse(named, "shop", settings.Defaults.read(defaults))


def test_window_is_93_seconds_with_the_planning_values():
    timing = drain.Timing()
    assert timing.window == 93
    assert drain.grace(30, timing.window, timing) == 153


def test_window_with_a_measured_cache_and_short_idle():
    timing = drain.Timing(gateway_cache=0, idle=30)
    assert timing.window == 35
    assert drain.Timing(gateway_cache=0, idle=60).window == 65


def test_long_grace_periods_keep_their_length_after_the_window():
    timing = drain.Timing()
    assert drain.grace(600, timing.window, timing) == 693


def test_the_service_alone_is_enough():
    found, problems = parsed({})
    assert problems == []
    assert (found.engine.name, found.port, found.certificate_secret) == ("nginx", 8443, "orders-tls")
    assert (found.client, found.drain_seconds(False), found.drain_seconds(True)) == ("off", 93, 0)


def test_annotations_win_over_the_namespace_and_the_namespace_over_the_cluster():
    values = {"port": 9443, "cpu": "10m", "http2": False}
    found, problems = parsed({"memory": "40Mi"}, values=values, namespaces={"shop": {"port": 9444, "memory": "48Mi"}})
    assert problems == []
    assert found.port == 9444
    assert (found.resource("cpu"), found.resource("memory"), found.text("http2")) == ("10m", "40Mi", "false")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("service", ""),
        ("service", "orders.shop"),
        ("service", "Orders"),
        ("engine", "caddy"),
        ("port", "0"),
        ("port", "65536"),
        ("port", "8443 "),
        ("port", "08443"),
        ("application-port", "http"),
        ("protocol", "HTTP"),
        ("http2", "yes"),
        ("tls-minimum", "1.1"),
        ("certificate-secret", "a/b"),
        ("dns-domains", "a.b, c.d"),
        ("client-names", "a.b\nc.d"),
        ("client-names", "@{port}"),
        ("drain-seconds", "3601"),
        ("drain-seconds", "93s"),
        ("cpu", "0"),
        ("memory", "64MB"),
        ("image", "$(whoami)"),
    ],
)
def test_a_wrong_value_is_refused_naming_annotation_value_and_remedy(name, value):
    _found, problems = parsed({name: value})
    field = fields.BY_NAME[name]
    assert problems == [field.problem(value)]
    assert P + name in problems[0] and field.remedy in problems[0]


def test_a_misspelt_annotation_is_refused_with_the_nearest():
    _found, problems = parsed({"drain-second": "10"})
    assert problems == [f"{P}drain-second is not known. Did you mean {P}drain-seconds?"]
    _found, problems = parsed({"zzz": "10"})
    assert "Known are service, engine" in problems[0]


def test_the_status_is_not_a_setting():
    assert parsed({"status": "{}"})[1] == []


def test_names_without_an_authority_are_refused():
    assert P + "client-names" in parsed({"client-names": "apigee.acme.example"})[1][0]


def test_two_authorities_are_refused():
    _found, problems = parsed({"client-ca-secret": "a", "client-ca-config-map": "b"})
    assert "both set" in problems[0]


def test_client_modes():
    assert parsed({"client-ca-secret": "a"})[0].client == "ca"
    assert parsed({"client-ca-secret": "a", "client-names": "a.b,*.c.d"})[0].client == "names"


def test_a_request_above_its_limit_is_refused():
    _found, problems = parsed({"memory": "1Gi", "memory-limit": "512Mi"})
    assert P + "memory is 1Gi" in problems[0] and "512Mi" in problems[0]
    assert parsed({"memory": "512Mi", "memory-limit": "1Gi"})[1] == []


def test_an_image_from_elsewhere_is_refused():
    _found, problems = parsed({"image": "docker.io/evil/nginx:1"}, image_prefixes=["registry.acme.example/"])
    assert "must begin with registry.acme.example/" in problems[0]


@pytest.mark.parametrize("quantity", ["1", "250m", "0.5", "2.25"])
def test_cpu_amounts(quantity):
    assert fields.BY_NAME["cpu"].admits(quantity)
    assert fields.amount(quantity) > 0


def test_wrong_defaults_are_refused_all_at_once():
    with pytest.raises(settings.DefaultsError) as error:
        settings.Defaults.read(
            {
                "port": 1,
                "values": {"port": 0, "service": "orders"},
                "namespaces": {"shop": {"engine": "caddy"}},
                "images": {"caddy": "x", "nginx": 7},
                "kubernetes_version": "new",
                "timing": {"idle": -1, "sleep": 1},
                "image_prefixes": "docker.io",
            }
        )
    for name in (
        "port is not known", "values.port", "values.service", "namespaces.shop.engine", "images.caddy", "images.nginx",
        "kubernetes_version", "timing.idle", "timing.sleep", "image_prefixes",
    ):  # fmt: skip
        assert name in str(error.value)


@pytest.mark.parametrize("data", [[], "x", {"values": []}, {"namespaces": 7}, {"images": "x"}, {"timing": [1]}])
def test_defaults_of_another_shape_are_refused(data):
    with pytest.raises(settings.DefaultsError):
        settings.Defaults.read(data)


def test_versions_decide_what_the_cluster_can():
    old = settings.Defaults.read({"kubernetes_version": "v1.28.9-gke.100"})
    assert (old.native_sidecars, old.sleep_action) == (False, False)
    new = settings.Defaults.read({"kubernetes_version": "1.30"})
    assert (new.native_sidecars, new.sleep_action) == (True, True)


def test_system_namespaces_are_excluded():
    defaults = settings.Defaults.read({"excluded_namespaces": ["vault"]})
    assert all(defaults.excludes(name) for name in ("kube-system", "gke-managed-cim", "vault"))
    assert not defaults.excludes("shop")


@pytest.mark.parametrize("engine", ENGINES.values(), ids=list(ENGINES))
def test_engines_keep_their_contract(engine):
    assert engine.problems() == []


@pytest.mark.parametrize("field", [field for field in fields.FIELDS if field.default], ids=lambda field: field.name)
def test_own_defaults_are_right(field):
    assert field.admits(field.default)
