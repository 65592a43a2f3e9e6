# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Where an instance's addresses come from."""
from __future__ import annotations

import pytest

from testbed.google.services.apigee.ranges import RangeError, allocate


def test_first_free_blocks_and_the_host():
    chosen = allocate("", ["10.30.0.0/16"], [])
    assert str(chosen) == "10.30.0.0/22,10.30.4.0/28"
    assert chosen.host == "10.30.0.2"


def test_second_instance_gets_other_blocks():
    assert str(allocate("", ["10.30.0.0/16"], ["10.30.0.0/22,10.30.4.0/28"])) == "10.30.8.0/22,10.30.4.16/28"


@pytest.mark.parametrize("asked, full", [
    ("10.30.8.0/22", "10.30.8.0/22,10.30.0.0/28"),
    ("10.30.0.0/28", "10.30.4.0/22,10.30.0.0/28"),
    ("10.30.12.0/28, 10.30.8.0/22", "10.30.8.0/22,10.30.12.0/28"),
])
def test_given_blocks_are_kept_and_the_rest_is_chosen(asked, full):
    assert str(allocate(asked, ["10.30.0.0/16"], [])) == full


@pytest.mark.parametrize("asked, reserved, used, message", [
    ("10.30.0.0/24", ["10.30.0.0/16"], [], "must be of length /22 or /28"),
    ("10.30.1.0/22", ["10.30.0.0/16"], [], "has host bits set"),
    ("nonsense", ["10.30.0.0/16"], [], "not a valid IPv4 CIDR"),
    ("10.30.0.0/22,10.30.4.0/22", ["10.30.0.0/16"], [], "at most one /22"),
    ("10.40.0.0/22", ["10.30.0.0/16"], [], "not part of the ranges reserved"),
    ("10.30.0.0/22", ["10.30.0.0/16"], ["10.30.0.0/22,10.30.4.0/28"], "overlaps 10.30.0.0/22"),
    ("", ["10.30.0.0/22"], [], "no free /28"),
    ("", ["10.30.0.0/24"], [], "no free /22"),
    ("", [], [], "no range reserved"),
])
def test_refusals_name_the_block(asked, reserved, used, message):
    with pytest.raises(RangeError, match=message):
        allocate(asked, reserved, used)
