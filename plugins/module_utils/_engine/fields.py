# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a Google object we manage, as neutral data. Private to the collection.

A :class:`Field` is an option of the module and a place in Google's JSON at once. From a tuple of fields the engine
renders argument specs (spec.py), reads Google's object into option form (:func:`describe`), writes option form into
Google's (:func:`write`), and compares the two (compare.py).
"""

from __future__ import annotations

import dataclasses
import typing as t

Options = dict[str, t.Any]
Document = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Field:
    """One managed thing.

    name        option name, snake_case
    type        Ansible type: str, int, bool, float, list, dict, raw, path
    api         dotted place in Google's object, below the parent's place. "" = the name in camelCase.
                None = not part of the object (it stands in the URL, or it only steers us).
    elements    type of a list's items
    choices     allowed values, as Google writes them
    fields      sub-fields of a dict, or of a list's dict items
    required    must be given
    identity    says which object is meant: never compared, never changed
    immutable   Google cannot change it in place: a difference is refused unless re-creation is allowed
    secret      emits no_log; hidden in diffs. None = say nothing, False = say explicitly that it is none
    write_only  Google never shows it: sent at creation and beside other changes, never compared
    output      only in results, never an option
    initial     value at creation when the user states none; unmanaged afterwards
    default     what Google means when the field is missing (beside false, 0, "", [], {})
    lists       how lists compare: "ordered", "set", or "key:<sub-field>" (matched by that sub-field)
    keep_extra  entries of a list, or keys of a plain dict, that the user does not name are left alone
    same        brings two spellings of a value to one, for comparison only (normalise.py has the usual ones)
    encode      option value -> Google's value, (value, resource) -> value
    decode      Google's value -> option value, (value, resource) -> value
    invert      bool whose meaning Google writes the other way round
    int64       integer that Google writes as a string
    reference   kind of resource this value names: orders the work
    update      name of the update that changes it, where a resource has several kinds of update
    """

    name: str
    type: str = "str"
    api: str | None = ""
    elements: str | None = None
    choices: tuple[str, ...] | None = None
    fields: tuple[Field, ...] = ()
    required: bool = False
    identity: bool = False
    immutable: bool = False
    secret: bool | None = None
    write_only: bool = False
    output: bool = False
    initial: t.Any = None
    default: t.Any = None
    lists: str = "ordered"
    keep_extra: bool = False
    same: t.Callable[[t.Any], t.Any] | None = None
    encode: t.Callable[[t.Any, t.Any], t.Any] | None = None
    decode: t.Callable[[t.Any, t.Any], t.Any] | None = None
    invert: bool = False
    int64: bool = False
    reference: str | None = None
    update: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def place(self) -> tuple[str, ...]:
        """Path of keys in Google's object; empty when it is not part of it."""
        if self.api is None:
            return ()
        return tuple((self.api or camel(self.name)).split("."))

    @property
    def key(self) -> str | None:
        """The sub-field that matches list items, if any."""
        return self.lists[4:] if self.lists.startswith("key:") else None

    @property
    def managed(self) -> bool:
        """Whether its value is compared."""
        return not (self.identity or self.output or self.write_only or self.api is None)


def camel(name: str) -> str:
    """``ip_cidr_range`` -> ``ipCidrRange``."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def prune(value: t.Any) -> t.Any:
    """Drop nulls at every depth; empty values stay, they mean "clear"."""
    if isinstance(value, dict):
        return {key: prune(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [prune(inner) for inner in value if inner is not None]
    return value


def find(document: t.Any, place: t.Iterable[str]) -> t.Any:
    """The value at a path of keys, None where anything on the way is missing."""
    for key in place:
        if not isinstance(document, dict):
            return None
        document = document.get(key)
    return document


def put(document: Document, place: tuple[str, ...], value: t.Any) -> None:
    """Set the value at a path of keys, making dicts on the way."""
    for key in place[:-1]:
        inner = document.get(key)
        if not isinstance(inner, dict):
            inner = document[key] = {}
        document = inner
    document[place[-1]] = value


def describe(fields: t.Iterable[Field], document: Document, resource: t.Any) -> Options:
    """Google's object in option form: every field that is part of it, None where Google says nothing."""
    return {field.name: _decode(field, find(document, field.place), resource) for field in fields if field.place}


