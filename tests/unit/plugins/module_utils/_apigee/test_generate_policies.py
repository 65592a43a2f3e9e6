# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies of a generated proxy: in which order a request meets them, and what is refused."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee import generate, generate_policies, validate

QUOTA = {"limit": 100, "interval": 6, "time_unit": "hour", "identifier": "client_id"}
PROXY, TARGET = "apiproxy/proxies/default.xml", "apiproxy/targets/default.xml"


def steps(content: bytes) -> list[str]:
    return [str(name.text) for name in ElementTree.fromstring(content).findall("PreFlow/Request/Step/Name")]


def test_spikes_are_refused_before_they_use_up_the_quota() -> None:
    made = generate.generate("p", "/p", ["shop"], spike_arrest="30ps", quota=QUOTA, target_host="shop.acme.example")
    assert steps(made.files[PROXY]) == ["SA-Spikes", "Q-Quota"] and steps(made.files[TARGET]) == ["AM-TargetHost"]
    quota = ElementTree.fromstring(made.files["apiproxy/policies/Q-Quota.xml"])
    assert quota.find("Allow").get("count") == "100" and quota.findtext("Interval") == "6"
    assert quota.findtext("TimeUnit") == "hour" and quota.find("Identifier").get("ref") == "client_id"
    assert ElementTree.fromstring(made.files["apiproxy/policies/SA-Spikes.xml"]).findtext("Rate") == "30ps"
    header = ElementTree.fromstring(made.files["apiproxy/policies/AM-TargetHost.xml"]).find("Set/Headers/Header")
    assert header.get("name") == "Host" and header.text == "shop.acme.example"
    assert list(validate.validate(made)) == []


def test_without_them_a_proxy_is_as_it_always_was() -> None:
    plain = generate.generate("p", "/p", ["shop"])
    assert not any("/policies/" in path for path in plain.files) and b"<Request/>" in plain.files[PROXY]
    assert generate.generate("p", "/p", ["shop"], spike_arrest="", quota={}, target_host="") == plain


@pytest.mark.parametrize(
    ("rate", "quota", "words"),
    [
        ("30", None, "with ps (a second) or pm (a minute)"),
        ("0ps", None, "with ps (a second) or pm (a minute)"),
        (None, {**QUOTA, "limit": 0}, "quota.limit is 0"),
        (None, {**QUOTA, "interval": -1}, "quota.interval is -1"),
    ],
)
def test_what_apigee_would_refuse(rate: str | None, quota: dict | None, words: str) -> None:
    (problem,) = generate_policies.problems(rate, quota)
    assert words in problem
