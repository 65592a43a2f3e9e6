# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Property sets: resource files of type properties, read by ``propertyset.NAME.KEY``.

Source: Apigee "Using property sets": a set of the proxy's bundle goes before one of the same name in the environment,
and the file's name without ``.properties`` is the set's. The format is Java's, of which escapes and continued lines
are not read here.
"""
from __future__ import annotations

from collections.abc import Mapping

Sets = Mapping[str, Mapping[str, str]]
_SUFFIX = ".properties"


def of_bundle(resources: Mapping[str, bytes]) -> Sets:
    """The sets in a bundle's ``resources/properties/``."""
    return of_files({path.partition("/")[2]: content.decode("utf-8", "replace")
                     for path, content in resources.items() if path.startswith("properties/")})


def of_files(files: Mapping[str, str]) -> Sets:
    """Sets by name from the contents of files by name."""
    return {name.removesuffix(_SUFFIX): parse(text) for name, text in files.items()}


def parse(text: str) -> dict[str, str]:
    """``key=value`` or ``key: value`` by line; ``#`` and ``!`` begin comments."""
    found = {}
    for line in text.splitlines():
        line = line.strip()
        if not line or line[0] in "#!":
            continue
        at = min((place for mark in "=:" if (place := line.find(mark)) >= 0), default=len(line))
        found[line[:at].strip()] = line[at + 1:].strip()
    return found


def value(sets: Sets, name: str) -> str | None:
    """The value of ``NAME.KEY``; None when there is none. Keys may hold dots, names may not."""
    set_name, _, key = name.partition(".")
    return sets.get(set_name, {}).get(key)
