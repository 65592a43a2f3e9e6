# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""API proxy bundles: from the bytes of a zip to a parsed and validated proxy.

``load(data)`` raises BundleError for what Apigee refuses at import. What is valid in Apigee but cannot be executed
here is listed in ``Bundle.unsupported``: such a revision imports, and fails to deploy with that list.
"""
from __future__ import annotations

from testbed.apigee.bundle.archive import BundleError
from testbed.apigee.bundle.loader import load
from testbed.apigee.bundle.model import Bundle

__all__ = ["Bundle", "BundleError", "load"]
