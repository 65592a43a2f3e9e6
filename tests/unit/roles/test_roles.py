# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nothing else checks about roles: defaults and argument specs agree, and every role explains itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

ROLES = sorted(path for path in (Path(__file__).resolve().parents[3] / "roles").iterdir() if path.is_dir())


def load(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_defaults_equal_the_argument_spec(role: Path) -> None:
    defaults = load(role / "defaults" / "main.yml")
    options = load(role / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    assert set(defaults) == set(options)
    for name, option in options.items():
        if option.get("required"):
            assert not defaults[name], f"{name} is required, so its default must be empty"
            assert "default" not in option
        else:
            assert option.get("default") == defaults[name], name


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_entry_point_is_specified_and_described(role: Path) -> None:
    specs = load(role / "meta" / "argument_specs.yml")["argument_specs"]
    main = specs["main"]["options"]
    for name, spec in specs.items():
        assert (role / "tasks" / f"{name}.yml").is_file(), f"{role.name} has no tasks {name}"
        assert spec["short_description"]
        assert spec["options"] == main, "all entry points take the same variables"
    _described(main, role.name)


def _described(options: dict, where: str) -> None:
    for name, option in options.items():
        assert option.get("description"), f"{where}.{name} has no description"
        _described(option.get("options") or {}, f"{where}.{name}")


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_variables_carry_the_name_of_their_role(role: Path) -> None:
    assert all(name.startswith(f"{role.name}_") for name in load(role / "defaults" / "main.yml"))


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_role_has_a_readme(role: Path) -> None:
    text = (role / "README.md").read_text(encoding="utf-8")
    for section in ("## Description", "## Requirements", "## Variables", "## Example"):
        assert section in text


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_defaults_pass_the_argument_spec(role: Path) -> None:
    options = load(role / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    defaults = {name: option["default"] for name, option in options.items() if "default" in option}
    validator = ArgumentSpecValidator({name: options[name] for name in defaults})
    assert validator.validate(defaults).error_messages == []
