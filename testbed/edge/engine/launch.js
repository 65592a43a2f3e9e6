// Copyright (c) 2026, The gatewayops.apigee_gke contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Starts the genuine engine packages of Edge Microgateway as the product's own command does; that command is not on
// npm in this version. It takes the variables of the vendor's image. One process fetches the configuration and keeps
// the cache of keys; others, forked from it, serve. Without the fork, the first cached request would hang for ever.
'use strict';

const cluster = require('cluster');
const fs = require('fs');
const path = require('path');
const { createRequire } = require('module');

const engine = createRequire(path.join(process.env.EDGEMICRO_ENGINE || __dirname, 'package.json'));
const edgeConfig = engine('microgateway-config');
const gateway = engine('microgateway-core');
// Both sides of the cache of keys are set up by loading the plugins.
const builtIn = engine('microgateway-plugins');

const env = process.env;
const keys = { key: env.EDGEMICRO_KEY, secret: env.EDGEMICRO_SECRET };
const folder = env.EDGEMICRO_CONFIG_DIR;
const source = path.join(folder, `${env.EDGEMICRO_ORG}-${env.EDGEMICRO_ENV}-config.yaml`);
const cache = path.join(folder, `${env.EDGEMICRO_ORG}-${env.EDGEMICRO_ENV}-cache-config.yaml`);
const DEFAULT_POLL_SECONDS = 600;
const GRACE_MILLISECONDS = 5000;

function say(...words) {
  console.log('launcher:', ...words);
}

function fetchConfiguration(done) {
  const options = { source, keys, org: env.EDGEMICRO_ORG, env: env.EDGEMICRO_ENV };
  if (env.EDGEMICRO_LOCAL_PROXY === '1') {
    options.localproxy = {
      apiProxyName: 'edgemicro_default',
      revision: '1',
      basePath: '/',
      targetEndpoint: `http://localhost:${env.CONTAINER_PORT}`,
    };
  }
  try {
    edgeConfig.get(options, done);
  } catch (error) {
    done(error);
  }
}

function settle(config) {
  config.edgemicro.port = Number(env.EDGEMICRO_PORT || 8000);
  return config;
}

function main() {
  if (env.EDGEMICRO_CONFIG) {
    fs.writeFileSync(source, Buffer.from(env.EDGEMICRO_CONFIG, 'base64'));
  }
  edgeConfig.setConsoleLogger((level, ...words) => say(level, ...words.filter((word) => typeof word !== 'object')));
  fetchConfiguration((error, config) => {
    if (error && !fs.existsSync(cache)) {
      say(`no configuration from Edge and none kept: ${error.message}`);
      process.exit(1);
    }
    if (error) {
      say(`no configuration from Edge, going on with the kept one: ${error.message}`);
    } else {
      edgeConfig.save(settle(config), cache);
    }
    serve(error ? edgeConfig.load({ source: cache }) : config);
  });
}

function serve(config) {
  config.uid = `${process.pid}`;
  gateway.Logging.init(config);
  const logger = gateway.Logging.getLogger();
  const leaving = new Set();
  let listening = false;
  let stopping = false;

  function retire(worker) {
    leaving.add(worker.id);
    if (worker.isConnected()) {
      // It answers with "disconnect" once it asks the cache no more.
      worker.send({ request_disconnect: true });
    }
    setTimeout(() => worker.process.kill('SIGKILL'), GRACE_MILLISECONDS).unref();
  }

  function fork(ready) {
    const worker = cluster.fork();
    worker.on('message', (message) => {
      if (message === 'disconnect') {
        worker.disconnect();
      } else if (message && message.msg) {
        logger.writeLogRecord(message);
      }
    });
    worker.once('listening', () => {
      listening = true;
      ready();
    });
  }

  cluster.on('exit', (worker) => {
    if (stopping) {
      if (Object.keys(cluster.workers).length === 0) {
        process.exit(0);
      }
    } else if (!leaving.delete(worker.id)) {
      if (!listening) {
        process.exit(1);
      }
      say('a worker ended, starting another');
      setTimeout(() => fork(() => {}), 500);
    }
  });

  const workers = Number(env.EDGEMICRO_PROCESSES || 1);
  for (let count = 0; count < workers; count += 1) {
    fork(() => say('listening'));
  }

  let known = JSON.stringify({ ...config, uid: null });
  const seconds = config.edgemicro.config_change_poll_interval || DEFAULT_POLL_SECONDS;
  setInterval(() => fetchConfiguration((error, found) => {
    if (error) {
      say(`Edge gave no configuration, the old one stays: ${error.message}`);
      return;
    }
    const now = JSON.stringify({ ...settle(found), uid: null });
    if (now !== known) {
      known = now;
      say('the configuration has changed');
      edgeConfig.save(found, cache);
      Object.values(cluster.workers).forEach((old) => fork(() => retire(old)));
    }
  }), seconds * 1000);

  ['SIGTERM', 'SIGINT'].forEach((signal) => process.on(signal, () => {
    stopping = true;
    const living = Object.values(cluster.workers);
    living.forEach(retire);
    if (living.length === 0) {
      process.exit(0);
    }
  }));
}

function work() {
  // The first process decides when to go, and says so.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  // Disconnected is who has answered all calls, or whose first process is gone. Timers of plugins would go on for ever.
  process.on('disconnect', () => process.exit(0));
  const config = edgeConfig.load({ source: cache });
  config.keys = keys;
  config.analytics = { ...config.analytics, ...keys };
  Object.values(config.quota || {}).forEach((quota) => Object.assign(quota, keys));
  const wanted = config.edgemicro.plugins.sequence.filter((name) => name !== 'analytics');
  const sequence = config.edgemicro.enableAnalytics === false ? wanted : ['analytics', ...wanted];
  const own = env.EDGEMICRO_PLUGIN_DIR && fs.existsSync(env.EDGEMICRO_PLUGIN_DIR)
    ? fs.readdirSync(env.EDGEMICRO_PLUGIN_DIR) : [];
  const names = [...own, ...Object.keys(builtIn)];
  const server = gateway(config);
  sequence.forEach((name) => {
    const plugin = builtIn[name] || require(path.resolve(env.EDGEMICRO_PLUGIN_DIR, name));
    server.addPlugin(name, plugin.init.bind(plugin), names);
  });
  server.start((error) => {
    if (error) {
      say(`cannot serve: ${error.message}`);
      process.exit(1);
    }
  });
}

if (cluster.isMaster) {
  main();
} else {
  work();
}
