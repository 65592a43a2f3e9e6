# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entries of a folder against what was found: which say it already, and what an export cannot tell. Private to the collection.

An entry that says what Apigee holds stays in its own words. Of one that does not, what an export cannot tell is kept:
secrets, and options that steer. Secrets stand in no diff.
"""

from __future__ import annotations

import typing as t

from .._engine import fields, plural, secrecy, spec
from .._engine.context import Context
from .._engine.fields import Field, Options
from .._engine.resource import Resource
from .._google.errors import Failure, InvalidError
from . import layout, lines
from .export import One

#: What stands in a diff for a file whose secrets cannot be told from the rest.
UNREADABLE = "(not shown: it is no list of entries)\n"


def says(one: One, entry: Options, context: Context) -> bool:
    """Whether an entry says what was found: applying it changes nothing, and making it anew leaves nothing out."""
    kind = type(one.resource)
    resource = _resource(one, entry, context)
    if resource is None or absent(entry) or resource.difference(one.document):
        return False
    by_name = {field.name: field for field in kind.fields}
    unsaid = [
        name
        for name, value in one.options.items()
        if not (name in kind.filled or _said(resource.options, kind, name) and _tells(resource.options, by_name, name, value))
    ]
    if not unsaid:
        return True
    made = resource.describe(resource.body())
    return all(name not in resource.options and made.get(name) == one.options[name] for name in unsaid)


def _said(stated: Options, kind: layout.Kind, name: str) -> bool:
    """Whether an option is stated, or another one that is about the same; the comparison has looked at their values.

    What cannot be changed cannot have been changed by hand: unstated, it is what was chosen at creation.
    """
    field = next((field for field in kind.fields if field.name == name), None)
    if name in stated or field is None or field.immutable:
        return True
    same_place = [other.name for other in kind.fields if field.place and other.place == field.place]
    others = {*same_place, *(other for group in kind.mutually_exclusive if name in group for other in group)}
    return bool(others & set(stated))


def absent(entry: Options) -> bool:
    """Whether an entry says that there is to be no such object."""
    return entry.get("state") == "absent"


def _tells(stated: Options, by_name: dict[str, Field], name: str, told: t.Any) -> bool:
    """Whether what is stated leaves nothing out of what an option was found to be."""
    field, value = by_name.get(name), stated.get(name)
    if field is None or field.identity or field.immutable:
        return True
    if isinstance(told, dict):
        if field.fields:
            inner = {one.name: one for one in field.fields}
            return value is None or all(key in value and _tells(value, inner, key, text) for key, text in told.items())
        beside = [stated.get(other.name) or {} for other in by_name.values() if other.place and other.place == field.place]
        return not beside or set(told) <= {str(key) for options in beside for key in options}
    if isinstance(told, list) and isinstance(value, list) and field.keep_extra:
        same = field.same or str
        keys = [{same(item[field.key] if field.key else item) for item in items} for items in (told, value)]
        return keys[0] <= keys[1]
    return True


def laid_over(one: One, entry: Options, path: str, context: Context) -> Options:
    """The entry where it says what was found, else the options that were found, with those that an export cannot tell.

    Raises Failure, naming the file, where a secret is another one than Google's, or does not go with what was found.
    """
    if entry and says(one, entry, context):
        return entry
    kind = type(one.resource)
    withheld = {option.partition(".")[0] for option in one.resource.withheld(one.document)}
    other = _other_secrets(one, entry, context)
    if other:
        raise _refusal(one, ", ".join(other), path, "Google holds another value")
    told = dict(one.options)
    steering: Options = {
        name: value for name, value in entry.items() if name in plural.entry_steering() and name not in ("kind", "state")
    }
    kept: Options = {}
    for field in kind.fields:
        value = entry.get(field.name)
        there = fields.find(one.document, field.place) if field.place else None
        shared = isinstance(there, dict) and isinstance(value, dict)
        if value in (None, {}) or field.identity or (field.name in told and not shared):
            continue
        if field.secret or field.name in withheld:
            kept[field.name] = _entries(one, field, value, told) if shared else value
        elif field.api is None and not _said_otherwise(kind, field.name, told):
            steering[field.name] = value
    kept = {name: value for name, value in kept.items() if value not in (None, {})}
    told = {name: value for name, value in told.items() if value != {} or not one.options[name]}
    for more in (steering, {}):
        merged = {**told, **kept, **more}
        if not (kept or more) or _fits(one, merged, context):
            return merged
    raise _refusal(one, ", ".join(sorted(kept)), path, "it does not go with what Google holds now")


def _said_otherwise(kind: layout.Kind, name: str, told: Options) -> bool:
    """Whether another way to say what an option says is told."""
    return any(name in group and set(group) & set(told) for group in kind.mutually_exclusive)


def _other_secrets(one: One, entry: Options, context: Context) -> list[str]:
    """Secrets of an entry that are not what Google holds, by their options."""
    resource = _resource(one, entry, context)
    if resource is None or one.document.get("maskedValues"):
        return []
    changes = resource.difference(one.document)
    return sorted({change.field for change in changes if change.spec.secret and None not in (change.before, change.after)})


def lost(kind: layout.Kind, entry: Options, result: Options | None) -> list[str]:
    """Options of an entry that hold a secret which what is written in its place (None: nothing) does not hold."""
    known = {**plural.entry_steering(), **spec.of(kind.fields)}
    known.update({alias: known[field.name] for field in kind.fields for alias in field.aliases if field.name in known})
    return sorted({place for place, _text in _secrets(entry, known, "") - _secrets(result or {}, known, "")})


def _secrets(options: Options, known: spec.Spec, place: str) -> set[tuple[str, str]]:
    """Places and texts of secrets, also of misspelt options that may be secret ones; names that users choose tell nothing."""
    found: set[tuple[str, str]] = set()
    for name, value in options.items():
        option, here = known.get(name), f"{place}{name}"
        if option.get("no_log") if option else secrecy.SECRET_WORD.search(str(name)):
            found |= _texts(value, here)
        elif option and option.get("options"):
            for item in value if isinstance(value, list) else [value]:
                found |= _secrets(item, option["options"], f"{here}.") if isinstance(item, dict) else set()
    return found


def _texts(value: t.Any, place: str) -> set[tuple[str, str]]:
    if isinstance(value, dict):
        return {one for name, inner in value.items() for one in _texts(inner, f"{place}[{name}]")}
    if isinstance(value, list):
        return {one for inner in value for one in _texts(inner, place)}
    return set() if value in (None, "") else {(place, _text(value))}


def _text(value: t.Any) -> str:
    """A value of a map as Google keeps it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _resource(one: One, entry: Options, context: Context) -> Resource | None:
    """What an entry would make of the object that was found; None where it is not valid."""
    kind = type(one.resource)
    options = valid(kind, entry)
    if options is None:
        return None
    resource = kind({**one.resource.options, **options}, context)
    return None if resource.validate() else resource


