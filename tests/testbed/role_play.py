# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One role, as Ansible runs it, against the emulator."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import yaml

from tests.testbed.emulated_cloud import Cloud

ROOT = Path(__file__).resolve().parents[2]


class Played(t.NamedTuple):
    """How many tasks changed something, the fact that was asked for, and what Ansible printed."""

    changed: int
    fact: t.Any
    said: str


def play(
    cloud: Cloud,
    folder: Path,
    role: str,
    variables: dict[str, t.Any],
    *options: str,
    fact: str = "",
    fails: bool = False,
) -> Played:
    """Run a role of the collection.

    Args:
        cloud: the emulator.
        folder: where the play and the fact are written.
        role: name without the collection's.
        variables: without the role's prefix; None means that it is not stated.
        options: further arguments of ansible-playbook.
        fact: the fact to read afterwards; an empty mapping when it is not set.
        fails: whether it should.
    """
    stated = {f"{role}_{name}": value for name, value in variables.items() if value is not None}
    included = {"ansible.builtin.include_role": {"name": f"gatewayops.apigee_gke.{role}"}, "vars": stated}
    tasks: list[dict[str, t.Any]] = [included]
    if fact:
        shown = {"content": f"{{{{ {fact} | default({{}}) | to_json }}}}", "dest": str(folder / "fact"), "mode": "0600"}
        tasks.append({"ansible.builtin.copy": shown, "changed_when": False, "check_mode": False})
    defaults = {"group/gatewayops.apigee_gke.google": {**cloud.access, "auth_kind": "serviceaccount"}}
    head = {"hosts": "localhost", "connection": "local", "gather_facts": False, "module_defaults": defaults}
    (folder / "play.yml").write_text(yaml.safe_dump([{**head, "tasks": tasks}]))
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", str(folder / "play.yml")]
    command += ["-e", f"ansible_python_interpreter={sys.executable}", *options]
    extra = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_LOCAL_TEMP": str(folder / "temp")}
    done = subprocess.run(
        command, env={**os.environ, **extra}, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode != 0) is fails, done.stdout + done.stderr
    counted = re.search(r"changed=(\d+)", done.stdout)
    assert counted, done.stdout + done.stderr
    return Played(int(counted[1]), json.loads((folder / "fact").read_text()) if fact and not fails else {}, done.stdout)
