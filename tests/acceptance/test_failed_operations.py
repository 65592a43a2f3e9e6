# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Long work that fails at Google: the run stops with Google's own words, whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.cloud import Cloud

QUOTA = (
    "Insufficient regional quota to satisfy request: resource 'CPUS': request requires '6.0' and is short '2.0'. "
    "project has a quota of '24.0' with '4.0' available. View and manage quotas at "
    "https://console.cloud.google.com/iam-admin/quotas?usage=USED&project=acme-shop."
)


@pytest.fixture
def slow(empty: Cloud) -> Iterator[Cloud]:
    """An empty project in which long work takes seconds: it fails while it is followed, not at once."""
    empty.control("PUT", "durations", json={"scale": 0.01})
    yield empty
    empty.control("PUT", "durations", json={"scale": 0})


@pytest.mark.parametrize(
    ("method", "made"),
    [
        ("container.projects.locations.clusters.create", "Google began to make or change gke and did not finish."),
        ("apigee.organizations.create", "Google began to make the Apigee organisation acme-shop and did not finish."),
    ],
)
def test_google_s_own_words_are_told(slow: Cloud, method: str, made: str) -> None:
    slow.control("POST", "faults", json={"kind": "operation", "match": method, "code": 8, "message": QUOTA})
    run = slow.play(check=False)
    said = " ".join(run.output.split())
    assert run.code != 0
    assert made in said
    assert QUOTA in said
