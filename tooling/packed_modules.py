# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How playbook runs of the tests are told to share the modules that Ansible packs (see ``callback_plugins``)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

FOLDER = "APIGEE_GKE_PACKED_MODULES"
PLUGINS = Path(__file__).resolve().parent / "callback_plugins"


def environment(given: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return an environment whose playbook runs share packed modules, in this folder unless it names one already.

    Whoever names a folder removes it before the code of the checkout changes.
    """
    return {
        FOLDER: str(folder),
        **given,
        "ANSIBLE_CALLBACK_PLUGINS": str(PLUGINS),
        "ANSIBLE_CALLBACKS_ENABLED": "packed_modules",
    }
