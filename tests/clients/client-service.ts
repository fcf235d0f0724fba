import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startServer } from '../../libs/service/start-server.js';
import { embeddedTemporal } from '../../temporal/embedded-temporal.js';
import { openCertificateAuthority } from '../../libs/proxy/tls/certificate-authority.js';
import type { CertificateAuthority } from '../../libs/proxy/tls/certificate-authority.js';
import { processesOf } from '../server/run-program.js';

/**
 * Origins of the specs listen here. Sessions may reach this one address, so that 127.0.0.1 stays as forbidden as it is in
 * production.
 */
export const originAddress = '127.0.0.2';

/** Names the home of a service that the whole suite shares; without it each spec file starts one of its own. */
export const sharedServiceVariable = 'MILLRACE_TEST_SERVICE_HOME';

/** The whole service, as `npm start` brings it up. */
export interface ClientService {
  readonly home: string;
  readonly addresses: { readonly control: string; readonly proxy: string; readonly cache: string; readonly temporal: string };
  /** Signs for origins of the specs; the service trusts it for upstream. */
  readonly originAuthority: CertificateAuthority;
  readonly controlAuth: string;
  /** Process ids of its proxies. */
  proxyProcesses(): readonly number[];
  /** Leaves a shared one running. */
  stop(): Promise<void>;
}

/** Aborting the signal gives up the start. */
export async function startClientService(options: { readonly signal?: AbortSignal } = {}): Promise<ClientService> {
  const home = mkdtempSync(path.join(os.tmpdir(), 'millrace-clients-'));
  const authority = openCertificateAuthority({ home: originHome(home) });
  // What is set for a service of the developer's own must not lead to it.
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(MILLRACE_(?!TEMPORAL_SERVER$)|FETCH_SERVICE_)/.test(name)));
  try {
    const server = await startServer({
      ...options,
      temporal: embeddedTemporal,
      environment: {
        ...environment,
        MILLRACE_HOME: home,
        MILLRACE_CONTROL_PORT: '0',
        MILLRACE_PROXY_PORT: '0',
        MILLRACE_CACHE_PORT: '0',
        MILLRACE_CACHE: cacheFile(home),
        MILLRACE_PERMISSIVE: '1',
        MILLRACE_ALLOW_DESTINATIONS: `${originAddress}/32`,
        MILLRACE_UPSTREAM_CA: authority.certificateFile,
      },
    });
    const stop = async (): Promise<void> => {
      await server.stop({ immediately: true });
      rmSync(home, { recursive: true, force: true });
    };
    return { ...joinClientService(home), stop };
  } catch (error) {
    rmSync(home, { recursive: true, force: true });
    throw error;
  }
}

/** The service that runs on a home that `startClientService` made. */
export function joinClientService(home: string): ClientService {
  return {
    home,
    addresses: JSON.parse(readFileSync(path.join(home, 'addresses.json'), 'utf8')) as ClientService['addresses'],
    originAuthority: openCertificateAuthority({ home: originHome(home) }),
    controlAuth: readFileSync(path.join(home, 'control-auth'), 'utf8').trim(),
    proxyProcesses: () => processesOf(home).filter(({ name }) => name.startsWith('proxy-')).map(({ pid }) => pid),
    stop: () => Promise.resolve(),
  };
}

/** Its artifact cache downloads what callers with the control credentials ask for. */
function cacheFile(home: string): string {
  const file = path.join(home, 'cache.yaml');
  writeFileSync(file, 'instances: { main: { fetch: { policy: permissive } } }\n');
  return file;
}

function originHome(home: string): string {
  return path.join(home, 'origins');
}
