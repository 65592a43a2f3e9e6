# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may call a function: its own policy, and that of the Cloud Run service behind one of the second generation.

Of Cloud Run nothing else is emulated: there are the services that functions name as theirs (serviceConfig.service), and
lists of jobs and worker pools, of which there are none.
"""

from __future__ import annotations

from typing import Any

from testbed.google import policies
from testbed.google.errors import GoogleError
from testbed.google.paging import page
from testbed.google.rules import Said
from testbed.google.service import Call, Service, handles


class InvokerPolicies(Service):
    """getIamPolicy and setIamPolicy of a collection that has nothing else here."""

    @handles(".getIamPolicy")
    def get_policy(self, call: Call) -> dict[str, Any]:
        return policies.read(call, self._existing(call))

    @handles(".setIamPolicy", rules=policies.RULES)
    def set_policy(self, call: Call) -> dict[str, Any]:
        return policies.write(call, self._existing(call))

    def _existing(self, call: Call) -> str:
        """Return the store key of the policy. Raises GoogleError 404 where there is nothing to have one."""
        raise NotImplementedError


class FunctionPolicies(InvokerPolicies):
    """projects.locations.functions.getIamPolicy and setIamPolicy."""

    document = "cloudfunctions.v2"
    prefix = "cloudfunctions"
    api = "cloudfunctions.googleapis.com"
    method_prefix = "cloudfunctions.projects.locations.functions"

    def _existing(self, call: Call) -> str:
        """Return the store key of the policy. Raises GoogleError 404 for a function that does not exist."""
        path = _path(call)
        if not call.store.exists(f"cloudfunctions/{path}"):
            raise GoogleError(404, f"Resource '{path}' was not found")
        return f"cloudfunctions/{path}"


class RunServices(InvokerPolicies):
    """projects.locations.services.getIamPolicy and setIamPolicy, get and list."""

    document = "run.v2"
    prefix = "run"
    api = "run.googleapis.com"
    method_prefix = "run.projects.locations.services"

    @handles(".get", rules=[Said("has the labels of the function that it is", source="Cloud Run functions, labels")])
    def get(self, call: Call) -> dict[str, Any]:
        return _service(self._function(call, _path(call, "name")))

    @handles(".list", rules=[Said("has a service for each function", source="Cloud Run functions documentation")])
    def list(self, call: Call) -> dict[str, Any]:
        functions = call.store.children(f"cloudfunctions/{_path(call, 'parent')}/functions")
        services = [_service(one) for one in functions if (one.get("serviceConfig") or {}).get("service")]
        shown, following = page(services, call.query.get("pageSize"), call.query.get("pageToken"), 100)
        return {"services": shown, "nextPageToken": following}

    def _existing(self, call: Call) -> str:
        """Return the store key of the policy. Raises GoogleError 404 for a service that no function is."""
        path = _path(call)
        self._function(call, path)
        return service_key(path)

    @staticmethod
    def _function(call: Call, path: str) -> dict[str, Any]:
        functions = call.store.children(f"cloudfunctions/{path.rsplit('/services/', 1)[0]}/functions")
        for one in functions:
            if (one.get("serviceConfig") or {}).get("service") == path:
                return one
        raise GoogleError(404, f"Resource '{path.rsplit('/', 1)[-1]}' of kind 'SERVICE' does not exist.")


class JobsAndWorkerPools(Service):
    """projects.locations.jobs.list and workerPools.list: there are none."""

    document = "run.v2"
    prefix = "run"
    api = "run.googleapis.com"

    @handles("run.projects.locations.jobs.list")
    def jobs(self, call: Call) -> dict[str, Any]:
        return {"jobs": []}

    @handles("run.projects.locations.workerPools.list")
    def worker_pools(self, call: Call) -> dict[str, Any]:
        return {"workerPools": []}


def _service(function: dict[str, Any]) -> dict[str, Any]:
    """Return the Cloud Run service that a function is, as far as it is emulated."""
    settings = function["serviceConfig"]
    labels = {**(function.get("labels") or {}), "goog-managed-by": "cloudfunctions"}
    ways = {
        "connector": settings.get("vpcConnector"),
        "networkInterfaces": settings.get("directVpcNetworkInterface"),
    }
    access = {name: value for name, value in ways.items() if value}
    return {
        "name": settings["service"],
        "labels": labels,
        "uri": settings["uri"],
        "template": {"vpcAccess": access} if access else {},
    }


def service_key(path: str) -> str:
    """Return the store key of the policy of a service, given its full name."""
    return f"run/{path}"


def _path(call: Call, parameter: str = "resource") -> str:
    """Return the resource path of a call with the project's id."""
    _projects, _project, rest = call.path[parameter].split("/", 2)
    return f"projects/{call.project()['projectId']}/{rest}"
