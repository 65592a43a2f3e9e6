# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Labels of a proxy: what we know about its content, kept outside of it. Private to the collection."""

from __future__ import annotations

from .._engine.fields import Document, Options
from .._engine.ownership import LABEL, LABEL_VALUE

#: Digest of the content that was imported last, and the revision that it became.
DIGEST_LABEL = "content-digest"
REVISION_LABEL = "content-revision"
CONTENT = (DIGEST_LABEL, REVISION_LABEL)
#: A revision that was imported without being deployed: somebody will deploy it by its number.
KEPT_LABEL = "kept-revision"

#: Labels that are the collection's own.
BOOKKEEPING = (LABEL, *CONTENT, KEPT_LABEL)


def wanted_labels(
    found: Document,
    stated: Options | None,
    revision: str,
    digest: str,
    imported: bool = False,
    kept_for: bool = False,
    adopting: bool = False,
) -> dict[str, str]:
    """Labels as they should be: the user's, the rest as found, and ours where the proxy is ours.

    ``revision`` holds the wanted content, whose digest is ``digest`` (either may be empty); ``imported`` says that this
    run has just made it, and ``kept_for`` that it is to be deployed later, by its number. An import that was cut off
    before it was labelled is ours too: a single revision with exactly our content, no labels, deployed nowhere; unless
    the user states that it has none (``{}``, as an export does). ``adopting``: it becomes ours.
    """
    before = {str(name): str(value) for name, value in (found.get("labels") or {}).items()}
    kept = before if stated is None or stated else {name: before[name] for name in before if name in BOOKKEEPING}
    after = {**kept, **{str(name): str(value) for name, value in (stated or {}).items()}}
    single = len(found.get("revision") or []) == 1
    bare = not before and single and not found.get("deployments")
    cut_off = bool(revision and digest) and bare and stated != {}
    created = imported and not found.get("revision")
    if cut_off or created or adopting:
        after[LABEL] = LABEL_VALUE
    if revision and digest and (imported or after.get(LABEL) == LABEL_VALUE or DIGEST_LABEL in before):
        after[DIGEST_LABEL], after[REVISION_LABEL] = digest, revision
        # A run that was cut off after the import has not said so yet.
        if kept_for and (imported or before.get(REVISION_LABEL) != revision):
            after[KEPT_LABEL] = revision
    return after


def users_labels(labels: Options) -> Options:
    """Labels without the collection's own."""
    return {name: value for name, value in labels.items() if name not in BOOKKEEPING}
