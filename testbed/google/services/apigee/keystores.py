# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Keystores (truststores are the same kind) and the aliases in them.

Every change reaches the runtime before the answer leaves.
"""
from __future__ import annotations

import json
from typing import Any

from testbed.google.errors import GoogleError, precondition
from testbed.google.rules import Required, Said
from testbed.google.service import Call, Reply, handles
from testbed.google.services.apigee import certificates, tls_material
from testbed.google.services.apigee.base import ApigeeService, check_name
from testbed.google.services.apigee.certificates import Content
from testbed.google.services.apigee.environment_parts import ENVIRONMENT, PREFIX, EnvironmentPart, listed
from testbed.google.services.apigee.names import exists, ids, require
from testbed.google.services.apigee.push import push
from testbed.google.services.apigee.upload import form

DOCUMENT = "apigee.v1 discovery document"
FORMATS = ("keycertfile", "pkcs12", "selfsignedcert")
EXPIRY = Said("refuses an expired certificate unless ignoreExpiryValidation",
              source=f"{DOCUMENT}: aliases.create, ignoreExpiryValidation")
NEWLINES = Said("refuses a chain without newlines between its certificates unless ignoreNewlineValidation",
                source=f"{DOCUMENT}: aliases.create, ignoreNewlineValidation")
CHAIN = Said("several certificates are a chain, each issued by the next",
             source="Apigee documentation, creating keystores: the certificates in the correct order")
UNUSED = Said("refused while a target server or a reference names it",
              source="assumed: Reference (it must refer to a keystore that exists); Google publishes no text for it")

class Keystores(EnvironmentPart):
    """organizations.environments.keystores.*"""

    collection, kind, title = "keystores", "Keystore", "keystore"
    method_prefix = f"{PREFIX}keystores"
    extra_routes = listed(collection)

    @handles(".create", rules=[
        Said("name matches [\\w[:space:].-]{1,255}; the query's overrides the body's",
             source=f"{DOCUMENT}, Keystore.name and keystores.create"),
        Said("aliases are output only", source=f"{DOCUMENT}, Keystore.aliases")])
    def create(self, call: Call) -> dict[str, Any]:
        name = call.query.get("name") or call.body.get("name") or ""
        return self.put(call, self.free(call, name, r"[\w\s.-]{1,255}"), {"name": name})

    def named(self, call: Call) -> tuple[list[str], dict[str, Any]]:
        path, _found = super().named(call)
        found = tls_material.aliases(call.store, *path)
        return path, {"name": path[2], "aliases": [item["alias"] for item in found]}

    @handles(".delete", rules=[
        UNUSED, Said("its aliases go with it", source="assumed: no text says otherwise")])
    def delete(self, call: Call) -> dict[str, Any]:
        (organization, environment, name), _shown = self.named(call)
        found = self.remove(call, tls_material.users(call.store, organization, environment, name))
        for alias in found["aliases"]:
            call.store.put_blob(tls_material.key_blob(organization, environment, name, alias), b"")
        return found


class Aliases(ApigeeService):
    """organizations.environments.keystores.aliases.*"""

    extra_routes = listed("keystores.aliases", f"{ENVIRONMENT}/keystores/[^/]+")

    @handles("apigee.organizations.environments.keystores.aliases.create", permission="apigee.keystorealiases.create",
             rules=[
                 Required("format", query=True, source=f"{DOCUMENT}: aliases.create, format: Required"),
                 Said("format is keycertfile, pkcs12 or selfsignedcert (not keycertjar, which was Edge's)",
                      source=f"{DOCUMENT}: aliases.create, format"),
                 Said("alias is required but for selfsignedcert, whose body may name it",
                      source=f"{DOCUMENT}: aliases.create, alias"),
                 Said("the key belongs to the certificate", source="assumed: a pair that no handshake can use"),
                 EXPIRY, NEWLINES, CHAIN])
    def create(self, call: Call) -> dict[str, Any]:
        path = ids(call.path["parent"], "organizations", "environments", "keystores")
        require(call.store, "environment", "organizations", path[0], "environments", path[1])
        require(call.store, "Keystore", "organizations", path[0], "environments", path[1], "keystores", path[2])
        alias, content = self._content(call)
        check_name(alias, r"[\w\s.-]{1,255}", "alias")
        if call.store.exists(self._key(*path, alias)):
            raise exists("Alias", f"{call.path['parent']}/aliases/{alias}")
        return self._put(call, path, alias, certificates.check(
            content, ignore_expiry=bool(call.query.get("ignoreExpiryValidation"))))

    @staticmethod
    def _key(organization: str, environment: str, keystore: str, alias: str) -> str:
        return tls_material.environment_key(organization, environment, "keystores", keystore, "aliases", alias)

    def _put(self, call: Call, path: list[str], alias: str, content: Content) -> dict[str, Any]:
        document = {"alias": alias, "type": content.type, "certificates": content.certificates}
        call.store.put(self._key(*path, alias), document)
        call.store.put_blob(tls_material.key_blob(*path, alias), content.key or b"")
        call.then(lambda: push(self.emulator, path[0]))
        return _shown(document)

    @staticmethod
    def _content(call: Call) -> tuple[str, Content]:
        """Name and content of a new alias, from whatever the format prescribes."""
        kind, alias = call.query["format"], call.query.get("alias") or ""
        if kind not in FORMATS:
            raise GoogleError(400, f'format "{kind}" is not supported: it must be one of {", ".join(FORMATS)}')
        if kind == "selfsignedcert":
            specification = _json(call)
            return alias or str(specification.get("alias") or ""), certificates.generate(specification)
        parts = {part.name: part.content for part in _form(call)}
        known = {"keycertfile": {"certFile", "keyFile", "password"}, "pkcs12": {"file", "password"}}[kind]
        if unknown := sorted(set(parts) - known):
            raise GoogleError(400, f"format {kind} has no form field {', '.join(unknown)}: it takes "
                                   f"{', '.join(sorted(known))}")
        password = parts.get("password") or (call.query.get("_password") or "").encode() or None
        if kind == "pkcs12":
            if not parts.get("file"):
                raise GoogleError(400, "format pkcs12 requires the form field file")
            return alias, certificates.read_pkcs12(parts["file"], password)
        if not parts.get("certFile"):
            raise GoogleError(400, "format keycertfile requires the form field certFile")
        chain = certificates.read_chain(parts["certFile"],
                                        ignore_newlines=bool(call.query.get("ignoreNewlineValidation")))
        secret = certificates.read_key(parts["keyFile"], password) if parts.get("keyFile") else None
        return alias, Content(chain, secret)

    @staticmethod
    def _get(call: Call) -> tuple[list[str], dict[str, Any], Content]:
        """The alias's path, document and content."""
        path = ids(call.path["name"], "organizations", "environments", "keystores", "aliases")
        require(call.store, "environment", "organizations", path[0], "environments", path[1])
        require(call.store, "Keystore", "organizations", path[0], "environments", path[1], "keystores", path[2])
        found = require(call.store, "Alias", "organizations", path[0], "environments", path[1], "keystores", path[2],
                        "aliases", path[3])
        chain = certificates.read_chain(found["certificates"].encode(), ignore_newlines=True)
        return path, found, Content(chain, call.store.get_blob(tls_material.key_blob(*path)) or None)

    @handles("apigee.organizations.environments.keystores.aliases.list", permission="apigee.keystorealiases.list")
    def list(self, call: Call) -> Reply:
        path = ids(call.path["parent"], "organizations", "environments", "keystores")
        require(call.store, "Keystore", "organizations", path[0], "environments", path[1], "keystores", path[2])
        return Reply([item["alias"] for item in tls_material.aliases(call.store, *path)], unchecked=True)

    @handles("apigee.organizations.environments.keystores.aliases.get", permission="apigee.keystorealiases.get", rules=[
        Said("private keys are never shown", source=f"{DOCUMENT}, Alias")])
    def get(self, call: Call) -> dict[str, Any]:
        return _shown(self._get(call)[1])

    @handles("apigee.organizations.environments.keystores.aliases.getCertificate",
             permission="apigee.keystorealiases.exportCertificate")
    def certificate(self, call: Call) -> Reply:
        return Reply(self._get(call)[1]["certificates"].encode(), content_type="application/x-pem-file")

    @handles("apigee.organizations.environments.keystores.aliases.csr",
             permission="apigee.keystorealiases.generateCSR", rules=[
                 Said("only an alias with a private key has one", source=f"{DOCUMENT}: aliases.csr")])
    def csr(self, call: Call) -> Reply:
        path, _found, content = self._get(call)
        if not content.key:
            raise GoogleError(400, f"alias {path[3]} has no private key, so there is nothing to request a certificate "
                                   "for")
        return Reply(certificates.request(content), content_type="application/x-pem-file")

    @handles("apigee.organizations.environments.keystores.aliases.update",
             permission="apigee.keystorealiases.update", rules=[
                 Said("only the certificate is replaced, never the key; it must belong to the key",
                      source=f"{DOCUMENT}: aliases.update; google-apis.md section 4.8"),
                 EXPIRY, NEWLINES, CHAIN])
    def update(self, call: Call) -> dict[str, Any]:
        path, _found, content = self._get(call)
        if call.content_type.lower().startswith("multipart/form-data"):
            parts = {part.name: part.content for part in _form(call)}
            if unknown := sorted(set(parts) - {"certFile"}):
                raise GoogleError(400, f"only the certificate of an alias can be updated, not {', '.join(unknown)}")
            data = parts.get("certFile") or b""
        else:
            data = call.raw
        chain = certificates.read_chain(data, ignore_newlines=bool(call.query.get("ignoreNewlineValidation")))
        fresh = certificates.check(Content(chain, content.key),
                                   ignore_expiry=bool(call.query.get("ignoreExpiryValidation")))
        return self._put(call, path[:3], path[3], fresh)

    @handles("apigee.organizations.environments.keystores.aliases.delete",
             permission="apigee.keystorealiases.delete", rules=[
                 Said("refused while a target server shows its certificate",
                      source="assumed: as for keystores; Google publishes no text for it")])
    def delete(self, call: Call) -> dict[str, Any]:
        path, found, _content = self._get(call)
        reasons = tls_material.alias_users(call.store, *path)
        if reasons:
            raise precondition(f"alias {path[3]} is in use: {'; '.join(reasons)}")
        call.store.delete(self._key(*path))
        call.store.put_blob(tls_material.key_blob(*path), b"")
        call.then(lambda: push(self.emulator, path[0]))
        return _shown(found)


def _shown(document: dict[str, Any]) -> dict[str, Any]:
    """An alias as the API shows it."""
    chain = certificates.read_chain(document["certificates"].encode(), ignore_newlines=True)
    return {"alias": document["alias"], "type": document["type"],
            "certsInfo": {"certInfo": [certificates.info(certificate) for certificate in chain]}}


def _form(call: Call) -> list[Any]:
    if not call.content_type.lower().startswith("multipart/form-data"):
        raise GoogleError(400, f'Content-Type "{call.content_type}" is not supported: send multipart/form-data')
    return form(call)


def _json(call: Call) -> dict[str, Any]:
    try:
        found = json.loads(call.raw)
    except ValueError as error:
        raise GoogleError(400, f"Invalid JSON payload received. {error}") from error
    if not isinstance(found, dict):
        raise GoogleError(400, "format selfsignedcert requires a CertificateGenerationSpec")
    return found
