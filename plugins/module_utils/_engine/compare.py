# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What differs between what is wanted and what is there. Private to the collection.

Only what the user states is compared, at every depth. Both sides are in option form. A value that Google leaves out
equals that value's zero (false, 0, "", [], {}) or the field's default. An explicit empty value clears.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from .fields import Field, Options

HIDDEN = "(hidden)"


@dataclasses.dataclass(frozen=True)
class Change:
    """One difference. ``field`` is dotted (``dns_config.cluster_dns``, ``node_pools[default].node_count``).

    ``spec`` is the field that differs, ``top`` the name of the outermost field it is in.
    """

    field: str
    before: t.Any
    after: t.Any
    spec: Field
    top: str

    def shown(self) -> dict[str, t.Any]:
        """For people: values of secrets hidden."""
        hidden = bool(self.spec.secret)
        return {
            "field": self.field,
            "before": HIDDEN if hidden and self.before else self.before,
            "after": HIDDEN if hidden and self.after else self.after,
        }


def differences(
    fields: t.Iterable[Field], wanted: Options, found: Options, prefix: str = "", top: str = ""
) -> list[Change]:
    """Every difference of what ``wanted`` states, deepest first named."""
    changes: list[Change] = []
    for field in fields:
        value = wanted.get(field.name)
        if value is None or not field.managed:
            continue
        changes.extend(_compare(field, value, found.get(field.name), prefix + field.name, top or field.name))
    return changes


def _compare(field: Field, wanted: t.Any, found: t.Any, name: str, top: str) -> list[Change]:
    if field.type == "dict" and isinstance(wanted, dict):
        present = found if isinstance(found, dict) else {}
        if not wanted:
            return [] if empty(present) else [Change(name, found, {}, field, top)]
        if field.fields:
            return differences(field.fields, wanted, present, name + ".", top)
        return _compare_map(field, wanted, present, name, top)
    if field.type == "list" and isinstance(wanted, list):
        return _compare_list(field, wanted, found if isinstance(found, list) else [], name, top)
    if plain(field, wanted) == plain(field, found):
        return []
    return [Change(name, found, wanted, field, top)]


def _compare_map(field: Field, wanted: Options, found: Options, name: str, top: str) -> list[Change]:
    changes = [
        Change(f"{name}.{key}", found.get(key), value, field, top)
        for key, value in wanted.items()
        if key not in found or found[key] != value
    ]
    if not field.keep_extra:
        changes.extend(Change(f"{name}.{key}", found[key], None, field, top) for key in found if key not in wanted)
    return changes


def _compare_list(field: Field, wanted: list[t.Any], found: list[t.Any], name: str, top: str) -> list[Change]:
    if field.key and field.fields:
        return _compare_keyed(field, wanted, found, name, top)
    left = [canonical(field, item) for item in wanted]
    right = [canonical(field, item) for item in found]
    if field.lists == "set":
        left, right = sorted(set(left)), sorted(set(right))
        equal = set(left) <= set(right) if field.keep_extra and wanted else left == right
    elif field.fields:
        # Google adds fields to items: compare item by item what the user states of each.
        equal = len(wanted) == len(found) and not any(
            differences(field.fields, mine, theirs if isinstance(theirs, dict) else {})
            for mine, theirs in zip(wanted, found, strict=True)
        )
    else:
        equal = left == right
    return [] if equal else [Change(name, found, wanted, field, top)]


def _compare_keyed(field: Field, wanted: list[Options], found: list[Options], name: str, top: str) -> list[Change]:
    key = field.key or ""
    there = {item.get(key): item for item in found if isinstance(item, dict)}
    changes: list[Change] = []
    for item in wanted:
        label = f"{name}[{item.get(key)}]"
        if item.get(key) not in there:
            changes.append(Change(label, None, item, field, top))
        else:
            inner = tuple(inner for inner in field.fields if inner.name != key)
            changes.extend(differences(inner, item, there[item.get(key)], label + ".", top))
    if not field.keep_extra or not wanted:
        named = {item.get(key) for item in wanted}
        changes.extend(
            Change(f"{name}[{label}]", item, None, field, top) for label, item in there.items() if label not in named
        )
    return changes


def empty(value: t.Any) -> bool:
    """Whether a value carries nothing: what proto3 JSON leaves out."""
    if isinstance(value, dict):
        return all(empty(inner) for inner in value.values())
    return value in (None, False, 0, "", [])


def plain(field: Field, value: t.Any) -> t.Any:
    """A scalar ready to compare: defaults filled in, spelling normalised, zeros equal to nothing."""
    if empty(value) and not isinstance(value, dict):
        value = field.default if value is None and field.default is not None else value
        if empty(value):
            return None
    if field.type == "bool":
        return bool(value)
    return field.same(value) if field.same else value


def canonical(field: Field, item: t.Any) -> str:
    """A list item as text, so that items can be sorted and put into sets."""
    if isinstance(item, dict):
        if field.fields:
            item = {
                inner.name: sorted(canonical(inner, part) for part in item.get(inner.name) or [])
                if inner.type == "list"
                else plain(inner, item.get(inner.name))
                for inner in field.fields
                if not empty(item.get(inner.name)) or inner.default is not None
            }
        return json.dumps(item, sort_keys=True, default=str)
    return json.dumps(field.same(item) if field.same else item, default=str)
