# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an organisation is, and what therefore cannot be in it. Private to the collection.

An organisation's model is settled when it is made: its runtime is Google's (CLOUD) or runs in a cluster of the user's
(HYBRID); Google's is peered with one of our networks or with none. It is read once for all objects of a run. What a
model rules out is refused before the first write, with the reason and what serves instead (google-apis.md section 1,
apigee-peers.md section 7.2). An organisation that is only declared yet counts as it is declared.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._google.errors import ApiError

if t.TYPE_CHECKING:
    from .._engine.fields import Document
    from .._engine.resource import Resource


@dataclasses.dataclass(frozen=True)
class Model:
    """What settles which objects an organisation can have.

    organization  its name
    hybrid        the runtime is the user's own
    peered        the runtime's network is peered with one of ours
    network       which: short name or full path, as Google tells it
    evaluation    not paid for
    plan          SUBSCRIPTION_2021 or SUBSCRIPTION_2024, where one was bought
    add_ons       names of the add-ons that are on, as Google writes them ("monetizationConfig")
    tenant        Apigee's own project: whom a service attachment has to accept
    """

    organization: str
    hybrid: bool = False
    peered: bool = True
    network: str = ""
    evaluation: bool = False
    plan: str = ""
    add_ons: tuple[str, ...] = ()
    tenant: str = ""

    @classmethod
    def of(cls, found: Document, name: str) -> Model:
        """The model of an organisation as Google shows it."""
        add_ons = found.get("addonsConfig") or {}
        hybrid = found.get("runtimeType") == "HYBRID"
        return cls(
            organization=name,
            hybrid=hybrid,
            peered=not hybrid and not found.get("disableVpcPeering"),
            network=str(found.get("authorizedNetwork") or ""),
            evaluation=found.get("billingType") == "EVALUATION" or found.get("subscriptionType") == "TRIAL",
            plan=str(found.get("subscriptionPlan") or ""),
            add_ons=tuple(sorted(key for key, value in add_ons.items() if (value or {}).get("enabled"))),
            tenant=str(found.get("apigeeProjectId") or ""),
        )


@dataclasses.dataclass(frozen=True)
class Unsuited:
    """A model that rules a kind out, why, and what to do instead. ``because`` may name ``{organization}``."""

    when: t.Callable[[Model], bool]
    because: str
    instead: str

    def sentence(self, model: Model) -> str:
        """For the user."""
        return f"{self.because.format(organization=f'organisation {model.organization}')} {self.instead}"


def hybrid_has_none(what: str, instead: str) -> Unsuited:
    """Google manages no such thing where the runtime is the user's own."""
    return Unsuited(
        lambda model: model.hybrid,
        "{organization} is a hybrid one (runtimeType HYBRID): its runtime runs in a cluster of yours, and Google "
        f"manages no {what} for it.",
        instead,
    )


def refusals(resource: Resource, name: str, rules: t.Iterable[Unsuited]) -> list[str]:
    """A sentence for each rule that the organisation's model meets; none while nobody knows the model."""
    rules = tuple(rules)
    model = detect(resource, name) if rules else None
    return [rule.sentence(model) for rule in rules if rule.when(model)] if model else []


def detect(resource: Resource, name: str) -> Model | None:
    """The model of an organisation that is there or that this run declares; None where neither is so."""
    found = read_organization(resource, name) or resource.context.once(_declared(name), dict)
    return Model.of(found, name) if found else None


def declare(resource: Resource, name: str, document: Document) -> None:
    """Note what an organisation is going to be, for the objects in it that are planned before it is made."""
    resource.context.once(_declared(name), lambda: document)


def read_organization(resource: Resource, name: str) -> Document | None:
    """The organisation, read once for all objects of a run; None when it does not exist."""

    def load() -> Document | None:
        try:
            return resource.wire.find("apigee", f"v1/organizations/{name}")
        except ApiError as error:
            if hidden(error):
                return None
            raise

    return resource.context.once(organization_key(name), load)


def hidden(error: ApiError) -> bool:
    """Whether Google says neither yes nor no: 403 "Permission denied ... (or it may not exist)"."""
    return error.status == 403 and "may not exist" in error.said


def organization_key(name: str) -> tuple[str, str]:
    """Under which key a run keeps the organisation it has read."""
    return ("apigee_organization", name)


def _declared(name: str) -> tuple[str, str]:
    return ("apigee_organization declared", name)
