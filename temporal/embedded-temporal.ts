import path from 'node:path';
import type { TemporalLauncher } from '../libs/service/server-options.js';
import { temporalDevServer } from './dev-server.js';
import { findTemporalServer } from './find-server.js';

/** Finds or makes Temporal's server and says how the service on this machine runs it; `startServer` takes this. */
export const embeddedTemporal: TemporalLauncher = async ({ environment, onProgress, signal, home, namespace, port, uiPort }) => {
  const command = await findTemporalServer({ environment, onProgress, signal });
  return temporalDevServer({ command, port, uiPort, namespace, databaseFile: path.join(home, 'temporal.db'), logDirectory: path.join(home, 'logs') });
};
