# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every engine's description promises. That its binary takes the text is seen in tests/testbed/engines."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.engines import contract, headers, shell
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.engines.registry import ENGINES

VALUES = {name: f"value-of-{name}" for name in contract.VALUES}


def variants(engine: contract.Engine):
    for combination in itertools.product(*contract.SELECTORS.values()):
        selected = dict(zip(contract.SELECTORS, combination, strict=True))
        if engine.serves(selected["protocol"], selected["client"]):
            yield selected


def texts(engine: contract.Engine, selected: dict[str, str]) -> list[str]:
    every = (*engine.command, *engine.environment.values(), *engine.drain)
    return [engine.render(text, selected, VALUES) for text in every]


def expanded(text: str) -> str:
    """As the kubelet does it (k8s.io/kubernetes/third_party/forked/golang/expansion) where no variable is known."""
    return text.replace("$$", "$")


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
def test_the_contract_is_kept(engine):
    assert engine.problems() == []


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
def test_every_variant_is_filled_and_survives_the_kubelet(engine):
    seen = 0
    for selected in variants(engine):
        for text in texts(engine, selected):
            assert "@{" not in text
            assert "$(" not in text and expanded(text) == text
        seen += 1
    assert seen >= 48  # two protocols and three client modes (or the other way round), and 8 of the other selectors


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
def test_what_cannot_be_served_is_refused(engine):
    served = {pair for pair in itertools.product(contract.PROTOCOLS, contract.CLIENT_MODES) if engine.serves(*pair)}
    assert ("http", "off") in served and ("http2", "ca") in served
    assert ("grpc", "off") in served or engine.name == "apache"
    assert ("tcp", "off") in served or engine.name == "apache"


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
def test_believed_headers_are_taken_from_callers(engine):
    selected = dict.fromkeys(contract.SELECTORS, "")
    selected.update({"protocol": "http", "client": "off", "http2": "true", "tls-minimum": "1.2"})
    selected.update({"access-log": "off", "metrics": "off"})
    configuration = "\n".join(texts(engine, selected))
    for name in (*headers.FORWARDING, *headers.removed()):
        assert name in configuration


def test_an_engine_is_never_administered_on_its_own_port():
    assert contract.administration_port(8443) == 23443
    for port in range(1, 65536):
        found = contract.administration_port(port)
        assert found != port and 1024 <= found <= 65535


def test_no_header_is_both_written_and_removed():
    assert not set(headers.FORWARDING) & set(headers.removed())
    assert {"X_Forwarded_For", "Client-Cert", "Client_Cert", "Forwarded"} <= set(headers.removed())


def test_the_drain_marks_first_and_stays_for_the_window():
    for engine in ENGINES.values():
        script = engine.drain[-1]
        assert script.startswith(f": > {shell.DRAINING}\n")
        assert "@{drain-seconds}" in script
