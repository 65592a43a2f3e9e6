# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What apigeelint does not look at: TLS beside a load balancer, rates, monitors, the descriptor's lists, strays."""

from __future__ import annotations

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee import generate, validate
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee.bundle import Bundle

TARGET, SPIKE, ROOT = "apiproxy/targets/default.xml", "apiproxy/policies/Spike.xml", "apiproxy/orders.xml"


def orders(**changes: str) -> Bundle:
    files = dict(generate.generate("orders", "/orders", ["orders"]).files)
    files.update({path: text.encode() for path, text in changes.items()})
    return Bundle(files)


def target(inside: str) -> Bundle:
    text = orders().files[TARGET].decode()
    assert "</HTTPTargetConnection>" in text
    return orders(**{TARGET: text.replace("</HTTPTargetConnection>", inside + "</HTTPTargetConnection>")})


def tls(inside: str) -> Bundle:
    return target(f"<SSLInfo><Enabled>true</Enabled>{inside}</SSLInfo>")


@pytest.mark.parametrize("rate", ["30", "30/s", "0ps", "ten pm", "30PS"])
def test_a_rate_without_a_unit_is_a_fault(rate: str) -> None:
    bundle = orders(**{SPIKE: f'<SpikeArrest name="Spike"><Rate>{rate}</Rate></SpikeArrest>'})
    (finding,) = validate.validate(bundle)
    assert finding.file == SPIKE and rate in finding.problem and "30ps" in finding.remedy


@pytest.mark.parametrize("rate", ["<Rate>30ps</Rate>", "<Rate>5pm</Rate>", '<Rate ref="a.b"/>', "<Rate>{a.b}</Rate>"])
def test_a_rate_with_a_unit_or_from_a_variable_is_none(rate: str) -> None:
    assert validate.validate(orders(**{SPIKE: f'<SpikeArrest name="Spike">{rate}</SpikeArrest>'})) == []


def test_a_rate_that_is_missing() -> None:
    (finding,) = validate.validate(orders(**{SPIKE: '<SpikeArrest name="Spike"/>'}))
    assert "no Rate" in finding.problem


def test_a_monitor_with_a_verb_that_http_does_not_know() -> None:
    monitor = "<HealthMonitor><HTTPMonitor><Request><Verb>{}</Verb></Request></HTTPMonitor></HealthMonitor>"
    (finding,) = validate.validate(target(monitor.format("FETCH")))
    assert "FETCH" in finding.problem and finding.element.endswith("HealthMonitor")
    assert validate.validate(target(monitor.format("GET"))) == []


def test_tls_beside_a_load_balancer_is_looked_at() -> None:
    bad = tls("<IgnoreValidationErrors>true</IgnoreValidationErrors>")
    assert validate.validate(bad) == []
    said = " ".join(str(one) for one in validate.advice(bad))
    for text in ("any certificate is accepted", "Enforce is not true", "no TrustStore", "apigee_target_server"):
        assert text in said
    (named,) = validate.advice(tls("<Enforce>true</Enforce><TrustStore>backends</TrustStore>"))
    assert "Write ref://NAME" in named.remedy
    assert validate.advice(tls("<Enforce>true</Enforce><TrustStore>ref://backends</TrustStore>")) == []
    assert validate.advice(target("<SSLInfo><Enabled>false</Enabled></SSLInfo>")) == []


def test_lists_of_the_descriptor_that_say_otherwise_than_the_files() -> None:
    policies = "<Policies><Policy>Gone</Policy></Policies>"
    bundle = orders(**{
        ROOT: f'<APIProxy name="orders">{policies}</APIProxy>',
        SPIKE: '<SpikeArrest name="Spike"><Rate>1ps</Rate></SpikeArrest>',
    })  # fmt: skip
    said = [finding.problem for finding in validate.advice(bundle)]
    assert said == [
        "it lists Gone, but there is no policies/Gone.xml",
        "it does not list Spike, but there is policies/Spike.xml",
    ]
    assert validate.validate(bundle) == []


def test_files_where_apigee_does_not_look() -> None:
    said = validate.advice(orders(**{"apiproxy/notes.txt": "a", "apiproxy/policy/Spike.xml": "<a/>"}))
    assert [finding.file for finding in said] == ["apiproxy/notes.txt", "apiproxy/policy/Spike.xml"]
    assert validate.advice(orders(**{"apiproxy/resources/jsc/a.js": "1"})) == []
