# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of an emulator in a form that can be compared: without times, generated identifiers and history."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from testbed.google.seed import ACCOUNTS

if TYPE_CHECKING:
    from testbed.google.emulator import Emulator

# History and secrets of the emulator itself.
_SKIPPED = (
    "operations/*",
    "locks/*",
    "counters/*",
    "tokens/*",
    "settings/*",
    # The testbed's own accounts hold keys that are made once for each state folder.
    *(f"iam/projects/*/serviceAccounts/{email}" for email in ACCOUNTS.values()),
    "dns/*/changes/*",
    "dns/*/operations/*",
)
# Fields that differ between two equal runs.
_VOLATILE = re.compile(
    r"(creationTimestamp|creationTime|createTime|updateTime|createdAt|lastModifiedAt|expiresAt|expireTime|issuedAt|"
    r"deployStartTime|id|uid|etag|fingerprint|labelFingerprint|instanceTemplate|selfLinkWithId|consumerKey|"
    r"consumerSecret|appId|developerId|keyExpiresAt|timestamp|number|startTime|endTime|clusterCaCertificate)\Z"
)


def dump(emulator: Emulator) -> dict[str, Any]:
    """Return {"digest", "objects"} of everything that exists at Google.

    Services may add volatile field names (Service.volatile) and key patterns whose last segment Google chooses
    (Service.generated_names); such objects are listed by their content.
    """
    fields = {name for service in emulator.services for name in getattr(service, "volatile", ())}
    generated = {glob for service in emulator.services for glob in getattr(service, "generated_names", ())}
    objects: dict[str, Any] = {}
    for key, document in emulator.store.snapshot().items(""):
        if any(fnmatch.fnmatchcase(key, glob) for glob in _SKIPPED):
            continue
        content = _stable(document, fields)
        if any(fnmatch.fnmatchcase(key, glob) for glob in generated):
            content.pop("name", None)
            key = f"{key.rsplit('/', 1)[0]}/#{_digest(content)[:12]}"
        objects[key] = content
    return {"digest": _digest(objects), "objects": dict(sorted(objects.items()))}


def _stable(value: Any, fields: set[str]) -> Any:
    if isinstance(value, dict):
        return {k: _stable(v, fields) for k, v in sorted(value.items()) if not _VOLATILE.match(k) and k not in fields}
    if isinstance(value, list):
        return [_stable(item, fields) for item in value]
    return value


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
