# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gateway of API Gateway: serves one config at a time and is moved to another. Private to the collection."""

from __future__ import annotations

import re
import typing as t

from .._engine.compare import Change
from .._engine.context import Context
from .._engine.fields import Document, Field, Options
from .._engine.states import Reference
from .._google.errors import ApiError, OperationError
from .api_gateway_common import NAMED, ApiGatewayResource
from .api_gateway_config import ApiGatewayConfig

_CONFIG = re.compile(r"apis/([^/]+)/configs/([^/]+)\Z")
_KEEP = Field("keep_configs", type="int", api=None)
#: Configs of one API that Google keeps (Quotas and limits).
MOST_CONFIGS = 100


def _part(number: int) -> t.Callable[[t.Any, t.Any], t.Any]:
    """A decoder for one name in the config's full one, whose project Google writes as a number."""

    def decode(value: t.Any, resource: t.Any) -> t.Any:
        found = _CONFIG.search(str(value or ""))
        return found[number] if found else None

    return decode


def _path(value: t.Any, resource: ApiGatewayGateway) -> str:
    """The config's full name, which takes both options."""
    api, config = resource.options["api"], resource.options["config"]
    return f"projects/{resource.project}/locations/global/apis/{api}/configs/{config}"


class ApiGatewayGateway(ApiGatewayResource):
    """``projects.locations.gateways``."""

    kind = "api_gateway_gateway"
    title = "gateway"
    path = "v1/projects/{project}/locations/{region}/gateways/{name}"
    create_query = {"gatewayId": "{name}"}
    collection = "gateways"
    long_running = True
    #: Google: FAILED means that it was never made.
    remade_when_failed = True
    fields = (
        Field("name", api=None, required=True, identity=True),
        Field("region", api=None, required=True, identity=True),
        Field("api", api="apiConfig", encode=_path, decode=_part(1), reference="api_gateway_api"),
        Field("config", api="apiConfig", encode=_path, decode=_part(2), reference="api_gateway_config"),
        *NAMED,
        Field("streaming_mode", choices=("STREAMING_MODE_ENABLED",), immutable=True),
        _KEEP,
        Field("default_hostname", output=True),
        Field("state", output=True),
    )
    required_if = (("state", "present", ("api", "config")),)
    required_together = (("api", "config"),)

    def __init__(self, options: Options, context: Context) -> None:
        super().__init__(options, context)
        #: Configs that were to go and did not, because somebody uses them since just now.
        self.stayed: list[str] = []

    def validate(self) -> list[str]:
        """Names without paths, and a number of configs that Google keeps."""
        problems = super().validate()
        for name in ("api", "config"):
            if "/" in str(self.options.get(name) or ""):
                problems.append(f"{name} is {self.options[name]!r}. Write its name alone.")
        keep = self.options.get("keep_configs")
        if keep is not None and not 0 <= keep < MOST_CONFIGS:
            problems.append(f"keep_configs is {keep}. Google keeps {MOST_CONFIGS}: state 0 to {MOST_CONFIGS - 1}.")
        return problems

    def references(self) -> list[Reference]:
        """Whoever removes it states no config: then it goes before every config and API that it may serve."""
        found = super().references()
        if self.options.get("config") is None:
            found += [Reference(kind, needed=False) for kind in ("api_gateway_config", "api_gateway_api")]
        return found

    # -- configs that nobody uses any more ---------------------------------------------------------------------

    def difference(self, found: Document) -> list[Change]:
        """What differs, and the configs that would go."""
        changes = super().difference(found)
        going = [self._short(one) for one in self._superfluous()]
        return [*changes, Change("superfluous_configs", going, [], _KEEP, "keep_configs")] if going else changes

    def update(self, found: Document, changes: list[Change]) -> None:
        """Move it, and only then take away what it served before."""
        own = [change for change in changes if change.top != "keep_configs"]
        if own or self.adopting:
            super().update(found, own)
        if self.running is None:
            self.stayed = [self._short(one) for one in self._superfluous() if not self._remove(one)]
            for change in changes:
                if change.top == "keep_configs":
                    change.before[:] = [one for one in change.before if one not in self.stayed]

    def remark(self, action: str) -> str:
        """Which configs are still there."""
        return f"not removed, because somebody uses it: {', '.join(self.stayed)}" if self.stayed else ""

    def _superfluous(self) -> list[Document]:
        """Our configs of the API that no other gateway serves, without this one's and the newest ``keep_configs``."""
        keep = self.options.get("keep_configs")
        if keep is None:
            return []
        parent = f"v1/projects/{self.project}/locations"
        configs = self.wire.pages(self.service, f"{parent}/global/apis/{self.options['api']}/configs", "apiConfigs")
        gateways = self.wire.pages(self.service, f"{parent}/-/gateways", "gateways")
        kept = {self.options["config"]} | {self._served(one) for one in gateways if not self._is_this(one)}
        unused = [
            one
            for one in sorted(configs, key=lambda one: str(one.get("createTime")), reverse=True)
            if self._short(one) not in kept and one.get("state") in ("ACTIVE", "FAILED") and self.mark.owned(self, one)
        ]
        usable = [one for one in unused if one.get("state") == "ACTIVE"]
        return [one for one in unused if one not in usable[:keep]]

    def _is_this(self, gateway: Document) -> bool:
        _project, _separator, place = self.url().partition("/locations/")
        return str(gateway.get("name")).endswith(f"/locations/{place}")

    def _served(self, gateway: Document) -> str:
        """The config of a gateway, if it is one of our API."""
        found = _CONFIG.search(str(gateway.get("apiConfig") or ""))
        return found[2] if found and found[1] == self.options["api"] else ""

    @staticmethod
    def _short(config: Document) -> str:
        return str(config.get("name")).rsplit("/", 1)[-1]

    def _remove(self, config: Document) -> bool:
        """Delete a config, and say whether it is gone; one that somebody uses since just now stays."""
        options = {"name": self._short(config), "api": self.options["api"], "project": self.project}
        one = ApiGatewayConfig(options, self.context)
        one.wire = self.wire
        try:
            one.finish(one.send_delete())
        except (ApiError, OperationError) as error:
            if isinstance(error, ApiError) and error.missing:
                return True
            if not one.in_use(error):
                raise
            return False
        return True
