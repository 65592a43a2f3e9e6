# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: nothing outside gatewayops.apigee_gke may import it.
"""Policies whose settings Apigee refuses only when they are deployed, or never (apigee-peers.md 6b)."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from . import markup
from .findings import Findings

#: So many a second or a minute.
_RATE = re.compile(r"^[1-9]\d*(ps|pm)$")


def check(found: Findings, path: str, root: ElementTree.Element) -> None:
    """One policy."""
    if root.tag == "SpikeArrest":
        _check_rate(found, path, root)


def _check_rate(found: Findings, path: str, root: ElementTree.Element) -> None:
    rate = root.find("Rate")
    text = markup.local_text(rate)
    element = f"SpikeArrest {root.get('name', '')}".rstrip()
    if rate is None or not (text or rate.get("ref")):
        found.add(path, element, "it has no Rate", "Add <Rate>30ps</Rate>: so many a second (ps) or a minute (pm)")
    elif text and "{" not in text and not _RATE.match(text):
        remedy = "Write a whole number with ps (a second) or pm (a minute), as 30ps"
        found.add(path, element, f"the Rate {text} has no unit that Apigee knows", remedy)
