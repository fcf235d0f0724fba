import path from 'node:path';
import { prepareEmbeddedPostgres } from '../libs/embedded/embedded-postgres.js';
import { choosePort } from '../libs/embedded/free-port.js';
import type { ProcessDefinition } from '../libs/embedded/supervised-process.js';
import { SupervisedProcess } from '../libs/embedded/supervised-process.js';
import { temporalDevServer } from '../temporal/dev-server.js';
import { findTemporalServer } from '../temporal/find-server.js';
import { findTemporalTestServer } from '../temporal/find-test-server.js';
import { findS3Server } from './find-s3-server.js';

export interface TestServers {
  /** MILLRACE_TEST_DATABASE_URL, MILLRACE_TEST_TEMPORAL, MILLRACE_TEST_TEMPORAL_TIME_SKIPPING and MILLRACE_TEST_S3. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export interface TestServersOptions {
  /** Folder for their data. */
  readonly home: string;
  readonly onProgress: (message: string) => void;
  readonly signal: AbortSignal;
}

/** One PostgreSQL and one Temporal development server for all specs; each spec makes its own database and its own ids. */
export async function startTestServers({ home, onProgress, signal }: TestServersOptions): Promise<TestServers> {
  const tools = { environment: process.env, onProgress, signal };
  const testServer = await findTemporalTestServer(tools);
  const command = await findTemporalServer(tools);
  const s3Server = await findS3Server(tools);
  const running: SupervisedProcess[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((each) => each.stop(5000, each.name === 'postgres' ? 'SIGQUIT' : 'SIGTERM')));
  };
  const start = async (definition: ProcessDefinition): Promise<void> => {
    const supervised = new SupervisedProcess(definition, { onPid: () => undefined, onProgress, onGivenUp: (error) => onProgress(error.message) });
    running.push(supervised);
    await supervised.start();
  };
  try {
    const postgres = await prepareEmbeddedPostgres({ home, port: await choosePort('127.0.0.1'), onProgress, maximumConnections: 500 });
    await start(postgres.definition);
    const port = await choosePort('127.0.0.1');
    const uiPort = await choosePort('127.0.0.1');
    await start(temporalDevServer({ command, port, uiPort, namespace: 'default', databaseFile: path.join(home, 'temporal.db'), logDirectory: path.join(home, 'logs') }));
    signal.throwIfAborted();
    return {
      environment: { MILLRACE_TEST_DATABASE_URL: postgres.url, MILLRACE_TEST_TEMPORAL: `127.0.0.1:${port}`, MILLRACE_TEST_TEMPORAL_TIME_SKIPPING: testServer, MILLRACE_TEST_S3: s3Server },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
