# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Control groups, on plain folders that stand for the kernel's: what is made and removed on v1 and v2."""
from __future__ import annotations

import pytest

from testbed.kubernetes import cgroups


@pytest.fixture
def v1(tmp_path):
    for name in ("cpu,cpuacct", "memory", "cpuset", "unified"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cgroup.procs").touch()
    (tmp_path / "cpu").symlink_to("cpu,cpuacct")
    return tmp_path


@pytest.fixture
def v2(tmp_path):
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids rdma\n")
    (tmp_path / "cgroup.procs").touch()
    (tmp_path / "cgroup.subtree_control").touch()
    return tmp_path


def test_v1_has_the_group_in_each_hierarchy_once(v1):
    assert cgroups.version(v1) == 1
    assert [each.name for each in cgroups.hierarchies(v1)] == ["cpu,cpuacct", "cpuset", "memory", "unified"]
    cgroups.create("/testbed-a/node-0", v1)
    assert all((root / "testbed-a" / "node-0").is_dir() for root in cgroups.hierarchies(v1))


def test_v2_has_one_hierarchy_and_hands_its_controllers_down(v2, monkeypatch):
    written = []
    monkeypatch.setattr(cgroups, "_enable_controllers", lambda folder: written.append(folder.relative_to(v2)))
    assert cgroups.version(v2) == 2 and cgroups.hierarchies(v2) == [v2]
    cgroups.create("/testbed-a/node-0", v2)
    assert [str(each) for each in written] == [".", "testbed-a", "testbed-a/node-0"]


def test_v2_enables_only_controllers_that_exist(v2):
    cgroups._enable_controllers(v2)
    # The kernel adds up single writes; a plain file keeps the last one.
    assert (v2 / "cgroup.subtree_control").read_text() == "+io"


def test_removal_takes_the_group_what_is_below_and_an_empty_parent(v1):
    for node in ("node-0", "node-1"):
        cgroups.create(f"/testbed-a/{node}", v1)
        (v1 / "memory" / "testbed-a" / node / "kubepods" / "pod1").mkdir(parents=True)
    cgroups.remove("/testbed-a/node-0", mount=v1)
    assert (v1 / "memory" / "testbed-a" / "node-1" / "kubepods" / "pod1").is_dir()
    cgroups.remove("/testbed-a/node-1", mount=v1)
    assert not list(v1.glob("*/testbed-a"))
    cgroups.remove("/testbed-a/node-1", mount=v1)


def test_a_group_that_stays_in_use_is_reported(v1, monkeypatch):
    cgroups.create("/testbed-a", v1)

    def busy(self):
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr("pathlib.Path.rmdir", busy)
    with pytest.raises(OSError, match="busy"):
        cgroups.remove("/testbed-a", timeout=0.05, mount=v1)
