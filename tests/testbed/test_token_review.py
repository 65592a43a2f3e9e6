# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Google's tokens at the API server."""
from __future__ import annotations

from testbed.token_review import answer


def reviewer(token: str):
    return {"username": "deployer@acme", "groups": ["system:authenticated"]} if token == "good" else None


def test_a_known_bearer():
    review = answer({"apiVersion": "authentication.k8s.io/v1", "spec": {"token": "good"}}, reviewer)
    assert review["status"] == {"authenticated": True, "user": {
        "username": "deployer@acme", "uid": "deployer@acme", "groups": ["system:authenticated"]}}


def test_an_unknown_one_and_none_at_all():
    for spec in ({"token": "bad"}, {}, None):
        assert answer({"spec": spec}, reviewer)["status"] == {"authenticated": False}


def test_the_token_is_not_repeated():
    assert "good" not in str(answer({"spec": {"token": "good"}}, reviewer))