def valid(kind: layout.Kind, entry: Options) -> Options | None:
    """The options that an entry states, under their own names; None where the module would refuse it."""
    try:
        [(_kind, options)] = plural.validate([{**entry, "kind": kind.kind}])
    except InvalidError:
        return None
    return t.cast(Options, fields.prune(options))


def _fits(one: One, entry: Options, context: Context) -> bool:
    resource = _resource(one, entry, context)
    return resource is not None and not resource.difference(one.document)


def _entries(one: One, field: Field, stated: Options, told: Options) -> Options:
    """The keys of an option that Google holds with this value, taken out of what the export tells in the clear."""
    there = t.cast(Options, fields.find(one.document, field.place))
    beside = next(
        (other.name for other in type(one.resource).fields if other.place == field.place and other.name in told), None
    )
    result = {}
    for key, value in stated.items():
        name = str(key)
        text = _text(value)
        if name not in there or (there[name] != text and not one.document.get("maskedValues")):
            continue
        if beside and name in told[beside]:
            told[beside] = {other: shown for other, shown in told[beside].items() if other != name}
        result[name] = text
    return result


def _refusal(one: One, option: str, path: str, why: str) -> Failure:
    return Failure(
        f"{path} states {option} of {one.resource.subject}, and {why}. Nothing was changed, so that no secret is "
        "lost. Correct the entry or take the option out of it, or export into another folder and take over what you want."
    )


def shown(kind: layout.Kind, text: str | None) -> str:
    """A file's text as it may stand in a diff: entries without their secrets; as it is where it has none."""
    if not text:
        return ""
    known = spec.of(kind.fields)
    try:
        entries = lines.without_secrets(text)
    except ValueError:
        return UNREADABLE
    if entries is None:
        return text
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return UNREADABLE
    concealed = [secrecy.concealed(entry, known) for entry in entries]
    return text if concealed == entries else "---\n" + lines.dump(concealed)
