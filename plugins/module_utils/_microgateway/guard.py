# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plugin that stands before every other: it refuses ambiguous paths and keeps keys out of logs.

The engine neither normalises paths nor decodes them: it compares texts, and sends the path on as it came. A key for
``/orders`` therefore opens ``/orders/../admin``. And it writes the key of a caller into every line about a failed call.
This plugin answers 400 to the first, and puts the beginning of a hash in place of the second. It is JavaScript because
the engine is; it needs no package, so that it can be mounted into an image that has no npm.
"""

from __future__ import annotations

import json

from .._sidecar.microgateway import GUARD as NAME

SOURCE = r"""// Copyright (c) 2026, The gatewayops.apigee_gke contributors
// SPDX-License-Identifier: GPL-3.0-or-later
'use strict';

const crypto = require('crypto');

const ROUNDS = 5;

// What is wrong with the path of a request target, or null.
function fault(target, allowEncodedSlashes) {
  const path = target.split('?', 1)[0];
  if (path.includes('#')) {
    return 'a fragment';
  }
  let decoded = path;
  for (let round = 0; round < ROUNDS; round += 1) {
    if (/[\\\u0000-\u001f\u007f]/.test(decoded)) {
      return 'a backslash or control character';
    }
    // Some servers drop everything behind a semicolon before they resolve dots.
    if (decoded.split('/').some((part) => ['.', '..'].includes(part.split(';', 1)[0].trim()))) {
      return 'a dot segment';
    }
    if (!allowEncodedSlashes && /%2f/i.test(decoded)) {
      return 'an encoded slash';
    }
    let next;
    try {
      next = decodeURIComponent(decoded);
    } catch (error) {
      // Bytes that are no UTF-8 may be overlong forms of dots and slashes.
      return round === 0 ? 'a percent sign that encodes no character' : null;
    }
    if (next === decoded) {
      return null;
    }
    decoded = next;
  }
  return 'more encodings within each other than can be looked through';
}

// What stands in logs for a key: equal for equal keys, and of no use to anybody.
function shown(key) {
  return `sha256:${crypto.createHash('sha256').update(key).digest('hex').slice(0, 12)}`;
}

function keyOf(req, name) {
  return req.headers[name] || (req.reqUrl && req.reqUrl.query && req.reqUrl.query[name]) || '';
}

// The engine gives every plugin the logger that it uses itself.
function keepKeysOut(logger, name) {
  const { setTransactionContext, eventLog } = logger;
  logger.setTransactionContext = (id, req) => {
    setTransactionContext(id, req);
    const context = req.transactionContextData;
    const key = String(keyOf(req, name));
    context.clientId = key && shown(key);
    context.url = context.url.split('?', 1)[0];
  };
  logger.eventLog = (about, text) => {
    const key = about.req && about.req.headers ? String(keyOf(about.req, name)) : '';
    return eventLog(about, key && typeof text === 'string' ? text.split(key).join(shown(key)) : text);
  };
}

module.exports.init = function init(config, logger) {
  const allowEncodedSlashes = config.allowEncodedSlashes === true;
  keepKeysOut(logger, (config.keyHeader || 'x-api-key').toLowerCase());
  return {
    onrequest(req, res, next) {
      const found = fault(req.url, allowEncodedSlashes);
      if (!found) {
        next();
        return;
      }
      const body = { error: 'invalid_request', error_description: `the path has ${found}` };
      res.statusCode = 400;
      res.setHeader('Content-Type', 'application/json');
      res.end(JSON.stringify(body));
      next(new Error(body.error_description));
    },
  };
};

module.exports.fault = fault;
"""


def files() -> dict[str, str]:
    """Path below the folder of plugins -> content."""
    package = {"name": NAME, "version": "1.0.0", "license": "GPL-3.0-or-later", "main": "index.js"}
    return {f"{NAME}/index.js": SOURCE, f"{NAME}/package.json": json.dumps(package, indent=2) + "\n"}
