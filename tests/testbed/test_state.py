# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Names and addresses follow from the folder."""
from __future__ import annotations

import ipaddress
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from testbed.state import State, write_private


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "home", tmp_path / "cache")


def test_everything_follows_from_the_folder(state: State, tmp_path: Path):
    again = State(tmp_path / "home", tmp_path / "elsewhere")
    other = State(tmp_path / "home2", tmp_path / "cache")
    assert (again.instance, again.emulator_url) == (state.instance, state.emulator_url)
    assert other.instance != state.instance
    assert state.namespace("vpc") == f"tb-{state.instance}-vpc"


def test_two_ways_to_write_a_folder_are_one_testbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "link").symlink_to(tmp_path)
    found = set()
    for home in (tmp_path / "home", tmp_path / "link" / "home"):
        monkeypatch.setenv("TESTBED_HOME", str(home))
        found.add(State.from_environment().instance)
    assert len(found) == 1


def test_addresses_are_loopback_and_never_the_usual_one(tmp_path: Path):
    for number in range(300):
        address = ipaddress.ip_address(State(tmp_path / str(number), tmp_path).emulator_address)
        assert address.is_loopback
        assert 64 <= address.packed[1] <= 127


def test_defaults_follow_xdg(monkeypatch: pytest.MonkeyPatch):
    for name in ("TESTBED_HOME", "TESTBED_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", "/xdg/state")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg/cache")
    state = State.from_environment()
    assert str(state.home) == "/xdg/state/apigee-gke-testbed"
    assert str(state.cache) == "/xdg/cache/apigee-gke-testbed"


def test_no_address_beyond_a_byte(state: State):
    with pytest.raises(ValueError, match="255"):
        state.address(255)


def test_the_folder_and_secrets_are_private(state: State):
    state.prepare()
    assert stat.S_IMODE(state.home.stat().st_mode) == 0o700
    secret = state.home / "secret"
    write_private(secret, "one")
    write_private(secret, "two")
    assert secret.read_text(encoding="utf-8") == "two"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_many_writers_of_one_file_leave_one_whole_content(state: State):
    state.prepare()
    file = state.home / "status"
    contents = [str(number) * 200_000 for number in range(8)]
    with ThreadPoolExecutor(len(contents)) as pool:
        list(pool.map(lambda text: [write_private(file, text) for _ in range(20)], contents))
    assert file.read_text(encoding="utf-8") in contents
    assert [path.name for path in state.home.iterdir() if path.is_file()] == ["status"]


def test_a_half_written_connection_is_none(state: State):
    assert state.connection() is None
    state.prepare()
    state.connection_file.write_text("{", encoding="utf-8")
    assert state.connection() is None
