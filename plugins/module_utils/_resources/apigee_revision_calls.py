# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls that concern proxies and shared flows, their revisions and deployments: one method per call. Private to the collection."""

from __future__ import annotations

import typing as t
from urllib.parse import quote

from .._apigee import bundle as bundles
from .._apigee import digest as digests
from .._engine import normalise
from .._google.errors import ApiError, Failure, UnreachableError
from .._google.session import Reply, Wire

Document = dict[str, t.Any]


class RevisionCalls:
    """The line of one proxy or shared flow to Apigee. Nothing here decides anything.

    ``collection`` is its folder in Apigee's paths: ``apis`` or ``sharedflows``.
    """

    def __init__(self, wire: Wire, organization: str, collection: str, name: str) -> None:
        self.wire = wire
        self.organization = organization
        self.collection = collection
        self.name = name
        self._base = f"v1/organizations/{quote(organization)}"
        self._path = f"{self._base}/{collection}/{quote(name)}"
        self._downloaded: dict[str, bundles.Bundle | None] = {}

    def afresh(self, seconds: float) -> RevisionCalls:
        """The same line with that much time of its own; its calls are counted together with ours."""
        wire = Wire(self.wire.client, seconds)
        wire.counts = self.wire.counts
        return RevisionCalls(wire, self.organization, self.collection, self.name)

    def get(self) -> Document | None:
        """Google's object: labels, numbers of its revisions."""
        return self.wire.find("apigee", self._path)

    def deployments(self) -> list[Document]:
        """Where which revision is deployed; without states."""
        return (self.wire.find("apigee", f"{self._path}/deployments") or {}).get("deployments") or []

    def deployed(self, environment: str) -> str:
        """Which revision is deployed in an environment; "" when none is."""
        return next((str(one["revision"]) for one in self.deployments() if one.get("environment") == environment), "")

    def status(self, environment: str, revision: str) -> Document | None:
        """One deployment with its state, None when it is not deployed there."""
        found = self.wire.find("apigee", self._deployment(environment, revision))
        # An answer without a state and a start describes a deployment that is not there.
        return found if found and (found.get("state") or found.get("deployStartTime")) else None

    def download(self, revision: str) -> bundles.Bundle | None:
        """The content of a revision; None when it has none that can be read (or the revision is gone)."""
        if revision not in self._downloaded:
            try:
                path = f"{self._path}/revisions/{revision}"
                reply = self.wire.send("apigee", "GET", path, query={"format": "bundle"})
                self._downloaded[revision] = bundles.from_zip(reply.content, f"revision {revision}")
            except bundles.BundleError:
                self._downloaded[revision] = None
            except ApiError as error:
                if not error.missing:
                    raise
                self._downloaded[revision] = None
        return self._downloaded[revision]

    def same_content(self, revision: str, digest: str) -> bool:
        """Whether a revision holds this content; downloads it (once)."""
        content = self.download(revision)
        return content is not None and digests.digest(content, self.name) == digest

    def upload(self, content: bundles.Bundle) -> str:
        """Import the bundle as a new revision and return its number. Never repeated: each import makes a revision."""
        reply = self._send(f"{self._base}/{self.collection}", content, {"name": self.name, "action": "import"})
        revision = str(reply.json()["revision"])
        self._downloaded.pop(revision, None)
        return revision

    def validate(self, content: bundles.Bundle) -> None:
        """Have Apigee look at the bundle; nothing is kept. Raises ApiError with everything that is wrong."""
        query = {"name": self.name, "action": "validate"}
        self._send(f"{self._base}/{self.collection}", content, query, counts_as_read=True)

    def overwrite(self, revision: str, content: bundles.Bundle) -> None:
        """Replace the content of a revision. Raises ApiError FAILED_PRECONDITION for one that was ever deployed."""
        self._downloaded.pop(revision, None)
        self._send(f"{self._path}/revisions/{quote(revision)}", content, {}, repeatable=True)

    def delete_revision(self, revision: str) -> None:
        """Delete a revision that is deployed nowhere."""
        self.wire.send("apigee", "DELETE", f"{self._path}/revisions/{quote(revision)}")

    def _send(
        self,
        path: str,
        content: bundles.Bundle,
        query: Document,
        counts_as_read: bool = False,
        repeatable: bool | None = None,
    ) -> Reply:
        """POST a bundle as the form that Apigee wants. An import is never repeated; what makes no revision may be."""
        data = bundles.to_zip(content)
        boundary = "bundle-" + digests.digest(content, self.name)
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{quote(self.name)}.zip"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        return self.wire.send(
            "apigee",
            "POST",
            path,
            counts_as_read=counts_as_read,
            query=query,
            content=head.encode("ascii") + data + f"\r\n--{boundary}--\r\n".encode("ascii"),
            content_type=f"multipart/form-data; boundary={boundary}",
            repeatable=counts_as_read or bool(repeatable),
        )

    def label(self, labels: dict[str, str]) -> None:
        """Replace the labels (a shared flow has none)."""
        self.wire.send("apigee", "PATCH", self._path, query={"updateMask": "labels"}, body={"labels": labels})

    def report(self, environment: str, revision: str, override: bool) -> Document:
        """What a deployment would change in the routing. Changes nothing, though Google wants a POST."""
        return self.wire.send(
            "apigee",
            "POST",
            self._deployment(environment, revision) + ":generateDeployChangeReport",
            query={"override": override or None},
            counts_as_read=True,
            repeatable=True,
        ).json()

    def deploy(self, environment: str, revision: str, how: Document, live: Document | None = None) -> None:
        """Start a deployment. When the reply is lost, look before asking again: for the revision and its account.

        ``live`` is what was deployed there before: the same revision may have failed, and its error is not the new one's.
        """
        path = self._deployment(environment, revision)
        for attempt in (1, 2):
            try:
                self.wire.send("apigee", "POST", path, query=how, repeatable=False)
                return
            except (ApiError, UnreachableError) as error:
                lost = isinstance(error, UnreachableError) or error.status >= 500
                if not lost:
                    raise
                try:
                    there = self.status(environment, revision)
                except Failure:
                    # What came of the request itself says more.
                    raise error from None
                # The same revision may have been there before, as another account.
                same = there and _account(there.get("serviceAccount")) == _account(how.get("serviceAccount"))
                if there and same and not _failed_before(there, live):
                    return
                if attempt == 2:
                    raise

    def undeploy(self, environment: str, revision: str, sequenced: bool = False) -> None:
        """Start taking a deployment away; nothing to do when there is none."""
        try:
            query = {"sequencedRollout": sequenced or None}
            self.wire.send("apigee", "DELETE", self._deployment(environment, revision), query=query)
        except ApiError as error:
            if not error.missing:
                raise

    def delete(self) -> None:
        """Delete it with all its revisions."""
        try:
            self.wire.send("apigee", "DELETE", self._path)
        except ApiError as error:
            if not error.missing:
                raise

    def exists(self, path: str) -> bool:
        """Whether there is an object at this path below the organisation."""
        return self.wire.find("apigee", f"{self._base}/{path}") is not None

    def _deployment(self, environment: str, revision: str) -> str:
        place = f"{self._base}/environments/{quote(environment)}/{self.collection}/{quote(self.name)}"
        return f"{place}/revisions/{quote(revision)}/deployments"


def _failed_before(there: Document, live: Document | None) -> bool:
    """Whether this deployment is the one that had failed already. Asking once more for one that fails anew does no harm."""
    told = [(one.get("state"), str(one.get("revision")), one.get("deployStartTime")) for one in (there, live or {})]
    return told[0] == told[1] and there.get("state") == "ERROR"


def _account(value: t.Any) -> str:
    """A service account for comparing; "" for none."""
    return normalise.service_account(value) or ""
