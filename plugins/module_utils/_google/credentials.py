# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials as users of Google's own collection know them; google-auth does the work. Private to the collection.

Nothing here is imported before a module asks for it: google-auth costs a tenth of a second.
"""

from __future__ import annotations

import json
import os
import typing as t
from urllib.parse import unquote, urlsplit

from . import endpoints
from .errors import ApiError, CredentialsError

SCOPE = "https://www.googleapis.com/auth/cloud-platform"

#: Option, environment variables (first that is set wins) and whether the value is a secret.
ENVIRONMENT: dict[str, tuple[str, ...]] = {
    "auth_kind": ("GCP_AUTH_KIND",),
    "project": ("GCP_PROJECT", "GOOGLE_CLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT"),
    "service_account_file": ("GCP_SERVICE_ACCOUNT_FILE",),
    "service_account_contents": ("GCP_SERVICE_ACCOUNT_CONTENTS",),
    "service_account_email": ("GCP_SERVICE_ACCOUNT_EMAIL",),
    "access_token": ("GCP_ACCESS_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN"),
    "impersonate_service_account": ("GCP_IMPERSONATE_SERVICE_ACCOUNT", "GOOGLE_IMPERSONATE_SERVICE_ACCOUNT"),
    "scopes": ("GCP_SCOPES",),
}


def secrets_of(options: t.Mapping[str, t.Any]) -> set[str]:
    """Every string in the credentials that must never be shown: tokens, key documents, private keys."""
    found: set[str] = set()
    for token in _everywhere(options, "access_token"):
        found.add(str(token))
    for contents in _everywhere(options, "service_account_contents"):
        found |= _secrets_in(contents)
    return found | _passwords(options)


def _passwords(options: t.Mapping[str, t.Any]) -> set[str]:
    """Passwords in addresses of endpoints and proxies: failures name the address that did not answer."""
    names = [name for name in os.environ if name.lower().endswith("_proxy") or "_ENDPOINT_OVERRIDES_" in name]
    found: set[str] = set()
    for address in [*(options.get("endpoints") or {}).values(), *(os.environ[name] for name in names)]:
        try:
            password = urlsplit(str(address)).password
        except ValueError:
            continue
        if password:
            found |= {password, unquote(password)}
    return found


def _everywhere(options: t.Mapping[str, t.Any], name: str) -> list[t.Any]:
    """The option and its environment variables, those that are set."""
    values = [options.get(name), *(os.environ.get(variable) for variable in ENVIRONMENT[name])]
    return [value for value in values if value]


def with_environment(options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The options as a module would get them: what is not stated comes from the environment.

    For plugins that run where no argument spec does this.
    """
    full = dict(options)
    for name, variables in ENVIRONMENT.items():
        value = next((os.environ[variable] for variable in variables if os.environ.get(variable)), None)
        if full.get(name) is None and value is not None:
            full[name] = [part.strip() for part in value.split(",")] if name == "scopes" else value
    return full


def _secrets_in(contents: t.Any) -> set[str]:
    found: set[str] = set()
    if isinstance(contents, str):
        found.add(contents)
        try:
            contents = json.loads(contents)
        except ValueError:
            return found
    if isinstance(contents, dict):
        for name in ("private_key", "private_key_id", "client_secret", "refresh_token"):
            value = contents.get(name)
            if isinstance(value, str) and value:
                found.add(value)
                found.add(value.strip())
                found.add(value.replace("\n", "\\n"))
    return found


def load(options: t.Mapping[str, t.Any]) -> tuple[t.Any, str | None]:
    """Make google-auth credentials from module options.

    Returns the credentials and the project they name (or None).
    Raises CredentialsError with what is missing and how to give it.
    """
    import google.auth
    import google.auth.exceptions

    scopes = list(options.get("scopes") or [SCOPE])
    kind = options.get("auth_kind") or _guess(options)
    try:
        credentials, project = _KINDS[kind](options, scopes)
    except google.auth.exceptions.GoogleAuthError as error:
        raise CredentialsError(
            f"credentials of kind {kind} cannot be used: {str(error).rstrip('.')}. "
            "Set auth_kind with service_account_file, service_account_contents or access_token, or give application "
            "default credentials (GOOGLE_APPLICATION_CREDENTIALS or 'gcloud auth application-default login')."
        ) from error
    target = options.get("impersonate_service_account")
    if target:
        credentials = _impersonated(credentials, target, scopes, options)
    return credentials, project


def _impersonated(source: t.Any, target: str, scopes: list[str], options: t.Mapping[str, t.Any]) -> t.Any:
    """Act as ``target``. As in gcloud it may be a chain, ``first,second,target``: each acts as the next."""
    from google.auth import impersonated_credentials

    *delegates, principal = [name.strip() for name in target.split(",") if name.strip()]
    base = endpoints.base_url("iamcredentials", options.get("endpoints"))
    return impersonated_credentials.Credentials(
        source_credentials=source,
        target_principal=principal,
        target_scopes=scopes,
        delegates=delegates,
        # Without it google-auth asks Google itself, whatever the endpoints say.
        iam_endpoint_override=f"{base}v1/projects/-/serviceAccounts/{principal}:generateAccessToken",
    )


