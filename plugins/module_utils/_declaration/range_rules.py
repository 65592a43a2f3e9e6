# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the address ranges of a declaration are ranges, private, large enough, and apart. Offline.

Private to this collection.
"""

from __future__ import annotations

import typing

from . import addresses
from .problems import Problem


def check(declaration: dict, site: dict, further: typing.Iterable[tuple[str, str]] = ()) -> typing.Iterator[Problem]:
    """Every range is one, private, and overlaps no other."""
    space = declaration.get("address_space")
    if space and (parsed := addresses.parse(space)) is None:
        yield not_a_range("address_space", space)
    elif space and not parsed.is_private:
        yield Problem(
            "address_space",
            "must be a private range.",
            space,
            fix="Use a part of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16.",
        )
    known: dict[str, addresses.Range] = {}
    for path, text in [*_declared_ranges(declaration, site), *further]:
        if not text:
            continue
        parsed = addresses.parse(text)
        if parsed is None:
            yield not_a_range(path, text)
            continue
        if not parsed.is_private:
            yield Problem(
                path,
                "must be a private range.",
                text,
                because="Apigee reaches pods over a peering that carries private ranges.",
                fix="Use a part of 10.0.0.0/8.",
            )
        other = addresses.overlapping(parsed, known)
        if other:
            yield Problem(
                path,
                f"overlaps {other}.",
                f"{text} and {known[other]}",
                fix=f"Choose a free range, or leave {path} out so that one is chosen.",
            )
        known[path] = parsed
    yield from _apigee_ranges(declaration, site)


def not_a_range(path: str, text: str) -> Problem:
    """What is no range at all."""
    return Problem(
        path,
        "is not an IPv4 range.",
        text,
        because="The address must be the first of the range and the prefix at most 32.",
        fix="For example 10.64.0.0/20.",
    )


def _declared_ranges(declaration: dict, site: dict) -> typing.Iterator[tuple[str, str]]:
    yield "peering_range", site["peering"]["range"]
    for cluster in site["clusters"]:
        for part in ("nodes", "pods", "services"):
            yield f"clusters.{cluster['name']}.ranges.{part}", cluster["ranges"].get(part, "")


def _apigee_ranges(declaration: dict, site: dict) -> typing.Iterator[Problem]:
    peering = addresses.parse(site["peering"]["range"] or "")
    given = (declaration.get("instance") or {}).get("range")
    if peering and peering.prefixlen > 21:
        yield Problem(
            "peering_range",
            "is too small for an Apigee instance.",
            str(peering),
            because="An instance takes a /22 and a /28.",
            fix="Use a /20 or larger.",
        )
    if not given:
        return
    instance = addresses.parse(given)
    if instance is None:
        yield not_a_range("instance.range", given)
    elif instance.prefixlen != addresses.INSTANCE_PREFIX:
        yield Problem(
            "instance.range", "must be a /22.", given, fix="Leave it out to take the first of the peering range."
        )
    elif peering and not instance.subnet_of(peering):
        yield Problem(
            "instance.range",
            f"does not lie inside the peering range {peering}.",
            given,
            fix="Leave it out to take the first of the peering range.",
        )
