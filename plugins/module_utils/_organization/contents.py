# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a folder says of proxies and the like, against what was found: options and content. Private to the collection.

Content is compared by its digest, wherever an entry takes it from: a folder, a zip file, a bundle elsewhere, or the facts
that a proxy is made from.
"""

from __future__ import annotations

import os
import typing as t

from .._apigee import digest as digests
from .._engine import normalise
from .._engine.context import Context
from .._engine.fields import Options
from . import keeping, layout, reading
from .export import One

#: Options that an export tells, beside the content.
_TOLD = ("environments", "service_account", "labels")
#: Options that say what the content is.
SOURCES = (
    "bundle",
    "base_path",
    "target_servers",
    "target_url",
    "target_path",
    "target_properties",
    "target_host",
    "spike_arrest",
    "quota",
    "description",
    "revision",
)


class Held(t.NamedTuple):
    """How a folder says the content of one object.

    ``equal``: it says what was found, or what was found cannot be read and stays as it is said here.
    ``sources``: options that say the content, once the folder is brought to what was found; ``bundle`` is a whole path.
    ``write``: path below the root, of a folder or a zip file, that gets what was found; empty for none.
    ``options``: the entry stays as it is, as far as options go.
    """

    equal: bool
    sources: Options
    write: str
    options: bool


def compare(root: str, kind: layout.Kind, entries: list[Options], group: list[One], context: Context) -> dict[str, Held]:
    """How each object that was found is said, by its name. ``entries`` is what the kind's file holds."""
    stem = layout.stem(kind.kind)
    said = {entry["name"]: entry for entry in declared(root, kind, entries) if entry.get("state") != "absent"}
    return {one.options["name"]: _held(root, stem, kind, said.get(one.options["name"]), one, context) for one in group}


def laid_over(one: One, entry: Options, held: Held) -> Options:
    """The options that were found, with those of the file's entry that an export does not tell."""
    if entry and held.equal and held.options:
        return entry
    pinned = {"revision"} if held.equal else set()
    told = {name: value for name, value in one.options.items() if name not in pinned}
    gone = ("state", *_TOLD) if held.equal else ("state", *_TOLD, *SOURCES)
    return {**{name: value for name, value in entry.items() if name not in gone}, **told}


def declared(root: str, kind: layout.Kind, entries: list[Options]) -> list[Options]:
    """Entries that are valid, and those that a folder or a zip file stands for, each with its bundle's path."""
    folder = reading.Folder(root, lambda path: (None, []), [{**entry, "kind": kind.kind} for entry in entries])
    reading.contents(folder, layout.stem(kind.kind), kind.kind)
    return [options for entry in folder.entries if (options := keeping.valid(kind, entry)) is not None]


def _held(root: str, stem: str, kind: layout.Kind, entry: Options | None, one: One, context: Context) -> Held:
    name = str(one.options["name"])
    if entry is None:
        return _anew(root, f"{stem}/{name}", one, options=not any(one.options.get(option) for option in _TOLD))
    options = all(_form(option, entry) == _form(option, one.options) for option in _TOLD)
    if _holds(kind, entry, one, context):
        return Held(True, {source: entry[source] for source in SOURCES if source in entry}, "", options)
    own = next((path for path in (f"{stem}/{name}", f"{stem}/{name}.zip") if _is(entry.get("bundle"), root, path)), "")
    return _anew(root, own or f"{stem}/{name}", one, options=options and bool(own))


def _anew(root: str, path: str, one: One, options: bool) -> Held:
    if one.files is None:
        return Held(False, {"revision": one.options.get("revision")}, "", False)
    return Held(False, {"bundle": os.path.join(root, path)}, path, options)


def _is(bundle: str | None, root: str, path: str) -> bool:
    return bool(bundle) and os.path.realpath(str(bundle)) == os.path.realpath(os.path.join(root, path))


def _holds(kind: layout.Kind, entry: Options, one: One, context: Context) -> bool:
    """Whether an entry says the content that was found."""
    pinned = entry.get("revision")
    if pinned is not None:
        told = one.resource.declaration(one.document).get("revision")
        # Where nothing serves, any revision that is there will do.
        return pinned == told or (not one.options.get("environments") and str(pinned) in one.document.get("revision", ()))
    if one.files is None:
        return True
    resource = t.cast(t.Any, kind({**one.resource.options, **entry}, context))
    return resource.content.digest() == digests.digest(one.files, str(one.options["name"]))


def _form(option: str, options: Options) -> t.Any:
    """An option's value to compare: environments in any order, labels as texts, nothing where it is empty."""
    value = options.get(option)
    if option == "environments":
        return sorted(set(value or []))
    if option == "labels":
        return {str(name): str(text) for name, text in (value or {}).items()}
    return normalise.service_account(value) or None
