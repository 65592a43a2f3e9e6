# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Apigee runtime of the testbed: executes deployed API proxy bundles with Apigee's rules and fault codes.

The rooms: ``bundle`` (zip to validated proxy), ``conditions``, ``templates`` and ``variables`` (the small languages of
a bundle), ``policies`` (one file each), ``flow`` (order of execution and fault rules), ``router`` (host and base path
to proxy), ``target``, ``balancer``, ``health``, ``pools`` and ``resolver`` (the way out), ``server`` and
``control`` (the two listeners).
"""