def refusal(error: Exception, options: t.Mapping[str, t.Any]) -> str:
    """Why no token was given, and what to do: sentences. ``error`` is what google-auth raised."""
    target = str(options.get("impersonate_service_account") or "").rsplit(",", 1)[-1].strip()
    body = error.args[1] if len(error.args) > 1 else None
    if not target or not isinstance(body, str) or "mpersonated" not in str(error.args[0]):
        return f"Google gives no access token: {error}. The credentials may be expired, disabled or revoked."
    # google-auth hands over Google's answer as it came, without its status.
    answer = ApiError.read("POST", "", _number(body), body.encode())
    said = f" (Google: {answer.said.rstrip('.')})" if answer.said else ""
    if answer.service_disabled:
        return (
            f"the IAM Credentials API is off, so nobody can act as {target}{said}. Enable it once with gcloud services "
            "enable iamcredentials.googleapis.com in the project that Google names: no playbook can, since it would need "
            "the token first."
        )
    if answer.status == 403:
        return (
            f"these credentials may not act as {target}{said}. Give their account roles/iam.serviceAccountTokenCreator "
            "on it, or take away impersonate_service_account."
        )
    return f"Google gives no access token for {target}{said}. Correct impersonate_service_account, or take it away."


def _number(body: str) -> int:
    try:
        return int(json.loads(body)["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return 0


def _guess(options: t.Mapping[str, t.Any]) -> str:
    if options.get("access_token"):
        return "accesstoken"
    if options.get("service_account_file") or options.get("service_account_contents"):
        return "serviceaccount"
    return "application"


def _application(options: t.Mapping[str, t.Any], scopes: list[str]) -> tuple[t.Any, str | None]:
    import google.auth

    return google.auth.default(scopes=scopes)


def _machine(options: t.Mapping[str, t.Any], scopes: list[str]) -> tuple[t.Any, str | None]:
    from google.auth import compute_engine

    email = options.get("service_account_email") or "default"
    return compute_engine.Credentials(service_account_email=email, scopes=scopes), None


def _access_token(options: t.Mapping[str, t.Any], scopes: list[str]) -> tuple[t.Any, str | None]:
    from google.oauth2 import credentials

    token = options.get("access_token")
    if not token:
        raise CredentialsError("auth_kind is accesstoken, but access_token (or GCP_ACCESS_TOKEN) is not given.")
    return credentials.Credentials(str(token).strip()), None


def _service_account(options: t.Mapping[str, t.Any], scopes: list[str]) -> tuple[t.Any, str | None]:
    document = _document(options)
    kind = document.get("type")
    if kind == "external_account":  # workload identity federation: a configuration file, not a key
        return _federated(document, scopes), None
    from google.oauth2 import service_account

    try:
        credentials = service_account.Credentials.from_service_account_info(document, scopes=scopes)
    except (ValueError, TypeError) as error:
        raise CredentialsError(
            f"the service account key cannot be read: {error}. It is the JSON file that Google gives with a new key."
        ) from error
    return credentials, document.get("project_id")


def _federated(document: dict[str, t.Any], scopes: list[str]) -> t.Any:
    """Workload identity federation: where the foreign identity comes from decides the class."""
    source = document.get("credential_source") or {}
    if str(source.get("environment_id") or "").startswith("aws"):
        from google.auth import aws as foreign
    elif "executable" in source:
        from google.auth import pluggable as foreign
    else:
        from google.auth import identity_pool as foreign
    try:
        return foreign.Credentials.from_info(document, scopes=scopes)
    except (ValueError, TypeError) as error:
        raise CredentialsError(f"the federation configuration cannot be read: {error}.") from error


def _document(options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    contents = options.get("service_account_contents")
    where = "service_account_contents"
    if not contents:
        path = options.get("service_account_file")
        if not path:
            raise CredentialsError(
                "auth_kind is serviceaccount, but neither service_account_file nor service_account_contents is given."
            )
        where = str(path)
        try:
            with open(os.path.expanduser(where), encoding="utf-8") as file:
                contents = file.read()
        except OSError as error:
            raise CredentialsError(
                f"service_account_file {where} cannot be read: {error.strerror}. Name the JSON key file of a service "
                "account, or set auth_kind to application, accesstoken or machineaccount."
            ) from error
    if isinstance(contents, dict):
        return contents
    try:
        document = json.loads(contents)
    except ValueError as error:
        # The parser's own message may quote the document, which is a secret.
        raise CredentialsError(f"{where} does not hold JSON.") from error
    if not isinstance(document, dict):
        raise CredentialsError(f"{where} does not hold a JSON object.")
    return document


_KINDS: dict[str, t.Callable[[t.Mapping[str, t.Any], list[str]], tuple[t.Any, str | None]]] = {
    "application": _application,
    "machineaccount": _machine,
    "serviceaccount": _service_account,
    "accesstoken": _access_token,
}
