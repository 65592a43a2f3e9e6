# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbook runs of the tests share the modules that Ansible has packed.

Before Ansible runs a module it looks through everything that the module imports and packs it. It keeps the result for
the run, in a folder of the run, and the next run packs the same again: a third of the processor time of a run that
changes nothing. The gates run hundreds of playbooks of one checkout, so here that folder is one that all of them have;
Ansible itself takes the lock of each file in it, as its own workers share it too.
"""

from __future__ import annotations

import os

from ansible import constants
from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """Puts the shared folder where Ansible keeps packed modules. Prints nothing."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "packed_modules"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, playbook: object) -> None:
        """Link it before the first task; the run's own folder goes with the run, and with it the link alone."""
        own = os.path.join(constants.DEFAULT_LOCAL_TMP, "ansiballz_cache")
        shared = os.environ.get("APIGEE_GKE_PACKED_MODULES")
        if shared and not os.path.lexists(own):
            os.makedirs(shared, exist_ok=True)
            os.symlink(shared, own)
