# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where in a folder an organisation's content stands. Private to the collection.

Every kind has one file, named after it in the plural, with a list of entries in the words of the kind's module:
``api_products.yml`` for ``apigee_api_product``. What lives in an environment stands in that environment's folder, which
says its name: ``environments/prod/target_servers.yml``. What has files (a proxy) has a folder beside the file:
``proxies/orders/apiproxy/...``.
"""

from __future__ import annotations

import typing as t

from .._engine import listing, registry
from .._engine.fields import Options
from .._engine.resource import Resource

Kind = type[Resource]

ENVIRONMENTS = "environments"
#: How a file of ours may end; the first is what is written.
SUFFIXES = (".yml", ".yaml", ".json")
#: Options of an entry that its place in the folder, or the role, says.
_SAID = ("kind", "organization", "project", "origin")


def stem(kind: str) -> str:
    """``apigee_api_proxy`` -> ``api_proxies``"""
    word = kind.partition("_")[2]
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith("s") else "s")


def kinds() -> dict[str, Kind]:
    """Every kind that an export holds or a folder may declare, by the name of its file."""
    return {stem(kind): registry.load(kind) for kind in listing.kinds()}


def has_files(kind: Kind) -> bool:
    """Whether objects of the kind are files, beside their entry."""
    return any(field.name == "bundle" and field.type == "path" for field in kind.fields)


def has_environment(kind: Kind) -> bool:
    """Whether objects of the kind can live in an environment."""
    return any(field.name == "environment" and field.identity for field in kind.fields)


def must_have_environment(kind: Kind) -> bool:
    """Whether objects of the kind live in environments only."""
    return any(field.name == "environment" and field.identity and field.required for field in kind.fields)


def path(kind: Kind, options: Options) -> str:
    """The file that an entry stands in."""
    environment = options.get("environment") if has_environment(kind) else None
    folder = f"{ENVIRONMENTS}/{environment}/" if environment else ""
    return f"{folder}{stem(kind.kind)}{SUFFIXES[0]}"


def written(kind: Kind, options: Options) -> Options:
    """An entry as it stands in its file: what names it first, the module's options in their order, and what steers it."""
    names = [field.name for field in kind.fields]
    ordered = sorted(
        (field for field in kind.fields if field.identity), key=lambda field: field.name != kind.name_option
    )
    first = [field.name for field in ordered]
    order = dict.fromkeys([*first, *names, *options])
    entry = {name: options[name] for name in order if options.get(name) is not None}
    said = (*_SAID, "environment") if has_environment(kind) else _SAID
    return {name: value for name, value in entry.items() if name not in said}


def sort_key(entry: Options) -> tuple[t.Any, ...]:
    """A fixed order of entries: by file, then by what names them."""
    kind = registry.load(entry["kind"])
    return (path(kind, entry), kind.place_of(entry))
