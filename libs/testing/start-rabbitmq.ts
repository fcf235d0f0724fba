import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { connect } from 'amqplib';
import { choosePort } from '../embedded/free-port.js';
import { killed, serverProcess } from './server-process.js';

export interface TestRabbitmq {
  /** For both versions of AMQP; user and password are the broker's first, `guest`. */
  readonly url: string;
  readonly tlsUrl: string | undefined;
  /** kill -9. */
  kill(): Promise<void>;
  /** After `kill`: the same data, name and ports. Resolves when clients are served. */
  restart(): Promise<void>;
  /** Kills it and removes its data. */
  stop(): Promise<void>;
}

export interface TestRabbitmqOptions {
  /** PEM files; with them it listens for TLS, too, and demands a client's certificate of this authority. */
  readonly tls?: { readonly authority: string; readonly certificate: string; readonly key: string };
}

/** Where Debian has the script; the one on PATH changes to the user `rabbitmq` and its own folders. */
const script = '/usr/lib/rabbitmq/bin/rabbitmq-server';

/** A RabbitMQ with its AMQP 1.0 plug-in, of its own: scratch folder, node name, ports, and name server of Erlang. No service of the system is needed or touched. */
export async function startRabbitmq({ tls }: TestRabbitmqOptions = {}): Promise<TestRabbitmq> {
  if (!existsSync(script)) throw new Error(`${script} is not there: install rabbitmq-server, or run the tests with MILLRACE_TEST_WITHOUT=rabbitmq-server`);
  const home = mkdtempSync(path.join(os.tmpdir(), 'millrace-rabbitmq-'));
  const [port, tlsPort, distributionPort, epmdPort] = [await choosePort('127.0.0.1'), await choosePort('127.0.0.1'), await choosePort('127.0.0.1'), await choosePort('127.0.0.1')];
  const at = (name: string): string => path.join(home, name);
  writeFileSync(at('enabled_plugins'), '[rabbitmq_amqp1_0].\n');
  writeFileSync(at('.erlang.cookie'), randomBytes(16).toString('hex'), { mode: 0o400 });
  writeFileSync(at('rabbitmq.conf'), configuration({ port, tlsPort, tls }));
  const environment = {
    PATH: process.env['PATH'],
    LANG: 'C.UTF-8',
    HOME: home,
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `millrace-${path.basename(home).slice(-6).toLowerCase()}@localhost`,
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_MNESIA_BASE: at('mnesia'),
    RABBITMQ_LOG_BASE: at('log'),
    RABBITMQ_GENERATED_CONFIG_DIR: at('generated'),
    RABBITMQ_ENABLED_PLUGINS_FILE: at('enabled_plugins'),
    RABBITMQ_CONFIG_FILE: at('rabbitmq.conf'),
    RABBITMQ_CONF_ENV_FILE: at('none'),
    // The script becomes the broker, so that its process id is the broker's.
    RABBITMQ_ALLOW_INPUT: 'true',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-start_epmd false',
  };
  const url = `amqp://127.0.0.1:${port}`;
  // A name server of its own, because one that Erlang starts outlives whoever started it.
  const epmd = spawn('epmd', ['-port', String(epmdPort), '-address', '127.0.0.1'], { env: environment, stdio: 'ignore' });
  epmd.on('error', () => undefined);
  const broker = serverProcess({ name: 'RabbitMQ', command: script, arguments: ['-noinput'], directory: home, environment, log: at('broker.log'), answers: () => answers(url) });

  async function stop(): Promise<void> {
    await broker.kill();
    await killed(epmd);
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }

  try {
    await broker.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, tlsUrl: tls === undefined ? undefined : `amqps://localhost:${tlsPort}`, kill: broker.kill, restart: broker.start, stop };
}

function configuration({ port, tlsPort, tls }: TestRabbitmqOptions & { readonly port: number; readonly tlsPort: number }): string {
  const lines = [`listeners.tcp.1 = 127.0.0.1:${port}`, 'log.console = true', 'log.console.level = warning', 'log.file = false', 'disk_free_limit.absolute = 1MB'];
  if (tls !== undefined) {
    lines.push(`listeners.ssl.1 = 127.0.0.1:${tlsPort}`, `ssl_options.cacertfile = ${tls.authority}`, `ssl_options.certfile = ${tls.certificate}`, `ssl_options.keyfile = ${tls.key}`);
    lines.push('ssl_options.verify = verify_peer', 'ssl_options.fail_if_no_peer_cert = true');
  }
  return `${lines.join('\n')}\n`;
}

async function answers(url: string): Promise<boolean> {
  try {
    await (await connect(url, { timeout: 2000 })).close();
    return true;
  } catch {
    return false;
  }
}
