# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Old revisions: which may go, and taking them away. Private to the collection.

Apigee keeps 250 revisions and refuses the next import. What serves anywhere is never deleted, nor what is wanted.
"""

from __future__ import annotations

import typing as t

from .._engine.compare import Change
from .._engine.fields import Document, Field
from .._google.errors import ApiError

if t.TYPE_CHECKING:
    from .apigee_revisions import ApigeeRevisions

#: Revisions of one proxy or shared flow that Apigee keeps (Apigee limits).
LIMIT = 250

_KEEP = Field("keep_revisions", type="int", api=None)


def invalid(keep: int | None) -> list[str]:
    """What is wrong with the option ``keep_revisions``."""
    if keep is None or 1 <= keep < LIMIT:
        return []
    return [f"keep_revisions is {keep}. Apigee keeps {LIMIT}: state 1 to {LIMIT - 1}."]


def superfluous(owner: ApigeeRevisions, found: Document) -> bool:
    """Whether there are more revisions than are to be kept, those that serve elsewhere included."""
    keep = owner.options.get("keep_revisions")
    return keep is not None and len(found.get("revision") or []) > keep


def changes(owner: ApigeeRevisions, found: Document, wanted: str) -> list[Change]:
    """Revisions that would go once ``wanted`` serves where it should."""
    if owner.options.get("keep_revisions") is None:
        return []
    there = _sorted({*(str(one) for one in found.get("revision") or []), wanted} - {""})
    elsewhere = [one for one in found.get("deployments") or [] if str(one.get("environment")) not in owner.environments]
    if owner.options.get("undeploy_elsewhere"):
        elsewhere = []
    going = _going(owner, there, {wanted, *owner.equal.values(), *(str(one.get("revision")) for one in elsewhere)})
    if not going:
        return []
    before, after = [int(one) for one in there], [int(one) for one in there if one not in going]
    return [Change("revisions", before, after, _KEEP, "keep_revisions")]


def obstacle(owner: ApigeeRevisions, found: Document) -> list[str]:
    """Why nothing can be imported, as sentences: Apigee keeps no more revisions, and none may go."""
    there = found.get("revision") or []
    if len(there) < LIMIT or owner.reusable(found) or _to_make_room(owner, found):
        return []
    stated = owner.options.get("keep_revisions")
    fix = (
        "State keep_revisions, how many of the newest to keep, and the others that serve nowhere are deleted first."
        if stated is None
        else f"keep_revisions: {stated} and what is deployed leave none to delete: keep fewer."
    )
    return [f"it has {len(there)} revisions, the most that Apigee keeps, so nothing can be imported. {fix}"]


def make_room(owner: ApigeeRevisions, found: Document) -> None:
    """Before an import: delete what is superfluous if Apigee would refuse another one."""
    if len(found.get("revision") or []) >= LIMIT:
        _delete(owner, _to_make_room(owner, found))


def _to_make_room(owner: ApigeeRevisions, found: Document) -> list[str]:
    if owner.options.get("keep_revisions") is None:
        return []
    deployed = {str(one.get("revision")) for one in found.get("deployments") or []}
    return _going(owner, _sorted({str(one) for one in found.get("revision") or []}), deployed)


def prune(owner: ApigeeRevisions, found: Document) -> None:
    """After everything serves: delete what is superfluous now."""
    if owner.options.get("keep_revisions") is None:
        return
    there = _sorted({*(str(one) for one in found.get("revision") or []), owner.wanted_revision} - {""})
    if len(there) <= owner.options["keep_revisions"]:
        return
    deployed = {str(one.get("revision")) for one in owner.calls.deployments()}
    _delete(owner, _going(owner, there, {*deployed, owner.wanted_revision}))


def _going(owner: ApigeeRevisions, there: list[str], kept: set[str]) -> list[str]:
    newest = there[-owner.options["keep_revisions"] :]
    return [one for one in there if one not in newest and one not in kept]


def _delete(owner: ApigeeRevisions, revisions: list[str]) -> None:
    gone = []
    for revision in revisions:
        try:
            owner.calls.delete_revision(revision)
            gone.append(revision)
        except ApiError as error:
            # Another run was quicker, or somebody has just deployed it: then it is wanted.
            if not error.missing and error.code != "FAILED_PRECONDITION":
                raise
    if gone:
        owner.done.append(f"deleted {listed(gone)}")


def listed(revisions: list[str]) -> str:
    """``revision 3`` or ``revisions 1-5, 8``."""
    runs: list[list[int]] = []
    for number in sorted(int(one) for one in revisions):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    text = ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
    return f"revision{'s' if len(revisions) > 1 else ''} {text}"


def _sorted(revisions: set[str]) -> list[str]:
    return sorted(revisions, key=lambda one: (len(one), one))
