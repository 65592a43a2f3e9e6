# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles: from the bytes of a zip to a parsed and validated API proxy or shared flow.

``load(data)`` and its siblings raise BundleError for what Apigee refuses at import. What is valid in Apigee but cannot
be executed here is listed in ``unsupported``: such a revision imports, and fails to deploy with that list.
"""
from __future__ import annotations

from testbed.apigee.bundle.archive import BundleError
from testbed.apigee.bundle.loader import load, load_either, load_shared_flow
from testbed.apigee.bundle.model import Bundle, SharedFlowBundle

__all__ = ["Bundle", "BundleError", "SharedFlowBundle", "load", "load_either", "load_shared_flow"]
