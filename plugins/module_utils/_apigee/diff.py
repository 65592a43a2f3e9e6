# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: nothing outside gatewayops.apigee_gke may import it.
"""What differs between two bundles, file by file, as data: Ansible renders it, so that it can still be scrubbed."""

from __future__ import annotations

from . import digest, markup
from .bundle import Bundle

#: Text beyond this many characters is cut in a diff; a bundle can hold whole libraries.
MAXIMUM_TEXT = 100_000


def compare(before: Bundle | None, after: Bundle | None, name: str | None = None) -> list[dict[str, str]]:
    """Return one entry per file that differs in content (not in layout), ordered by path.

    Each entry has ``file``, ``change`` (``added``, ``removed`` or ``changed``), ``before`` and ``after`` (text, empty
    where the file does not exist). ``name`` is the proxy's name in Apigee, as in ``digest``.
    """
    left = digest.comparable(before, name) if before else {}
    right = digest.comparable(after, name) if after else {}
    entries = []
    for key in sorted(set(left) | set(right)):
        if left.get(key) == right.get(key):
            continue
        change = "changed" if key in left and key in right else ("added" if key in right else "removed")
        old = _text(before, key, name) if before and key in left else ""
        new = _text(after, key, name) if after and key in right else ""
        path = _path(after, key) if after and key in right else _path(before, key)
        entries.append({"file": path, "change": change, "before": old, "after": new})
    return entries


def ansible(entries: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the entries in the form that Ansible prints: before, after and a header for each."""
    return [
        {
            "before_header": entry["file"] if entry["change"] != "added" else "/dev/null",
            "after_header": entry["file"] if entry["change"] != "removed" else "/dev/null",
            "before": entry["before"],
            "after": entry["after"],
        }
        for entry in entries
    ]


def _path(bundle: Bundle | None, key: str) -> str:
    if bundle is not None and key.endswith("/*"):
        return bundle.descriptor or key
    return key


def _text(bundle: Bundle, key: str, name: str | None) -> str:
    """Return a file as a person compares it: XML one element a line, other text as it is, the rest by its size."""
    path = _path(bundle, key)
    form = digest.form(bundle, path, name)
    if form is not None:
        text = "\n".join(markup.pretty(form)) + "\n"
    else:
        data = bundle.files[path]
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            return f"(binary, {len(data)} bytes)\n"
        if "\0" in text:
            return f"(binary, {len(data)} bytes)\n"
    if len(text) > MAXIMUM_TEXT:
        return text[:MAXIMUM_TEXT] + f"\n(cut: {len(text)} characters)\n"
    return text
