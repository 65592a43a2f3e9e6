# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The compact report at the end of a run: what was compared, what was done, what it cost.

Private to this collection.
"""

from __future__ import annotations

import typing

_WORDS = {
    "created": ("created", "would be created"),
    "updated": ("changed", "would be changed"),
    "deleted": ("removed", "would be removed"),
    "recreated": ("made anew", "would be made anew"),
}
_LONGEST_VALUE = 60
_KEYS = ("kind", "name", "action", "changes", "because")


def collect(results: list[typing.Any]) -> dict:
    """Brings together the results of many tasks.

    Args:
        results: results of the plural module, lists of entries such as ``manifests.outcome`` gives, and results of
            tasks that were skipped or never ran, which count for nothing.

    Returns:
        ``objects`` (list of kind, name, action, changes, because), ``reads``, ``writes`` and ``waited`` (seconds).
    """
    objects: dict[tuple[str, str], dict] = {}
    reads = writes = 0
    waited = 0.0
    for result in results:
        entries = result
        if isinstance(result, dict):
            if result.get("skipped"):
                continue
            entries = result.get("resources") or []
            requests = result.get("requests") or {}
            reads += int(requests.get("reads") or 0)
            writes += int(requests.get("writes") or 0)
        for entry in entries or []:
            if "action" not in entry:
                continue
            if not (isinstance(result, dict) and result.get("requests")):
                requests = entry.get("requests") or {}
                reads += int(requests.get("reads") or 0)
                writes += int(requests.get("writes") or 0)
            waited += float(entry.get("waited") or 0)
            key = (entry["kind"], entry["name"])
            # An object met twice (started, then followed) is reported by what was done to it first.
            if key not in objects or objects[key]["action"] in ("unchanged", "pending"):
                objects[key] = {name: entry.get(name) or [] for name in _KEYS}
            elif objects[key]["action"] == entry["action"] == "updated":
                objects[key]["changes"] = _both(objects[key]["changes"], entry.get("changes") or [])
    return {"objects": list(objects.values()), "reads": reads, "writes": writes, "waited": round(waited, 1)}


def _both(first: list[dict], then: list[dict]) -> list[dict]:
    """Two changes of an object as one: from what was before the first to what is after the second."""
    later = {change["field"]: change for change in then}
    joined = [{**change, "after": later.pop(change["field"], change)["after"]} for change in first]
    return joined + list(later.values())


def actions(collected: dict) -> list[dict]:
    """The report as (kind, name, action), the same in check mode as in the real run; changes and reasons where there are."""
    return [{key: entry[key] for key in _KEYS if entry[key]} for entry in collected["objects"]]


def lines(collected: dict, check_mode: bool) -> list[str]:
    """The report for people: only what differs, then one line of totals."""
    text = []
    for entry in collected["objects"]:
        if entry["action"] == "unchanged":
            continue
        words = _WORDS.get(entry["action"], (entry["action"], entry["action"]))
        text.append(f"{entry['name']} ({entry['kind']})".ljust(56) + f" {words[1 if check_mode else 0]}")
        if entry["action"] == "updated":
            text += [f"    {_change(change)}" for change in entry["changes"]]
        if entry["because"]:
            text.append(f"    {entry['because']}")
    compared, calls = len(collected["objects"]), f"{collected['reads']} reads, {collected['writes']} writes"
    waited = f", {collected['waited']:.0f} s waiting for Google" if collected["waited"] >= 1 else ""
    total = f"({compared} objects compared, {calls}{waited})"
    if not text:
        return [f"nothing differs {total}"]
    return [*text, f"nothing else differs {total}"]


def _change(change: dict) -> str:
    before, after = change.get("before") or [], change.get("after") or []
    if isinstance(before, list) and isinstance(after, list) and (before or after):
        parts = [f"+ {_short(item)}" for item in after if item not in before]
        parts += [f"- {_short(item)}" for item in before if item not in after]
        if parts:
            return f"{change.get('field', '')}: {', '.join(parts)}"
    return f"{change.get('field', '')}: {_short(change.get('before'))} -> {_short(change.get('after'))}"


def _short(value: typing.Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 3] + "..."
