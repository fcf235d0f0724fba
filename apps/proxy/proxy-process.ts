import pino from 'pino';
import { openBlobStore } from '../../libs/blobs/open-blob-store.js';
import { openDatabase } from '../../libs/database/open-database.js';
import { createInspectionThreads } from '../../libs/inspection-threads/inspection-threads.js';
import { createInspectors } from '../../libs/inspectors/index.js';
import { defaultLimits, type ProxyContext } from '../../libs/proxy/relay/proxy-context.js';
import { startRecordingProxy } from '../../libs/proxy/relay/recording-proxy.js';
import { UpstreamPool } from '../../libs/proxy/relay/upstream-pool.js';
import { openCertificateAuthority } from '../../libs/proxy/tls/certificate-authority.js';
import { createSecureContexts } from '../../libs/proxy/tls/secure-contexts.js';
import { createUpstreamConnector } from '../../libs/proxy/upstream/connect.js';
import { createDestinationGuard } from '../../libs/proxy/upstream/destination-guard.js';
import { createSessionDirectory } from '../../libs/session-record/create-session-directory.js';
import { createTrafficRecorder } from '../../libs/session-record/create-traffic-recorder.js';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import { readSettings, type Environment } from '../../libs/settings/settings.js';

const graceMilliseconds = 3_000;

/** One proxy process: everything that the byte path needs, wired to PostgreSQL and the blob store, until SIGTERM. */
export async function runProxyProcess(environment: Environment): Promise<void> {
  const settings = readSettings(environment);
  const log = pino({ name: 'proxy', level: settings.logLevel });
  if (settings.databaseUrl === undefined) {
    throw new MillraceError('invalid-setting', 'the proxy needs MILLRACE_DATABASE_URL', { suggestion: 'Set it, or run everything with npm start.' });
  }
  const database = await openDatabase(settings.databaseUrl);
  const bodies = await openBlobStore(settings);
  const directory = await createSessionDirectory(database, { processName: `proxy-${process.pid}` });
  const authority = openCertificateAuthority({ home: settings.home, certificateFile: settings.caCertificate, keyFile: settings.caKey });
  const guard = createDestinationGuard({ allow: settings.allowDestinations, forbiddenPorts: settings.forbiddenPorts });
  const threads = createInspectionThreads({ threads: settings.inspectionThreads });
  const context: ProxyContext = {
    ports: { directory, recorder: createTrafficRecorder(database), bodies, inspectors: createInspectors(), inspect: threads.inspect },
    connector: createUpstreamConnector({ guard, upstreamProxy: settings.upstreamProxy, noProxy: settings.upstreamNoProxy, caFile: settings.upstreamCa }),
    secureContexts: createSecureContexts(authority, { max: 1_000 }),
    pool: new UpstreamPool(),
    limits: defaultLimits,
    keepBodies: settings.keepBodies,
    log,
    connections: new Set(),
  };
  const proxy = await startRecordingProxy(context, { host: settings.host, port: settings.proxyPort, reusePort: settings.proxyProcesses > 1 });
  log.info({ address: proxy.address }, 'proxy listens');
  process.send?.({ type: 'ready', address: proxy.address });

  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    void proxy
      .close(graceMilliseconds)
      .then(() => Promise.all([directory.close(), threads.close()]))
      .then(() => bodies.close())
      .then(() => database.close())
      .finally(() => process.exit(0));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('disconnect', stop);
}
