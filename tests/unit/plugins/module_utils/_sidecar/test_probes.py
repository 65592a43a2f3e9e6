# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes of the application, sent through the sidecar where that is asked for."""

from __future__ import annotations

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar import probes
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._sidecar.pods import (
    application,
    injected,
    pod,
)

ASKED = {"httpGet": {"path": "/live", "port": 8080, "httpHeaders": [{"name": "A", "value": "b"}]}, "periodSeconds": 7}


def test_a_probe_goes_to_the_tls_port_and_keeps_everything_else():
    given = pod(application(livenessProbe=ASKED), annotations={"probes": "rewrite", "port": "9443"})
    result, outcome = injected(given)
    action = {**ASKED["httpGet"], "port": 9443, "scheme": "HTTPS"}
    assert result["spec"]["containers"][0]["livenessProbe"] == {**ASKED, "httpGet": action}
    assert outcome.warnings == []
    assert injected(result)[1].verdict == "unchanged"


def test_probes_are_left_alone_unless_asked_for():
    given = pod(application(livenessProbe=ASKED))
    assert injected(given)[0]["spec"]["containers"][0]["livenessProbe"] == ASKED


def test_a_default_of_the_namespace_does_it_too():
    result, _outcome = injected(pod(application(readinessProbe=ASKED)), namespaces={"shop": {"probes": "rewrite"}})
    assert result["spec"]["containers"][0]["readinessProbe"]["httpGet"]["port"] == 8443


@pytest.mark.parametrize(
    ("probe", "sent"),
    [
        ({"httpGet": {"port": 8080}}, True),
        ({"httpGet": {"port": "web"}}, True),
        ({"httpGet": {"port": 8080, "scheme": "HTTP", "host": ""}}, True),
        ({"httpGet": {"port": 8080, "host": "127.0.0.1"}}, False),
        ({"httpGet": {"port": 8080, "scheme": "HTTPS"}}, False),
        ({"httpGet": {"port": "8080"}}, False),
        ({"httpGet": {"port": "other"}}, False),
        ({"httpGet": {"port": 9090}}, False),
        ({"httpGet": {"port": None}}, False),
        ({"httpGet": {"port": [8080]}}, False),
        ({"httpGet": None}, False),
        ({"tcpSocket": {"port": 8080}}, False),
        ({"grpc": {"port": 8080}}, False),
        ({"exec": {"command": ["true"]}}, False),
        ({}, False),
        (None, False),
    ],
)
def test_only_http_in_clear_to_the_applications_port_is_sent_on(probe, sent):
    ports = [{"name": "web", "containerPort": 8080}, {"name": "other", "containerPort": 9090}]
    container = {"name": "app", "ports": ports, "startupProbe": probe}
    assert probes.rewritable([{}, container], 8080) == (((1, "startupProbe"),) if sent else ())


def test_what_cannot_be_sent_on_is_warned_of():
    several = application(livenessProbe={"tcpSocket": {"port": 8080}}, readinessProbe={"grpc": {"port": 8080}})
    _result, outcome = injected(pod(several, annotations={"probes": "rewrite"}))
    assert [text.split(" is kept")[0] for text in outcome.warnings] == [
        "Container app: livenessProbe",
        "Container app: readinessProbe",
    ]
    _result, outcome = injected(pod(annotations={"probes": "rewrite"}))
    assert "no probe asks the application's port 8080" in outcome.warnings[0]
    _result, outcome = injected(pod(application(livenessProbe={"tcpSocket": {"port": 8080}})))
    assert outcome.warnings == []
