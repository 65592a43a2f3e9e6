# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do about a refusal, as data. Private to the collection.

The first row that fits wins; a refusal without one has nothing to add to Google's own words. Rows look at machine words
where Google gives any, at its message otherwise (sources: google-apis.md sections 1, 2, 4.8 and 6, apigee-peers.md 3.6).
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .refusals import Refusal


@dataclasses.dataclass(frozen=True)
class Remedy:
    """``do`` holds where ``words`` (case does not matter) are found in the refusal's text.

    ``do`` may name facts of the refusal in braces; ``otherwise`` says it when Google tells none of them.
    ``status`` limits it to HTTP statuses; operations have none, and no row with statuses fits them.
    """

    words: str
    do: str
    otherwise: str = ""
    status: tuple[int, ...] = ()

    def fits(self, refusal: Refusal, status: int) -> bool:
        """Whether this is the thing to do."""
        if self.status and status not in self.status:
            return False
        return re.search(self.words, refusal.text, re.I) is not None

    def sentence(self, refusal: Refusal) -> str:
        """What to do, with the facts that Google tells."""
        try:
            return self.do.format(**refusal.facts)
        except KeyError:
            return self.otherwise


REMEDIES = (
    # -- access ------------------------------------------------------------------------------------------------
    Remedy(
        r"SERVICE_DISABLED|accessNotConfigured|has not been used in project|it is disabled",
        "Enable the API: declare {service} in project_services.",
        "Enable the API: declare it in project_services.",
    ),
    Remedy(
        r"BILLING_DISABLED|billing (account|to be enabled|must be enabled)|billingNotEnabled",
        "Link a billing account to the project; it takes Google some minutes to notice.",
        "Link a billing account to the project; it takes Google some minutes to notice.",
    ),
    Remedy(
        r"SECURITY_POLICY_VIOLATED|VPC.?Service Controls|vpcServiceControlsUniqueIdentifier",
        "A service perimeter forbids it: run from inside of it, or let its administrator add an access level.",
    ),
    Remedy(
        r"constraints?/[a-z]|violates? constraint|org(anization)? policy",
        "A policy of your Google Cloud organisation forbids it: ask its administrator, or change what the policy names.",
    ),
    Remedy(
        r"service.?agent|gcp-sa-[a-z0-9-]+\.iam|service account .* (does not exist|not found)",
        "Google makes its service agents late and lets them act later still: run again in some minutes. If it stays, "
        "look whether the account exists and holds its role (docs/permissions.md).",
    ),
    Remedy(
        r"iam\.serviceAccounts\.actAs|act as service account",
        "Let the credentials act as that service account: roles/iam.serviceAccountUser on it.",
    ),
    Remedy(
        r"may not exist",
        "Look at the name first. If it is right, grant the credentials a role with {permission} on {resource}.",
        "Google tells neither whether it exists nor whether it may be seen: look at the name first, then whether the "
        "credentials hold a role there (roles/apigee.admin for an organisation), and whether it lies in another region "
        "(endpoints).",
    ),
    Remedy(
        r"PERMISSION_DENIED|forbidden",
        "Grant the credentials a role with {permission} on {resource}.",
        "Grant the credentials the role (docs/permissions.md), or use others.",
        status=(403,),
    ),
    # -- one thing at a time -----------------------------------------------------------------------------------
    Remedy(
        r"locked by another operation|operationInProgress|incompatible operation|operation in progress",
        "Google does one thing at a time here, and another run or person began first. It was waited for until the "
        "timeout: run again once that has ended, or raise timeout.",
    ),
    Remedy(
        r"\bABORTED\b|conditionNotMet|fingerprint|etag",
        "Somebody else changed it meanwhile: run again.",
    ),
    # -- limits ------------------------------------------------------------------------------------------------
    Remedy(
        r"RATE_LIMIT_EXCEEDED|rateLimitExceeded|userRateLimitExceeded|per.minute",
        "Too many calls at once, still after several tries: run again, or let fewer runs go side by side.",
    ),
    Remedy(
        r"ZONE_RESOURCE_POOL_EXHAUSTED|stockout|does not have enough resources",
        "Google has no room there now: try later, or another zone or machine type.",
    ),
    Remedy(
        r"RESOURCE_EXHAUSTED|quota_?exceeded|quota\b.*\bexceed|exceed.*\bquota\b|limit (of|reached|exceeded)|maximum number",
        "A quota or limit is used up: remove what is no longer needed, or ask Google for more (IAM & Admin, Quotas).",
    ),
    # -- Apigee ------------------------------------------------------------------------------------------------
    Remedy(
        r"CONFLICTING_DEPLOYMENT.*conflicting base paths|DeploymentPathConflict|conflicting base path",
        "Another proxy of this environment has the base path: change one of them, or undeploy the other.",
    ),
    Remedy(
        r"CONFLICTING_DEPLOYMENT|already deployed.*override",
        "Another revision of it is deployed there: replace it with override.",
    ),
    Remedy(
        r"BadBundle|bundle (contains errors|is invalid)",
        "Correct the files named above. apigee_proxy with check mode finds most of it before anything is sent.",
    ),
    Remedy(
        r"\bin use\b|is referenced|resource_?in_?use|being used",
        "Remove what uses it first; in one list of resources the order follows by itself.",
    ),
    Remedy(
        r"retained|retention period",
        "Google keeps a deleted organisation's data for a while and blocks its project: wait, or use another project.",
    ),
    # -- Google's own ------------------------------------------------------------------------------------------
    Remedy(
        r"",
        "It is Google's own failure, still there after several tries: run again later; what is there already is found.",
        status=(500, 502, 503, 504),
    ),
    Remedy(
        r"",
        "Too many calls at once, still after several tries: run again, or let fewer runs go side by side.",
        status=(429,),
    ),
)  # fmt: skip


def remedy(refusal: Refusal, status: int = 0, table: t.Iterable[Remedy] = REMEDIES) -> str:
    """What to do about it; "" where Google's own words say it all. ``status`` is the HTTP status, 0: an operation."""
    for row in table:
        if row.fits(refusal, status):
            return row.sentence(refusal)
    return ""
