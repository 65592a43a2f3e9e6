# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""YAML as people keep it: where entries begin, reading without secrets, writing the same text every time.

Private to the collection.
"""

from __future__ import annotations

import json
import typing as t

try:
    import yaml
except ImportError:  # Whoever reads or writes a folder says so, with what to install (missing_required_lib).
    yaml = None  # type: ignore[assignment]

#: How a file begins that Ansible Vault has encrypted as a whole.
VAULT = "$ANSIBLE_VAULT"


def beginnings(text: str) -> list[int]:
    """The line on which each item of a file's list begins; none where it is no list."""
    # libyaml's parser, where it was built in, is some ten times as fast.
    node = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return [item.start_mark.line + 1 for item in node.value] if isinstance(node, yaml.SequenceNode) else []


def without_secrets(text: str) -> t.Any:
    """The data of a file; what stands behind a tag (``!vault``) counts as not stated.

    Raises ValueError, which says where and repeats nothing of the text.
    """
    if yaml is None:
        raise ValueError("PyYAML is not installed")

    class Loader(yaml.SafeLoader):
        """Takes tags for nothing."""

    Loader.add_multi_constructor("!", lambda loader, suffix, node: None)
    try:
        # A SafeLoader, with one tag more that makes nothing.
        return yaml.load(text, Loader=Loader)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
    try:
        # JSON may be indented with tabs, which YAML refuses.
        return json.loads(text)
    except ValueError:
        raise ValueError(f"line {mark.line + 1}" if mark else "a value is none of its type") from None


def dump(entries: list[dict[str, t.Any]]) -> str:
    """A list of entries as YAML: the order given, texts of several lines as blocks, lists below their key indented."""

    class Dumper(yaml.SafeDumper):
        """As yamllint wants it."""

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            return super().increase_indent(flow, False)

        def ignore_aliases(self, data: t.Any) -> bool:
            return True

    def text(dumper: t.Any, value: str) -> t.Any:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, text)
    return "".join(
        yaml.dump([entry], Dumper=Dumper, sort_keys=False, allow_unicode=True, width=4096, indent=2)
        for entry in entries
    )
