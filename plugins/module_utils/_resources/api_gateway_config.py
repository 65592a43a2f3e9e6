# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API config: a document that never changes, named by its content. Private to the collection.

A changed document is another config; gateways are moved to it. The document is judged before anything is written: by
our rules, by openapi-spec-validator where it is installed, and, once the API has a managed service, by Google.
"""

from __future__ import annotations

import base64
import binascii
import typing as t

from .._engine.context import Context
from .._engine.fields import Document, Field, Options
from .._engine.states import Reference
from .._google import operations
from .._google.errors import ApiError, Failure
from .._openapi import rules, source, structure
from .api_gateway_api import ApiGatewayApi
from .api_gateway_common import IDENTIFIER, NAMED, ApiGatewayResource

#: What the document is called at Google, and in its diagnostics.
FILE = "openapi.yaml"
_MODES = ("auto", "required", "none")
_MANAGEMENT = operations.longrunning("servicemanagement")
#: google.rpc.Code, INVALID_ARGUMENT and FAILED_PRECONDITION: it is the document. Anything else is not.
_UNACCEPTABLE = (3, 9)
_DIGEST_LENGTH = len(source.digest("")) + 1


def _account(value: t.Any) -> t.Any:
    """The bare e-mail address: Google answers with a path in which the project is a dash."""
    return value.rsplit("/", 1)[-1] if isinstance(value, str) else value


def _encode(value: t.Any, resource: t.Any) -> list[Document]:
    return [{"document": {"path": FILE, "contents": base64.b64encode(resource.source().text.encode()).decode()}}]


def _decode(value: t.Any, resource: t.Any) -> t.Any:
    """The text of the documents; nothing where Google does not show them (a list)."""
    if not value:
        return None
    try:
        texts = [base64.b64decode((one.get("document") or {}).get("contents") or "").decode() for one in value]
    except (binascii.Error, UnicodeDecodeError):
        return value
    return texts[0] if len(texts) == 1 else texts


def _same(value: t.Any) -> t.Any:
    """Equal content is the same, however it is written."""
    try:
        return source.canonical(source.read(value).value)
    except source.Unreadable:
        return value


class ApiGatewayConfig(ApiGatewayResource):
    """``projects.locations.apis.configs``: made one after the other, since two at once may both be unusable."""

    kind = "api_gateway_config"
    title = "API config"
    path = "v1/projects/{project}/locations/global/apis/{api}/configs/{name}"
    create_query = {"apiConfigId": "{name}"}
    collection = "apiConfigs"
    lock = "api_gateway_config/{project}/{api}"
    #: Named by its content, it would be in the way of that content for ever.
    remade_when_failed = True
    fields = (
        Field("name", api=None, identity=True),
        Field("api", api=None, required=True, identity=True, reference="api_gateway_api"),
        Field("prefix", api=None),
        Field(
            "openapi", type="raw", api="openapiDocuments", immutable=True, encode=_encode, decode=_decode, same=_same
        ),
        Field(
            "gateway_service_account",
            immutable=True,
            reference="iam_service_account",
            same=_account,
            decode=lambda value, resource: _account(value),
        ),
        *NAMED,
        Field("validator", choices=_MODES, api=None),
        Field("server_validation", choices=_MODES, api=None),
        Field("service_config_id", output=True),
        Field("state", output=True),
    )
    required_if = (("state", "present", ("openapi",)),)
    required_one_of = (("name", "openapi"),)

    def __init__(self, options: Options, context: Context) -> None:
        super().__init__(options, context)
        self._source: source.Source | None = None
        self._unreadable = ""
        if self.options.get("openapi") is not None:
            try:
                self._source = source.read(self.options["openapi"])
            except source.Unreadable as error:
                self._unreadable = str(error)
            else:
                self.options.setdefault("name", self._digest_name(self._source))

    def _digest_name(self, read: source.Source) -> str:
        """A name that is the same for the same content and account, and for nothing else."""
        digest = source.digest(read.value, _account(self.options.get("gateway_service_account")) or "")
        prefix = str(self.options.get("prefix") or self.options["api"])[: 63 - _DIGEST_LENGTH].strip("-")
        return f"{prefix}-{digest}"

    def source(self) -> source.Source:
        """The document. Raises Failure where it is none; validate() has said so before."""
        if self._source is None:
            raise Failure(f"openapi cannot be read: {self._unreadable or 'it is not stated'}.")
        return self._source

    def references(self) -> list[Reference]:
        """Whoever removes it states no account: then it goes before every account that it may name."""
        unnamed = self.options.get("gateway_service_account") is None
        return super().references() + ([Reference("iam_service_account", needed=False)] if unnamed else [])

    # -- judging -----------------------------------------------------------------------------------------------

    def validate(self) -> list[str]:
        """The names, and every fault of the document with its line."""
        api = str(self.options["api"])
        if not IDENTIFIER.fullmatch(api):
            return [f"api is {api!r}. Write the API's name alone, as api_gateway_api has it."]
        if self._unreadable:
            return [f"openapi cannot be read: {self._unreadable}. Correct the document."]
        problems = super().validate()
        if self._source is not None:
            problems += [f"openapi, {fault}" for fault in rules.faults(self._source)]
            mode = str(self.options.get("validator") or "auto")
            problems += [f"openapi, {fault}" for fault in structure.problems(self._source, mode)]
        return problems

    def examine_creation(self) -> list[str]:
        """What Google says of the document, once the API has a managed service to ask about."""
        mode = self.options.get("server_validation") or "auto"
        if mode == "none":
            return []
        api = ApiGatewayApi({"name": self.options["api"], "project": self.project}, self.context)
        found = self.context.once(
            ("api", api.project, self.options["api"]), lambda: self.wire.find(self.service, api.url())
        )
        service = str((found or {}).get("managedService") or "")
        if not service:
            return ["server_validation is required, but the API does not exist yet."] if mode == "required" else []
        try:
            self._ask(service)
        except ApiError as error:
            if error.status == 400:
                return [f"Google does not accept openapi: {error.said}"]
            if mode == "required" or error.status not in (403, 404):
                raise
        except operations.OperationError as error:
            if error.number not in _UNACCEPTABLE:
                raise
            return [f"Google does not accept openapi: {error.said}"]
        return []

    def _ask(self, service: str) -> None:
        """Have Google turn the document into a service configuration that it does not keep."""
        text = source.write({**self.source().value, "host": service})
        file = {
            "filePath": FILE,
            "fileContents": base64.b64encode(text.encode()).decode(),
            "fileType": "OPEN_API_YAML",
        }
        reply = self.wire.send(
            "servicemanagement",
            "POST",
            f"v1/services/{service}/configs:submit",
            body={"validateOnly": True, "configSource": {"files": [file]}},
            counts_as_read=True,
            repeatable=True,
        ).json()
        if _MANAGEMENT.started(reply):
            operations.wait(self.wire, _MANAGEMENT, reply)

    def remark(self, action: str) -> str:
        """What works and should be otherwise."""
        if action != "created" or self._source is None:
            return ""
        return " ".join(f"openapi, {one}" for one in rules.advice(self._source)[:3])

    # -- calls -------------------------------------------------------------------------------------------------

    def read(self) -> Document | None:
        """With its document."""
        if not self.options.get("name"):
            self.source()  # It would have named the config: what is wrong with it is the reason.
        return self.wire.find(self.service, self.url(), {"view": "FULL"})

    def create(self) -> None:
        """Make it once no other config of the API is being made, by whomever."""

        def under_way() -> list[str]:
            states = {str(one.get("name")): one.get("state") for one in self.everything()}
            return [name for name, state in states.items() if state in ("CREATING", "ACTIVATING")]

        operations.poll(self.wire, under_way, lambda names: not names, "another config of the API is still being made")
        super().create()

    def trouble(self, found: Document) -> str:
        """Why one that failed has to go."""
        return "a config whose making failed cannot be served"
