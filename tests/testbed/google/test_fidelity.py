# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fidelity page tells the truth."""

from __future__ import annotations

from testbed.google import fidelity


def test_the_page_is_current() -> None:
    assert fidelity.PAGE.read_text() == fidelity.page(), "stale: run python -m testbed.google.fidelity"


def test_every_emulated_method_is_shown_by_a_test() -> None:
    missing = fidelity.all_methods() - set(fidelity.shown())
    assert missing == set()


def test_every_rule_names_its_source() -> None:
    for pairs in fidelity.handlers().values():
        for _, handler in pairs:
            for rule in handler.rules:
                assert rule.source and rule.describe(), handler.method
