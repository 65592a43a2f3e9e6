# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a declaration by the schema: unknown keys, types, choices, patterns and defaults, all problems at once.

Private to this collection.
"""

from __future__ import annotations

import difflib
import re
import typing

from .problems import Problem, one_or_list
from .schema import DECLARATION, Field

#: Variables of the inventory that hold a declaration.
ROOTS = ("apigee_gke", "api_gateway_gke", "ingress_gke", "microgateway_gke")
_TYPE_WORDS = {
    "str": "text",
    "int": "a whole number",
    "bool": "true or false",
    "list": "a list",
    "dict": "a set of keys",
    "map": "a set of names, each with its keys",
}
# What may stand for a set of keys, by the type of its short key.
_SHORT_TYPES = {"str": str, "bool": bool}


def read(declaration: typing.Any, schema: Field = DECLARATION, name: str = "apigee_gke") -> tuple[dict, list[Problem]]:
    """Checks and completes a declaration.

    Args:
        declaration: what the user wrote.
        schema: what it may hold.
        name: the variable that it stands in.

    Returns:
        The declaration with every default filled in (parts that are wrong are left out), and the problems found.
    """
    problems: list[Problem] = []
    value = _value(declaration, schema, name, problems)
    return value if isinstance(value, dict) else {}, problems


def _value(value: typing.Any, field: Field, path: str, problems: list[Problem]) -> typing.Any:
    """The checked value, or None with at least one problem added."""
    if field.later:
        problems.append(Problem(path, "is not supported yet.", fix=f"{field.later[0].upper()}{field.later[1:]}."))
        return None
    if field.short and isinstance(value, _SHORT_TYPES[field.options[field.short].type]):
        value = {field.short: value}
    reader = {"dict": _dict, "map": _map, "list": _list}.get(field.type, _scalar)
    return reader(value, field, path, problems)


def _wrong_type(value: typing.Any, field: Field, path: str, problems: list[Problem]) -> None:
    problems.append(Problem(path, f"must be {_TYPE_WORDS[field.type]}.", found=_show(value), fix=field.description))


def _scalar(value: typing.Any, field: Field, path: str, problems: list[Problem]) -> typing.Any:
    if field.type == "int" and isinstance(value, str) and re.fullmatch(r"-?[0-9]+", value):
        value = int(value)
    kinds = {"str": str, "int": int, "bool": bool}
    if not isinstance(value, kinds[field.type]) or (field.type == "int" and isinstance(value, bool)):
        _wrong_type(value, field, path, problems)
        return None
    if field.choices and value not in field.choices:
        near = difflib.get_close_matches(str(value), field.choices, n=1, cutoff=0.5)
        fix = f"Did you mean {near[0]}? " if near else ""
        problems.append(
            Problem(path, f"must be {one_or_list(list(field.choices))}.", _show(value), fix=fix + field.description)
        )
        return None
    if field.pattern and not re.fullmatch(field.pattern[0], value):
        problems.append(Problem(path, f"must be {field.pattern[1]}.", _show(value), fix=field.description))
        return None
    if field.minimum is not None and value < field.minimum or field.maximum is not None and value > field.maximum:
        problems.append(
            Problem(path, f"must lie between {field.minimum} and {field.maximum}.", _show(value), fix=field.description)
        )
        return None
    return str(value) if field.type == "str" else value


def _list(value: typing.Any, field: Field, path: str, problems: list[Problem]) -> typing.Any:
    if not isinstance(value, (list, tuple)):
        _wrong_type(value, field, path, problems)
        return None
    result = []
    for index, item in enumerate(value):
        name = item.get("name") if isinstance(item, dict) else None
        where = f"{path}[{name if isinstance(name, str) and name else index}]"
        result.append(_value(item, field.elements, where, problems))
    return [item for item in result if item is not None]


def _map(value: typing.Any, field: Field, path: str, problems: list[Problem]) -> typing.Any:
    if not isinstance(value, dict):
        _wrong_type(value, field, path, problems)
        return None
    result = {}
    for name, item in value.items():
        where = f"{path}.{name}"
        if field.key_pattern and not re.fullmatch(field.key_pattern[0], str(name)):
            problems.append(Problem(where, f"the name must be {field.key_pattern[1]}.", _show(name)))
            continue
        # "shop:" with nothing after it is a name without settings, which is fine when all have defaults.
        given = {} if item is None and field.elements.type == "dict" else item
        checked = _value(given, field.elements, where, problems)
        if checked is not None:
            result[str(name)] = checked
    return result


def _dict(value: typing.Any, field: Field, path: str, problems: list[Problem]) -> typing.Any:
    if not isinstance(value, dict):
        _wrong_type(value, field, path, problems)
        return None
    options = field.options or {}
    # Keys at the top go by their own names.
    prefix = "" if path in ROOTS else f"{path}."
    for key in value:
        if key not in options:
            problems.append(_unknown(str(key), options, prefix, path))
    result = {}
    for key, option in options.items():
        if key in value and value[key] is not None:
            result[key] = _value(value[key], option, prefix + key, problems)
            continue
        if option.required:
            problems.append(Problem(prefix + key, "is required.", fix=option.description))
        # What is missing is told once: nothing stands for it that could be found wrong again.
        result[key] = None if option.required else _default(option)
    return result


def _default(option: Field) -> typing.Any:
    """The value of a key that was not written; nested defaults are filled in too."""
    if option.type == "dict" and option.options and not any(sub.required for sub in option.options.values()):
        return {key: _default(sub) for key, sub in option.options.items()}
    if option.default is None and option.type in ("list", "map") and not option.unmanaged:
        return [] if option.type == "list" else {}
    return option.default


def _unknown(key: str, options: dict[str, Field], prefix: str, path: str) -> Problem:
    near = difflib.get_close_matches(key, options, n=1, cutoff=0.5)
    known = ", ".join(name for name, option in options.items() if not option.later)
    fix = f"Did you mean {near[0]}? " if near else ""
    return Problem(prefix + key, "is not a key that exists here.", fix=f"{fix}Keys of {path}: {known}.")


def _show(value: typing.Any) -> str:
    """A value as the user would recognise it, shortened."""
    text = repr(value) if not isinstance(value, (dict, list)) else f"{type(value).__name__} with {len(value)} entries"
    return text if len(text) <= 80 else text[:77] + "..."


def merged(below: dict, above: dict) -> dict:
    """Both, key by key at every depth; where both say something, what is above holds."""
    result = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result
