# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Truststores and client certificates behind references: made, exchanged, completed after an interruption, removed."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee import certificates
from ansible_collections.gatewayops.apigee_gke.plugins.modules import apigee_client_certificate, apigee_truststore
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.apigee_replies import MARK, ORG
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.certificates import (
    CLIENT,
    EXPIRED_CA,
    KEY,
    NEW_CA,
    OLD_CA,
    REKEYED,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

ENVIRONMENT = f"{ORG}/environments/prod"
STORES = f"{ENVIRONMENT}/keystores"
CREATED = {"format": "keycertfile", "ignoreExpiryValidation": "false"}


def store(name: str, *pems: str) -> str:
    return f"{name}-{certificates.digest(certificates.distinct(pems))[:8]}"


def alias(pem: str) -> str:
    return f"ca-{certificates.read(pem)[0].fingerprint[:8]}"


def authorities(*pems: str) -> dict[str, str]:
    """Aliases of a truststore."""
    return {alias(pem): pem for pem in pems}


OLD, BOTH, NEW = store("gke-ca", OLD_CA), store("gke-ca", OLD_CA, NEW_CA), store("gke-ca", NEW_CA)


class Environment(Script):
    """Scripts an environment by what is in it."""

    def __init__(self, name: str = "gke-ca", kind: str = "TrustStore") -> None:
        super().__init__()
        self.reference = f"{ENVIRONMENT}/references/{name}"
        self.document = {"name": name, "resourceType": kind, "description": MARK}

    def reads(self, stores: list[str], refers: str = "", held: dict[str, str] | None = None) -> None:
        """A look: the list of keystores, the reference, and what the keystore behind it holds."""
        self.expect("GET", "apigee", STORES).replies(stores)
        reference = self.expect("GET", "apigee", self.reference)
        if not refers:
            reference.refuses(404, "not found", code="NOT_FOUND")
            return
        reference.replies({**self.document, "refers": refers})
        self.holds(refers, held or {})

    def holds(self, name: str, held: dict[str, str]) -> None:
        self.expect("GET", "apigee", f"{STORES}/{name}").replies({"name": name, "aliases": list(held)})
        for one, pem in held.items():
            self.expect("GET", "apigee", f"{STORES}/{name}/aliases/{one}/certificate").raw = pem.encode()

    def finds_no(self, name: str) -> None:
        self.expect("GET", "apigee", f"{STORES}/{name}").refuses(404, "not found", code="NOT_FOUND")

    def makes(self, name: str) -> None:
        self.expect("POST", "apigee", STORES, body={"name": name}).replies({"name": name})

    def fills(self, name: str, one: str, *contents: str) -> None:
        def check(data: bytes) -> None:
            assert all(content in data.decode() for content in contents)

        self.expect("POST", "apigee", f"{STORES}/{name}/aliases", query={"alias": one, **CREATED}, content=check)

    def refers(self, name: str, before: str = "") -> None:
        body = {**self.document, "refers": name}
        if before:
            self.expect("PUT", "apigee", self.reference, body=body).replies(body)
        else:
            self.expect("POST", "apigee", self.reference.rsplit("/", 1)[0], body=body).replies(body)

    def removes(self, name: str) -> None:
        self.expect("DELETE", "apigee", f"{STORES}/{name}").replies({})

    def looks_into(self, name: str, *pems: str, state: str = "made", theirs: str = "") -> None:
        """Before it is removed: whether we made it and everything in it."""
        aliases = list(authorities(*pems))
        self.records.hold("apigee_keystore", f"prod/{name}", state, aliases=aliases)
        answer = {"name": name, "aliases": [*aliases, *([theirs] if theirs else [])]}
        self.expect("GET", "apigee", f"{STORES}/{name}").replies(answer)


def trust(script: Script, *pems: str, **options: t.Any) -> dict[str, t.Any]:
    return script.run(apigee_truststore, environment="prod", name="gke-ca", authorities=list(pems), **options)


def test_the_first_time() -> None:
    script = Environment()
    script.reads([])
    script.finds_no(OLD)
    script.makes(OLD)
    script.fills(OLD, alias(OLD_CA), OLD_CA)
    script.refers(OLD)
    script.reads([OLD], OLD, held=authorities(OLD_CA))
    result = trust(script, OLD_CA)
    assert result["action"] == "created" and script.slept == []
    assert result["resource"]["reference"] == "ref://gke-ca" and result["resource"]["keystore"] == OLD
    assert result["diff"][0]["after"]["authorities"] == [certificates.read(OLD_CA)[0].label]
    held = {"kind": "apigee_keystore", "name": f"prod/{OLD}", "state": "made", "aliases": [alias(OLD_CA)]}
    assert script.records.held[f"apigee_keystore.prod.{OLD}"].items() >= held.items()


def test_the_second_time_nothing_changes() -> None:
    script = Environment()
    script.reads([OLD, "theirs", "gke-ca-client"], OLD, held=authorities(OLD_CA))
    assert not trust(script, OLD_CA)["changed"]


def test_a_new_authority_is_added_before_the_old_keystore_goes() -> None:
    script = Environment()
    script.reads([OLD], OLD, held=authorities(OLD_CA))
    script.finds_no(BOTH)
    script.makes(BOTH)
    for pem in sorted((OLD_CA, NEW_CA), key=lambda pem: certificates.read(pem)[0].fingerprint):
        script.fills(BOTH, alias(pem), pem)
    script.refers(BOTH, before=OLD)
    script.looks_into(OLD, OLD_CA)
    script.removes(OLD)
    script.reads([BOTH], BOTH, held=authorities(OLD_CA, NEW_CA))
    result = trust(script, NEW_CA)
    assert script.slept == [30] and result["waited"] == 30
    assert [change["field"] for change in result["changes"]] == ["authorities", "keystore"]
    assert "still trusts CN=old CA" in result["note"] and "retire: true" in result["note"]
    assert script.records.states == {f"apigee_keystore.prod.{BOTH}": "made"}


def test_an_authority_that_is_no_longer_stated_stays_until_it_is_retired() -> None:
    script = Environment()
    script.reads([BOTH], BOTH, held=authorities(OLD_CA, NEW_CA))
    result = trust(script, NEW_CA)
    assert not result["changed"] and "still trusts CN=old CA" in result["note"]
    script = Environment()
    script.reads([BOTH], BOTH, held=authorities(OLD_CA, NEW_CA))
    result = trust(script, NEW_CA, retire=True, check=True)
    assert result["diff"][0]["after"]["authorities"] == [certificates.read(NEW_CA)[0].label] and "note" not in result


def test_an_expired_authority_goes_by_itself() -> None:
    script = Environment()
    script.reads([OLD], OLD, held=authorities(EXPIRED_CA, OLD_CA))
    result = trust(script, OLD_CA, check=True)
    assert result["diff"][0]["after"]["authorities"] == [certificates.read(OLD_CA)[0].label]


def test_a_run_interrupted_before_the_flip_is_completed() -> None:
    script = Environment()
    script.reads([OLD, BOTH], OLD, held=authorities(OLD_CA))
    first, second = sorted((OLD_CA, NEW_CA), key=lambda pem: certificates.read(pem)[0].fingerprint)
    script.expect("GET", "apigee", f"{STORES}/{BOTH}").replies({"name": BOTH, "aliases": [alias(first)]})
    script.holds(BOTH, {alias(first): first})
    script.fills(BOTH, alias(second), second)
    script.refers(BOTH, before=OLD)
    script.looks_into(OLD, OLD_CA)
    script.removes(OLD)
    script.reads([BOTH], BOTH, held=authorities(OLD_CA, NEW_CA))
    assert trust(script, NEW_CA, settle=0)["action"] == "updated" and script.slept == []


def test_a_run_interrupted_after_the_flip_is_completed_without_another_wait() -> None:
    script = Environment()
    script.reads([OLD, NEW], NEW, held=authorities(NEW_CA))
    script.looks_into(OLD, state="making")
    script.expect("GET", "apigee", f"{STORES}/{NEW}").replies({"name": NEW, "aliases": [alias(NEW_CA)]})
    script.holds(NEW, {alias(NEW_CA): NEW_CA})
    script.looks_into(OLD, state="making")
    script.removes(OLD)
    script.reads([NEW], NEW, held=authorities(NEW_CA))
    result = trust(script, NEW_CA)
    assert result["changes"] == [{"field": "superseded", "before": [OLD], "after": []}] and script.slept == []


def test_a_keystore_of_others_that_is_named_alike_stays() -> None:
    script = Environment()
    script.reads([OLD, NEW], NEW, held=authorities(NEW_CA))
    assert not trust(script, NEW_CA)["changed"]


def test_a_keystore_of_ours_stays_while_somebody_elses_alias_is_in_it() -> None:
    script = Environment()
    script.reads([OLD, NEW], NEW, held=authorities(NEW_CA))
    script.looks_into(OLD, OLD_CA, theirs="theirs")
    assert not trust(script, NEW_CA)["changed"]


def test_a_foreign_truststore_is_never_taken_for_the_authority_before() -> None:
    """Somebody turned our reference to it: ours again, and nothing in theirs is trusted or removed."""
    script = Environment()
    script.reads([OLD, "theirs"], "theirs", held={"their-ca": OLD_CA})
    script.finds_no(NEW)
    script.makes(NEW)
    script.fills(NEW, alias(NEW_CA), NEW_CA)
    script.refers(NEW, before="theirs")
    script.looks_into(OLD, OLD_CA)
    script.removes(OLD)
    script.reads([NEW, "theirs"], NEW, held=authorities(NEW_CA))
    result = trust(script, NEW_CA)
    assert result["action"] == "updated" and "led to theirs, which this collection did not make" in result["note"]
    assert "still trusts" not in result["note"]
    assert result["resource"]["keystore"] == NEW


def test_a_reference_of_others_is_refused() -> None:
    script = Environment()
    script.document["description"] = "the partners"
    script.reads(["theirs"], "theirs", held={"their-ca": OLD_CA})
    told = trust(script, NEW_CA, fails=True)["msg"]
    assert "a reference gke-ca exists and leads to theirs" in told and "Choose another name" in told


def test_an_authority_that_somebody_added_by_hand_goes() -> None:
    script = Environment()
    script.reads([NEW], NEW, held={**authorities(NEW_CA), "theirs": OLD_CA})
    script.expect("GET", "apigee", f"{STORES}/{NEW}").replies({"name": NEW})
    script.holds(NEW, {**authorities(NEW_CA), "theirs": OLD_CA})
    script.expect("DELETE", "apigee", f"{STORES}/{NEW}/aliases/theirs").replies({})
    script.reads([NEW], NEW, held=authorities(NEW_CA))
    result = trust(script, NEW_CA)
    assert result["action"] == "updated" and "note" not in result
    assert result["changes"][0]["after"] == [certificates.read(NEW_CA)[0].label]


def test_somebody_took_an_authority_away() -> None:
    script = Environment()
    script.reads([OLD], OLD)
    script.expect("GET", "apigee", f"{STORES}/{OLD}").replies({"name": OLD})
    script.holds(OLD, {})
    script.fills(OLD, alias(OLD_CA), OLD_CA)
    script.reads([OLD], OLD, held=authorities(OLD_CA))
    assert trust(script, OLD_CA)["action"] == "updated"


def test_removal() -> None:
    script = Environment()
    script.reads([OLD], OLD, held=authorities(OLD_CA))
    script.expect("DELETE", "apigee", script.reference).replies({})
    script.looks_into(OLD, OLD_CA)
    script.removes(OLD)
    script.expect("GET", "apigee", STORES).replies([])
    assert script.run(apigee_truststore, environment="prod", name="gke-ca", state="absent")["action"] == "deleted"


def test_what_cannot_be_right_is_refused_unsent() -> None:
    assert "authorities is empty" in trust(Script(), fails=True)["msg"]
    assert "authorities[0]: it holds no PEM" in trust(Script(), "x", fails=True)["msg"]
    assert "expired on 2021-01-01" in trust(Script(), EXPIRED_CA, fails=True)["msg"]
    script = Environment(kind="KeyStore")
    script.reads([OLD], OLD, held=authorities(OLD_CA))
    assert "of type KeyStore exists" in trust(script, OLD_CA, fails=True)["msg"]


def test_a_renewed_client_certificate_is_another_keystore_with_the_same_alias() -> None:
    before, after = store("gke-client", CLIENT), store("gke-client", REKEYED, OLD_CA)
    script = Environment("gke-client", "KeyStore")
    script.reads([before], before, held={"client": CLIENT})
    script.finds_no(after)
    script.makes(after)
    script.fills(after, "client", REKEYED + OLD_CA, KEY)
    script.refers(after, before=before)
    script.looks_into(before)
    script.removes(before)
    script.reads([after], after, held={"client": REKEYED + OLD_CA})
    wanted = {"environment": "prod", "name": "gke-client", "certificate": REKEYED + OLD_CA, "private_key": KEY}
    result = script.run(apigee_client_certificate, **wanted)
    assert result["resource"]["keystore"] == after and "canary" not in json.dumps(result)
    script = Environment("gke-client", "KeyStore")
    script.reads([after], after, held={"client": REKEYED + OLD_CA})
    assert not script.run(apigee_client_certificate, **wanted)["changed"]
