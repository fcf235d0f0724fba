import { createConnection } from 'node:net';
import path from 'node:path';
import { Connection } from '@temporalio/client';
import { SearchAttributeType } from '@temporalio/common';
import type { ProcessDefinition } from '../libs/embedded/supervised-process.js';
import { searchAttributeKeys } from './search-attributes.js';

export interface TemporalDevServerOptions {
  /** Path of the `temporal` command; see `findTemporalServer`. */
  readonly command: string;
  readonly port: number;
  readonly uiPort: number;
  readonly namespace: string;
  /** SQLite file that makes workflows survive a restart. */
  readonly databaseFile: string;
  readonly logDirectory: string;
}

/** As the command line calls them. */
const typeNames: Readonly<Record<SearchAttributeType, string>> = {
  [SearchAttributeType.TEXT]: 'Text',
  [SearchAttributeType.KEYWORD]: 'Keyword',
  [SearchAttributeType.INT]: 'Int',
  [SearchAttributeType.DOUBLE]: 'Double',
  [SearchAttributeType.BOOL]: 'Bool',
  [SearchAttributeType.DATETIME]: 'Datetime',
  [SearchAttributeType.KEYWORD_LIST]: 'KeywordList',
};

/** How to run Temporal's development server, for a SupervisedProcess. Listens on 127.0.0.1 only. */
export function temporalDevServer(options: TemporalDevServerOptions): ProcessDefinition {
  const address = `127.0.0.1:${options.port}`;
  return {
    name: 'temporal',
    command: options.command,
    args: [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(options.port), '--ui-port', String(options.uiPort)],
      ...['--namespace', options.namespace, '--db-filename', options.databaseFile, '--log-level', 'warn', '--log-format', 'json'],
      ...searchAttributeKeys.flatMap(({ name, type }) => ['--search-attribute', `${name}=${typeNames[type]}`]),
    ],
    // Its own configuration file and environment (TEMPORAL_*) are for the command line client, not for this server.
    environment: { PATH: '/usr/bin:/bin', HOME: path.dirname(options.databaseFile), DISABLE_TELEMETRY: '1' },
    cwd: path.dirname(options.databaseFile),
    ready: () => hasNamespace(address, options.namespace),
    readyDeadline: 60_000,
    // It picks ports of its own besides those given, and under load may lose one to another process before it listens.
    startAttempts: 3,
    logDirectory: options.logDirectory,
  };
}

async function hasNamespace(address: string, namespace: string): Promise<boolean> {
  if (!(await accepts(address))) return false; // cheaper than a gRPC connection while it starts
  let connection: Connection | undefined;
  try {
    connection = await Connection.connect({ address, connectTimeout: 2000, channelArgs: { 'grpc.enable_http_proxy': 0 } });
    await connection.withDeadline(Date.now() + 2000, async () => connection?.workflowService.describeNamespace({ namespace }));
    return true;
  } catch {
    return false;
  } finally {
    await connection?.close();
  }
}

function accepts(address: string): Promise<boolean> {
  const [host, port] = address.split(':');
  return new Promise((resolve) => {
    const socket = createConnection({ host, port: Number(port) });
    const end = (result: boolean): void => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
