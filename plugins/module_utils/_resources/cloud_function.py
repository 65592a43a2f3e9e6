# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cloud Function of the second generation. Private to the collection.

Google builds it from an uploaded zip and does not give that back in a comparable form: the digest of the files is kept
in a label, so that unchanged source is neither uploaded nor built again.
"""

from __future__ import annotations

import copy
import re
import typing as t

from .._apigee.bundle import BundleError
from .._engine import normalise
from .._engine.compare import Change, differences
from .._engine.context import Context
from .._engine.fields import Document, Field, Options, put
from .._engine.ownership import LabelMark
from .._engine.resource import Reference, Resource, State
from .._forwarding import settings
from .._function import package
from .._google import operations
from .._google.errors import Failure, OperationError

#: The label in which the digest of the files stands.
DIGEST = "source-digest"
#: The server of Google's Python runtimes takes the number of its threads from here.
THREADS = "THREADS"
#: Google adds this variable by itself (log lines tell which request they belong to): nobody's drift.
_GOOGLES_OWN = "LOG_EXECUTION_ID"
_NAME = re.compile(r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$")
_CONNECTOR = re.compile(r"^projects/[^/]+/locations/([^/]+)/connectors/[^/]+$")
#: What Google fills in by itself, and does not take back.
_OUTPUTS = (
    ("buildConfig", "build"),
    ("buildConfig", "sourceProvenance"),
    ("serviceConfig", "service"),
    ("serviceConfig", "uri"),
    ("serviceConfig", "revision"),
)
#: google.rpc.Code: how a create ends when somebody else was quicker.
_ALREADY_EXISTS = 6
_BROKEN = ("FAILED", "UNKNOWN")


def _connector_path(value: t.Any, resource: Resource) -> t.Any:
    """A connector as Google wants it: the full path."""
    if not value or "/" in value:
        return value
    return f"projects/{resource.project}/locations/{resource.options['region']}/connectors/{value}"


class CloudFunction(Resource):
    """``projects.locations.functions`` of v2: changed in place by its large parts, rebuilt when its files change."""

    kind = "cloud_function"
    title = "function"
    service = "cloudfunctions"
    path = "v2/projects/{project}/locations/{region}/functions/{name}"
    create_query = {"functionId": "{name}"}
    family = operations.longrunning("cloudfunctions", "v2")
    update_method = "PATCH"
    state_place = "state"
    states: t.ClassVar[dict[str, State]] = {
        "ACTIVE": State.READY,
        "DEPLOYING": State.PENDING,
        "DETACHING": State.PENDING,
        "DELETING": State.GOING,
        "FAILED": State.FAILED,
        "UNKNOWN": State.FAILED,
        # Still serving.
        "DETACH_FAILED": State.READY,
    }
    mark = LabelMark()
    long_running = True
    timeout = 3600.0
    after = ("project_services", "vpc_access_connector", "iam_service_account")
    fields = (
        Field("name", api=None, required=True, identity=True),
        Field("region", api=None, required=True, identity=True),
        Field("description"),
        Field("source", type="path", api=None),
        Field("forwarding", type="bool", api=None),
        Field("forwarding_ca", api=None),
        Field("runtime", api="buildConfig.runtime"),
        Field("entry_point", api="buildConfig.entryPoint"),
        Field("build_service_account", api="buildConfig.serviceAccount", same=normalise.service_account),
        Field("service_account", api="serviceConfig.serviceAccountEmail", same=normalise.service_account),
        Field("memory", api="serviceConfig.availableMemory"),
        Field("cpu", api="serviceConfig.availableCpu"),
        Field("request_seconds", type="int", api="serviceConfig.timeoutSeconds", default=60),
        Field("concurrency", type="int", api="serviceConfig.maxInstanceRequestConcurrency", default=1),
        Field("min_instances", type="int", api="serviceConfig.minInstanceCount"),
        Field("max_instances", type="int", api="serviceConfig.maxInstanceCount"),
        Field("environment", type="dict", api="serviceConfig.environmentVariables"),
        Field(
            "ingress",
            api="serviceConfig.ingressSettings",
            choices=("ALLOW_ALL", "ALLOW_INTERNAL_ONLY", "ALLOW_INTERNAL_AND_GCLB"),
            default="ALLOW_ALL",
        ),
        Field(
            "vpc_connector", api="serviceConfig.vpcConnector", same=normalise.short_name, encode=_connector_path
        ),
        Field(
            "vpc_connector_egress",
            api="serviceConfig.vpcConnectorEgressSettings",
            choices=("PRIVATE_RANGES_ONLY", "ALL_TRAFFIC"),
        ),
        Field(
            "direct_vpc",
            type="list",
            elements="dict",
            api="serviceConfig.directVpcNetworkInterface",
            fields=(
                Field("network", same=normalise.short_name),
                Field("subnetwork", same=normalise.short_name),
                Field("tags", type="list", elements="str", lists="set"),
            ),
        ),
        Field(
            "direct_vpc_egress",
            api="serviceConfig.directVpcEgress",
            choices=("VPC_EGRESS_PRIVATE_RANGES_ONLY", "VPC_EGRESS_ALL_TRAFFIC"),
            default="VPC_EGRESS_PRIVATE_RANGES_ONLY",
        ),
        Field("labels", type="dict", keep_extra=True),
        Field("url", output=True),
        Field("run_service", api="serviceConfig.service", output=True),
        Field("state", output=True),
    )
    mutually_exclusive = (("source", "forwarding"), ("vpc_connector", "direct_vpc"))

    def __init__(self, options: Options, context: Context) -> None:
        super().__init__(options, context)
        #: Whether this run has deployed it, or waits for a deployment: then a state of failure is ours to report.
        self._deployed = False
        self._files: dict[str, bytes] | None = None
        #: Where the zip was uploaded to.
        self._storage: Document | None = None
        if self.options.get("forwarding"):
            self.options.setdefault("runtime", package.RUNTIME)
            self.options.setdefault("entry_point", package.ENTRY_POINT)
        # Going over to the other way into the network means leaving the first.
        if self.options.get("direct_vpc"):
            self.options.setdefault("vpc_connector", "")
        elif self.options.get("vpc_connector"):
            self.options.setdefault("direct_vpc", [])
        self._whole_environment = "environment" in self.options
        if self._whole_environment:
            self.options["environment"] = {name: _text(value) for name, value in self.options["environment"].items()}
        if "concurrency" in self.options and str(self.options.get("runtime") or "").startswith("python"):
            threads = {THREADS: str(self.options["concurrency"])}
            self.options["environment"] = {**threads, **(self.options.get("environment") or {})}

    def references(self) -> list[Reference]:
        """The connector, or the subnetwork and network, that it uses, where that is declared too."""
        found = super().references()
        for interface in self.options.get("direct_vpc") or []:
            found += [
                Reference(f"compute_{part}", normalise.short_name(interface[part]), needed=False)
                for part in ("subnetwork", "network")
                if interface.get(part)
            ]
        connector = self.options.get("vpc_connector")
        if connector:
            found.append(Reference("vpc_access_connector", normalise.short_name(connector), needed=False))
        return found

    # -- source ------------------------------------------------------------------------------------------------

    def files(self) -> dict[str, bytes]:
        """The files it is to be built from; none where neither source nor forwarding is stated. Raises Failure."""
        if self._files is None:
            try:
                if self.options.get("forwarding"):
                    self._files = package.forwarding()
                    if self.options.get("forwarding_ca"):
                        self._files[package.AUTHORITY] = str(self.options["forwarding_ca"]).encode()
                elif self.options.get("source"):
                    self._files = package.folder(str(self.options["source"]))
                else:
                    self._files = {}
            except BundleError as error:
                raise Failure(f"its source cannot be packed: {error}.") from error
        return self._files

    def _upload(self) -> None:
        """Bring the zip to where Google builds from."""
        reply = self.wire.send(
            self.service, "POST", f"{self.parent_url()}:generateUploadUrl", body={"environment": "GEN_2"}
        ).json()
        self.wire.upload(str(reply["uploadUrl"]), package.archive(self.files()), "application/zip")
        self._storage = reply["storageSource"]

    # -- rules -------------------------------------------------------------------------------------------------

    def validate(self) -> list[str]:
        wrong = []
        if not _NAME.match(self.name):
            wrong.append(f"name is {self.name!r}. Use up to 63 lower-case letters, digits and dashes.")
        if self.options.get("forwarding_ca") and not self.options.get("forwarding"):
            wrong.append("forwarding_ca is stated without forwarding: true. It belongs to our own function only.")
        try:
            self.files()
        except Failure as error:
            wrong.append(str(error))
        return wrong + self._number_rules() + self._egress_rules() + self._forwarding_rules()

    def _number_rules(self) -> list[str]:
        wrong = []
        for name, least, most in (("request_seconds", 1, 3600), ("concurrency", 1, 1000)):
            value = self.options.get(name)
            if value is not None and not least <= value <= most:
                wrong.append(f"{name} is {value}. State {least} to {most}.")
        fewest, most_instances = self.options.get("min_instances"), self.options.get("max_instances")
        if fewest and most_instances and fewest > most_instances:
            wrong.append(f"min_instances {fewest} is more than max_instances {most_instances}.")
        cpu = str(self.options.get("cpu") or "")
        if (self.options.get("concurrency") or 1) > 1 and (not cpu or _processors(cpu) < 1):
            wrong.append(
                f"concurrency is {self.options['concurrency']} with cpu {cpu or 'not stated'}. Google serves several "
                'requests at a time with one CPU or more only: state cpu: "1".'
            )
        return wrong

    def _egress_rules(self) -> list[str]:
        wrong = []
        match = _CONNECTOR.match(str(self.options.get("vpc_connector") or ""))
        if match and match.group(1) != self.options["region"]:
            wrong.append(
                f"vpc_connector is in {match.group(1)}, the function in {self.options['region']}. Functions reach "
                "connectors of their own region only."
            )
        if self.options.get("vpc_connector_egress") and not self.options.get("vpc_connector"):
            wrong.append("vpc_connector_egress is stated without vpc_connector.")
        direct = self.options.get("direct_vpc") or []
        if len(direct) > 1:
            wrong.append(f"direct_vpc has {len(direct)} interfaces. Google takes one.")
        if any(not (one.get("network") or one.get("subnetwork")) for one in direct):
            wrong.append("direct_vpc names neither network nor subnetwork. State one of them, or both.")
        if self.options.get("direct_vpc_egress") and not direct:
            wrong.append("direct_vpc_egress is stated without direct_vpc.")
        return wrong

    def _forwarding_rules(self) -> list[str]:
        if not self.options.get("forwarding"):
            return []
        stated = {name: str(value) for name, value in (self.options.get("environment") or {}).items()}
        try:
            wanted = settings.read(stated)
        except settings.SettingsError as error:
            return [f"environment: {error}"]
        limit = self.options.get("request_seconds") or 60
        if wanted.timeout >= limit:
            return [
                f"environment: FORWARD_TIMEOUT is {wanted.timeout:g} s and request_seconds {limit} s: Google would end "
                "the request before the function could say 504. State less for the first."
            ]
        return []

    def examine_creation(self) -> list[str]:
        """What only a new function needs."""
        missing = [name for name in ("runtime", "entry_point") if not self.options.get(name)]
        if not self.files():
            return ["it does not exist, and neither source nor forwarding is stated. State what it is to be built from."]
        return [f"it does not exist, and {name} is not stated." for name in missing]

    # -- state -------------------------------------------------------------------------------------------------

    def readiness(self, found: Document) -> tuple[State, str]:
        """As any; but what somebody's deployment left broken is mended by the next one, not deleted."""
        state, word = super().readiness(found)
        if state is State.PENDING:
            self._deployed = True
        return (State.READY if word in _BROKEN and not self._deployed else state), word

    def trouble(self, found: Document) -> str:
        said = [str(one.get("message") or "") for one in found.get("stateMessages") or []]
        return "; ".join(dict.fromkeys(text for text in said if text))

    def everything(self) -> list[Document]:
        return self.wire.pages(self.service, self.parent_url(), "functions")

    def predicted(self) -> Options:
        """Where it will be called follows from its names, so that a gateway can be planned before it is there."""
        place = f"projects/{self.project}/locations/{self.options['region']}/services/{self.name}"
        url = f"https://{self.options['region']}-{self.project}.cloudfunctions.net/{self.name}"
        return {**super().predicted(), "run_service": place, "url": url}

    # -- comparing ---------------------------------------------------------------------------------------------

    def describe(self, found: Document) -> Options:
        shown = super().describe(found)
        labels = {name: value for name, value in (shown.get("labels") or {}).items() if name != DIGEST}
        return {**shown, "labels": labels}

    def difference(self, found: Document) -> list[Change]:
        described = self.describe(found)
        wanted = self.options
        if "environment" in wanted:
            there = described.get("environment") or {}
            kept = {name: there[name] for name in there if not self._whole_environment or name == _GOOGLES_OWN}
            wanted = {**wanted, "environment": {**kept, **wanted["environment"]}}
            self.options = wanted
        changes = differences(self.fields, wanted, described)
        field = next(field for field in self.fields if field.name == "source")
        before = (found.get("labels") or {}).get(DIGEST)
        if self.files() and package.digest(self.files()) != before:
            changes.insert(0, Change("source", before, package.digest(self.files()), field, field.name))
        elif self.files() and found.get("state") in _BROKEN:
            changes.insert(0, Change("state", found["state"], "ACTIVE", field, field.name))
        return changes

    # -- writing -----------------------------------------------------------------------------------------------

    def body(self) -> Document:
        body = super().body()
        service = body.get("serviceConfig") or {}
        for name in ("vpcConnector", "directVpcNetworkInterface"):
            if not service.get(name):
                service.pop(name, None)
        put(body, ("buildConfig", "source"), {"storageSource": self._storage})
        put(body, ("labels", DIGEST), package.digest(self.files()))
        return {**body, "environment": "GEN_2"}

    def create(self) -> None:
        self._upload()
        self._deployed = True
        try:
            super().create()
        except OperationError as error:
            if error.number == _ALREADY_EXISTS:
                raise
            # A build that fails leaves a function behind. What it said matters, not that there is one now.
            raise Failure(f"{error} It stays as it is until the next run deploys it again.") from error

    def changed_places(self, changes: list[Change]) -> list[str]:
        """The large parts that differ: Google takes a part of them for the whole."""
        places = {place.split(".")[0] for place in super().changed_places(changes) if place}
        return sorted(places | ({"buildConfig", "labels"} if self._storage else set()))

    def update(self, found: Document, changes: list[Change]) -> None:
        new = copy.deepcopy(found)
        for part, name in _OUTPUTS:
            (new.get(part) or {}).pop(name, None)
        service = new.get("serviceConfig") or {}
        if any(change.top in ("vpc_connector", "direct_vpc") for change in changes):
            # Each way has a setting of its own, which must not stay behind.
            stale = ("directVpcEgress",) if self.options.get("vpc_connector") else ("vpcConnectorEgressSettings",)
            for name in stale:
                service.pop(name, None)
        self._storage = None
        if any(change.top == "source" for change in changes):
            self._upload()
            put(new, ("buildConfig", "source"), {"storageSource": self._storage})
            put(new, ("labels", DIGEST), package.digest(self.files()))
        self._deployed = True
        super().update(new, changes)


def _text(value: t.Any) -> str:
    """A variable's value as the environment holds it; YAML's true is ``true``."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _processors(text: str) -> float:
    """``1`` or ``500m`` as a number; 0 for what is neither."""
    try:
        return float(text[:-1]) / 1000 if text.endswith("m") else float(text)
    except ValueError:
        return 0.0
