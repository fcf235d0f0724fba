import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import pino from 'pino';
import { openBlobStore } from '../../blobs/open-blob-store.js';
import type { Database } from '../../database/open-database.js';
import { createInspectionThreads } from '../../inspection-threads/inspection-threads.js';
import { createInspectors } from '../../inspectors/index.js';
import { defaultLimits, type ProxyContext } from '../../proxy/relay/proxy-context.js';
import { startRecordingProxy } from '../../proxy/relay/recording-proxy.js';
import { UpstreamPool } from '../../proxy/relay/upstream-pool.js';
import { openCertificateAuthority } from '../../proxy/tls/certificate-authority.js';
import { createSecureContexts } from '../../proxy/tls/secure-contexts.js';
import { createUpstreamConnector } from '../../proxy/upstream/connect.js';
import { createDestinationGuard } from '../../proxy/upstream/destination-guard.js';
import { createSessionDirectory } from '../../session-record/create-session-directory.js';
import { createTrafficRecorder } from '../../session-record/create-traffic-recorder.js';

export interface RealProxy extends AsyncDisposable {
  readonly home: string;
  readonly port: number;
}

/** The recording proxy on PostgreSQL, as its process runs it, with its files in a folder of its own. Sessions may reach 127.0.0.2 alone. */
export async function startRealProxy(database: Database): Promise<RealProxy> {
  const home = await mkdtemp(path.join(os.tmpdir(), 'millrace-assets-'));
  const bodies = await openBlobStore({ blobs: `file:${path.join(home, 'blobs')}`, home });
  const directory = await createSessionDirectory(database, { processName: 'proxy-of-a-spec' });
  const threads = createInspectionThreads({ threads: 1 });
  const context: ProxyContext = {
    ports: { directory, recorder: createTrafficRecorder(database), bodies, inspectors: createInspectors(), inspect: threads.inspect },
    connector: createUpstreamConnector({ guard: createDestinationGuard({ allow: ['127.0.0.2/32'], forbiddenPorts: [] }), upstreamProxy: undefined, noProxy: [], caFile: undefined }),
    secureContexts: createSecureContexts(openCertificateAuthority({ home }), { max: 10 }),
    pool: new UpstreamPool(),
    limits: defaultLimits,
    keepBodies: false,
    log: pino({ level: 'silent' }),
    connections: new Set(),
  };
  const proxy = await startRecordingProxy(context, { host: '127.0.0.1', port: 0, reusePort: false });
  return {
    home,
    port: proxy.port,
    async [Symbol.asyncDispose]() {
      await proxy.close(100);
      await Promise.all([directory.close(), threads.close()]);
      bodies.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}
