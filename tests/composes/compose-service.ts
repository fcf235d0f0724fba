import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startServer } from '../../libs/service/start-server.js';
import { embeddedTemporal } from '../../temporal/embedded-temporal.js';

/** The whole service, as `npm start` brings it up, with a home of its own and one folder that repositories may be read from. */
export interface ComposeService {
  /** `http://localhost:<port>`: the host by whose name ODCS's command line knows that nobody has to log in. */
  readonly url: string;
  readonly authorization: string;
  /** Of gRPC: `localhost:<port>`. */
  readonly cacheAddress: string;
  /** Directory of its artifact cache. */
  readonly cacheFolder: string;
  /** Absolute path. */
  readonly repositories: string;
  /** Absolute paths of what the directory of its artifact cache has of a blob. */
  cacheObjects(hash: string): readonly string[];
  /** Process id of one of its parts, while it runs. */
  processOf(name: string): number | undefined;
  stop(): Promise<void>;
}

export async function startComposeService(settings: Readonly<Record<string, string>> = {}): Promise<ComposeService> {
  const home = mkdtempSync(path.join(os.tmpdir(), 'millrace-composes-'));
  const repositories = path.join(home, 'repositories');
  const cacheFolder = path.join(home, 'artifact-cache');
  // What is set for a service of the developer's own must not lead to it.
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(MILLRACE_(?!TEMPORAL_SERVER$)|FETCH_SERVICE_)/.test(name)));
  const remove = (): void => rmSync(home, { recursive: true, force: true });
  try {
    const server = await startServer({
      temporal: embeddedTemporal,
      environment: { ...environment, MILLRACE_HOME: home, MILLRACE_CONTROL_PORT: '0', MILLRACE_PROXY_PORT: '0', MILLRACE_CACHE_PORT: '0', MILLRACE_COMPOSE_SOURCE_PATHS: repositories, ...settings },
    });
    return {
      url: server.addresses.control,
      authorization: `Basic ${Buffer.from(readFileSync(path.join(home, 'control-auth'), 'utf8').trim()).toString('base64')}`,
      cacheAddress: (server.addresses.cache ?? '').replace(/^grpcs?:\/\//, ''),
      cacheFolder,
      repositories,
      cacheObjects: (hash) => readdirSync(cacheFolder, { recursive: true, encoding: 'utf8' }).filter((name) => path.basename(name).startsWith(hash)).map((name) => path.join(cacheFolder, name)),
      processOf: (name) => server.processes().find((each) => each.name === name)?.pid,
      async stop() {
        await server.stop({ immediately: true });
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}
