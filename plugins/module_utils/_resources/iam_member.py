# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One member of one role, on one thing. Private to the collection."""

from __future__ import annotations

import re
import typing as t

from .._engine.fields import Document, Field, Options
from .._engine.ownership import DescriptionMark, LabelMark, Mark
from .._engine.resource import Reference, Resource
from .iam_common import DOMAIN, address, short
from .iam_policy import ACCOUNT, Target, has, members, same_member

_ROLE = re.compile(r"(?:roles|projects/[^/]+/roles|organizations/[^/]+/roles)/[A-Za-z0-9_.]+")
_MEMBER = re.compile(
    r"allUsers|allAuthenticatedUsers|(?:user|serviceAccount|group):[^@\s]+@[^@\s]+|domain:[^@\s]+"
    r"|project(?:Owner|Editor|Viewer):\S+|principal(?:Set)?://\S+"
)
_EVERYBODY = ("allUsers", "allAuthenticatedUsers")


class GrantMark(Mark):
    """A grant has no place for a mark: it is ours if the account it is given to, or what it is given on, is ours."""

    why_kept = (
        "left alone: neither the member nor what it may use carries this collection's mark. force: true removes it all the same"
    )

    def owned(self, resource: Resource, found: Document) -> bool:
        member = t.cast("IamMember", resource)
        about = member.about()
        if about:
            there = resource.wire.find(*about)
            mark: Mark = DescriptionMark() if about[0] == "iam" else LabelMark()
            if there is not None and mark.owned(resource, there):
                return True
        who = str(resource.options["member"])
        if not (who.startswith(ACCOUNT) and who.endswith(DOMAIN)):
            return False
        account = resource.wire.find("iam", f"v1/projects/-/serviceAccounts/{who.removeprefix(ACCOUNT)}")
        return account is not None and DescriptionMark().owned(resource, account)


class IamMember(Resource):
    """A member of a role, added to or taken out of a policy; all other grants stay as they are."""

    kind = "iam_member"
    title = "grant"
    # Of the thing that has the policy; which one depends on the options.
    service = "cloudresourcemanager"
    name_option = "member"
    mark = GrantMark()
    after = ("project_services", "iam_service_account", "cloud_function")
    fields = (
        Field("role", api=None, required=True, identity=True),
        Field("member", api=None, required=True, identity=True, same=same_member),
        Field("service_account", api=None, identity=True),
        Field("cloud_function", api=None, identity=True, reference="cloud_function"),
        Field("run_service", api=None, identity=True),
        Field("location", api=None, identity=True),
    )
    mutually_exclusive = (("service_account", "cloud_function", "run_service"),)

    # -- who ---------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """What is given to whom, and on what."""
        on = next((str(self.options[one]) for one in ("service_account", "cloud_function", "run_service") if self.options.get(one)), "")
        return f"{self.options.get('role')} to {self.options.get('member')}" + (f" on {on}" if on else "")

    def about(self) -> tuple[str, str] | None:
        """Service and path of the thing itself; None for the project."""
        if self.options.get("service_account"):
            return "iam", f"v1/projects/-/serviceAccounts/{address(self, self.options['service_account'])}"
        for option, service, collection in (
            ("cloud_function", "cloudfunctions", "functions"),
            ("run_service", "run", "services"),
        ):
            if self.options.get(option):
                return service, self.fill(f"v2/projects/{{project}}/locations/{{location}}/{collection}/{{{option}}}")
        return None

    def target(self) -> Target:
        """What has the policy."""
        about = self.about()
        if about is None:
            return Target("cloudresourcemanager", self.fill("v3/projects/{project}"), "BODY")
        service, path = about
        return Target(service, path, "POST" if service == "iam" else "GET")

    def lock_key(self) -> str:
        """The policy it is changed in: two changes of one at once would only meet each other."""
        target = self.target()
        return f"policy {target.service} {target.path}"

    def references(self) -> list[Reference]:
        """The account that gets the role, and the one that it is about; both may be named by their address."""
        found = super().references()
        if self.options.get("service_account"):
            found.append(Reference("iam_service_account", short(str(self.options["service_account"]))))
        who = str(self.options.get("member") or "")
        if who.startswith(ACCOUNT) and who.endswith(DOMAIN):
            account = short(who.removeprefix(ACCOUNT))
            found.append(Reference("iam_service_account", account, needed=False))
        return found

    # -- rules -------------------------------------------------------------------------------------------------

    def validate(self) -> list[str]:
        """Words that Google does not understand, and what it grants to nobody."""
        problems = super().validate()
        role, member = str(self.options["role"]), str(self.options["member"])
        if not _ROLE.fullmatch(role):
            problems.append(f"role is {role!r}. State it in full, such as roles/run.invoker.")
        if not _MEMBER.fullmatch(member):
            problems.append(
                f"member is {member!r}. State its type too: serviceAccount:, user: or group: with an address, or a principal://."
            )
        on = [one for one in ("cloud_function", "run_service") if self.options.get(one)]
        if on and not self.options.get("location"):
            problems.append(f"{on[0]} needs location, the region it is in.")
        if self.options.get("cloud_function") and role == "roles/run.invoker":
            problems.append(
                "roles/run.invoker on a cloud_function opens nothing: calls are answered by the Cloud Run service of the same "
                "name. State it as run_service."
            )
        if self.options.get("location") and not on:
            problems.append("location says where a cloud_function or run_service is. State one, or leave location out.")
        if member in _EVERYBODY and not on:
            problems.append(f"{member} cannot get a role on a {'service account' if self.about() else 'project'}. Name who it is for.")
        return problems

    # -- reading -----------------------------------------------------------------------------------------------

    def _policy(self) -> Document:
        target = self.target()
        return t.cast(Document, self.context.once(self._known(), lambda: target.read(self.wire)))

    def _known(self) -> tuple[str, str]:
        return ("policy", self.lock_key())

    def read(self) -> Document | None:
        """The grant, None where the member has not that role without a condition."""
        if not has(self._policy(), self.options["role"], self.options["member"]):
            return None
        return {"role": self.options["role"], "member": self.options["member"]}

    def everything(self) -> list[Document]:
        """Every member of the role."""
        role = self.options["role"]
        return [{"role": role, "member": member} for member in members(self._policy(), role)]

    def output(self, found: Document) -> Options:
        """Members may have slashes, so they are never cut."""
        return {**super().output(found), "member": found["member"]}

    def forget(self) -> None:
        """What others read of this policy is stale now."""
        self.context.forget(self._known())

    # -- writing -----------------------------------------------------------------------------------------------

    def create(self) -> None:
        """Add it to the policy as it is now."""
        self.target().change(self.wire, self.options["role"], self.options["member"], granted=True)
        self.forget()

    def delete(self, found: Document) -> None:
        """Take it out of the policy as it is now."""
        self.target().change(self.wire, self.options["role"], self.options["member"], granted=False)
        self.forget()
