# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of every module that talks to Google."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  project:
    description:
      - The Google Cloud project, by id or number.
      - Without it, E(GCP_PROJECT), E(GOOGLE_CLOUD_PROJECT), E(CLOUDSDK_CORE_PROJECT), then the project that the
        credentials name.
    type: str
  auth_kind:
    description:
      - How to get credentials. Without it, what is given decides, and application default credentials are the last
        resort.
      - V(application) takes application default credentials, workload identity federation included.
      - Without it, E(GCP_AUTH_KIND) is used.
    type: str
    choices: [application, machineaccount, serviceaccount, accesstoken]
  service_account_file:
    description:
      - Path of a service account key, or of a workload identity federation configuration.
      - Without it, E(GCP_SERVICE_ACCOUNT_FILE) is used.
    type: path
  service_account_contents:
    description:
      - The same as O(service_account_file), by content.
      - Without it, E(GCP_SERVICE_ACCOUNT_CONTENTS) is used.
    type: jsonarg
  service_account_email:
    description:
      - Which of a machine's service accounts O(auth_kind=machineaccount) uses.
      - Without it, E(GCP_SERVICE_ACCOUNT_EMAIL) is used.
    type: str
  access_token:
    description:
      - An OAuth access token. It is used as it is and cannot be renewed.
      - Without it, E(GCP_ACCESS_TOKEN) or E(CLOUDSDK_AUTH_ACCESS_TOKEN) is used.
    type: str
  impersonate_service_account:
    description:
      - E-mail address of a service account to act as, on top of any O(auth_kind).
      - Several, separated by commas, are a chain. Each acts as the next, the last is the one that works.
      - Without it, E(GCP_IMPERSONATE_SERVICE_ACCOUNT) or E(GOOGLE_IMPERSONATE_SERVICE_ACCOUNT) is used.
    type: str
  scopes:
    description:
      - OAuth scopes to ask for. The default is the cloud platform scope.
      - Without it, E(GCP_SCOPES) is used.
    type: list
    elements: str
  endpoints:
    description:
      - Where APIs are, by service name (V(compute), V(container), V(apigee), ...). A value stands in for
        C(https://SERVICE.googleapis.com/).
      - gcloud's C(CLOUDSDK_API_ENDPOINT_OVERRIDES_SERVICE) variables are honoured for services not named here.
    type: dict
  request_timeout:
    description: Seconds to wait for one reply; 60 when not given.
    type: float
requirements:
  - python >= 3.10
  - google-auth >= 2.22
  - requests >= 2.28
"""