def _decode(field: Field, value: t.Any, resource: t.Any) -> t.Any:
    if field.decode:
        return field.decode(value, resource)
    if field.invert:
        return not value
    if value is None:
        return None
    if field.fields and field.type == "dict" and isinstance(value, dict):
        return describe(field.fields, value, resource)
    if field.fields and field.type == "list" and isinstance(value, list):
        return [describe(field.fields, item, resource) if isinstance(item, dict) else item for item in value]
    if (field.int64 or field.type == "int") and isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            return value
    return value


def write(fields: t.Iterable[Field], options: Options, document: Document, resource: t.Any) -> Document:
    """Write the options that are stated into Google's object, leaving everything else in it as it is."""
    for field in fields:
        value = options.get(field.name)
        if value is None or field.output or not field.place:
            continue
        put(document, field.place, _encode(field, value, find(document, field.place), resource))
    return document


def _encode(field: Field, value: t.Any, present: t.Any, resource: t.Any) -> t.Any:
    if field.encode:
        return field.encode(value, resource)
    if field.invert:
        return not value
    if field.int64:
        return str(value)
    if field.type == "dict" and isinstance(value, dict):
        if field.fields:
            if not value:
                return {}
            base = dict(present) if isinstance(present, dict) else {}
            return write(field.fields, value, base, resource)
        if field.keep_extra and isinstance(present, dict) and value:
            return {**present, **value}
        return dict(value)
    if field.type == "list" and isinstance(value, list):
        if field.fields:
            return _encode_items(field, value, present, resource)
        if field.keep_extra and isinstance(present, list):
            return list(present) + [item for item in value if item not in present]
    return value


def _encode_items(field: Field, value: list[Options], present: t.Any, resource: t.Any) -> list[Document]:
    there = [item for item in present or [] if isinstance(item, dict)]
    key = field.key
    if not key:
        return [write(field.fields, item, {}, resource) for item in value]
    place = next(inner.place for inner in field.fields if inner.name == key)
    by_key = {find(item, place): item for item in there}
    items = [write(field.fields, item, dict(by_key.get(item.get(key)) or {}), resource) for item in value]
    if field.keep_extra:
        named = {item.get(key) for item in value}
        items = [item for item in there if find(item, place) not in named] + items
    return items


def stated(fields: t.Iterable[Field], options: Options) -> Options:
    """What has to be stated to get these options: no outputs, no secrets, nothing empty, no defaults."""
    said: Options = {}
    for field in fields:
        value = options.get(field.name)
        if field.initial is True:
            value = bool(value)
        if field.output or field.secret or field.identity or not field.place:
            continue
        if value is None or value in (field.default, field.initial):
            continue
        if field.fields and isinstance(value, dict):
            value = stated(field.fields, value)
        elif field.fields and isinstance(value, list):
            value = [stated(field.fields, item) if isinstance(item, dict) else item for item in value]
        # Zero and false are what Google leaves out, unless something else is the default.
        if value in ("", [], {}) or (value in (0, False) and not field.default and not field.initial):
            continue
        said[field.name] = sorted(value) if field.lists == "set" and not field.fields else value
    return said


def with_initial(fields: t.Iterable[Field], options: Options) -> Options:
    """The options as they are at creation: what the user states, and our safe choice for what is left open."""
    full = dict(options)
    for field in fields:
        value = full.get(field.name)
        if value is None and field.initial is not None:
            full[field.name] = value = field.initial
        if field.fields and field.type == "dict" and isinstance(value, dict) and value:
            full[field.name] = with_initial(field.fields, value)
        if field.fields and field.type == "list" and isinstance(value, list):
            full[field.name] = [with_initial(field.fields, item) for item in value]
    return full
