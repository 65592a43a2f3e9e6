# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that must not be shown: which they are, and how they are kept out of results. Private to the collection.

Ansible hides a secret by blacking out its text wherever it occurs in a result. For a short one ("1", "on") that would
black out half of the result, so short secrets are hidden by the option they stand in instead: results of this
collection never repeat a secret, and the copy of the options that Ansible adds to a result has them taken out here.
"""

from __future__ import annotations

import re
import typing as t

from .fields import Options

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from .spec import Spec

#: What stands in place of a secret; ansible-core's own words.
PLACEHOLDER = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
#: Texts of up to this many characters are not blacked out where they occur.
SHORT = 3
#: Words that make an unknown option's value a secret, since it may be a misspelt secret option.
SECRET_WORD = re.compile(r"pass(?!ive)|secret|token|key|private|credential|cert", re.I)


def texts(options: Options, known: Spec) -> set[str]:
    """Texts to black out: of secret options, and of unknown ones that may be such misspelt."""
    found: set[str] = set()
    for name, inner in options.items():
        option = known.get(name)
        if _is_secret(name, option):
            found |= _strings(inner)
            continue
        for item in inner if isinstance(inner, list) else [inner]:
            if isinstance(item, dict):
                found |= texts(item, (option or {}).get("options") or {})
    return found


def concealed(options: Options, known: Spec) -> Options:
    """A copy of options without the values that must not be shown."""
    return {name: _concealed(name, value, known.get(name)) for name, value in options.items()}


def _concealed(name: str, value: t.Any, option: dict[str, t.Any] | None) -> t.Any:
    if value is None:
        return None
    if _is_secret(name, option):
        return PLACEHOLDER
    inner = (option or {}).get("options") or {}
    if isinstance(value, dict):
        return concealed(value, inner)
    if isinstance(value, list):
        return [concealed(item, inner) if isinstance(item, dict) else item for item in value]
    return value


def conceal(module: AnsibleModule, known: Spec) -> None:
    """Take a module's own secret options out of what it reports of itself, once the object has been made from them."""
    module.no_log_values = {text for text in module.no_log_values if len(text) > SHORT}
    given = {name: module.params[name] for name in known if name in module.params}
    module.params.update(concealed(given, known))


def _is_secret(name: t.Any, option: dict[str, t.Any] | None) -> bool:
    return bool(option.get("no_log") if option else SECRET_WORD.search(str(name)))


def _strings(value: t.Any) -> set[str]:
    if isinstance(value, dict):
        return {text for inner in value.values() for text in _strings(inner)}
    if isinstance(value, list | tuple):
        return {text for inner in value for text in _strings(inner)}
    return {str(value)} if isinstance(value, str) and len(value) > SHORT else set()
