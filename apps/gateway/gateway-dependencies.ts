import { MillraceError } from '../../libs/errors/millrace-error.js';
import { localBlobFolder } from '../../libs/blobs/local-blob-folder.js';
import { openBlobStore } from '../../libs/blobs/open-blob-store.js';
import { openDatabase } from '../../libs/database/open-database.js';
import type { Database } from '../../libs/database/open-database.js';
import { createInspectors, inspectedEcosystems } from '../../libs/inspectors/index.js';
import { createSessionCommands } from '../../libs/session-record/create-session-commands.js';
import { readServicePolicy } from '../../libs/session-record/read-service-policy.js';
import { createSessionReads } from '../../libs/session-record/create-session-reads.js';
import { createWorkflowOutbox } from '../../libs/session-record/workflow-outbox.js';
import type { Environment, Settings } from '../../libs/settings/settings.js';
import { connectTemporal } from '../../temporal/client.js';
import { createSessionWorkflowClient } from '../../temporal/session-workflow-client.js';
import { createComposeWorkflowClient } from '../../temporal/compose-workflow-client.js';
import { openAccess } from './access/open-access.js';
import { openCacheDependencies } from './caches/cache-dependencies.js';
import { openRepositoryDependencies } from './repositories/repository-dependencies.js';
import { openRuleDependencies } from './rules/rule-dependencies.js';
import { openBusDependencies } from './rules/bus-dependencies.js';
import { openComposeDependencies } from './compose-dependencies.js';
import { gatewayVersion } from './gateway-version.js';
import { openAuthorityCertificate } from './ca/authority-certificate.js';
import type { GatewayDependencies, SessionWorkflows } from './gateway-ports.js';
import { createBuildEnvironment } from './sessions/build-environment.js';

export interface OpenDependencies extends GatewayDependencies {
  readonly database: Database;
  close(): Promise<void>;
}

export interface DependencyOptions {
  /** Other task queues than `sessions`, `composes`, `repositories` and `artifacts`; for specs that share a Temporal server. */
  readonly taskQueue?: string;
  readonly repositoryTaskQueue?: string;
  readonly cacheTaskQueue?: string;
  readonly composeTaskQueue?: string;
  /** Where tools are looked for, as in PATH; without it there are none. */
  readonly searchPath?: string | undefined;
  /** Of what is wrong, but stops nobody. */
  readonly onProblem?: (reason: string) => void;
  /** For secrets that the access file and webhooks name by a variable; without it there are none but those in files. */
  readonly environment?: Environment;
}

/** Longest wait for a proxy that does not acknowledge a close: with the 3 s that the engine had before, it stays below the deadline of an answer. */
const acknowledgeWithinMilliseconds = 5500;

/** Connects to nothing yet: database and engine are looked for with the first request, and again after they were away. Errors: `invalid-setting`. */
export async function openGatewayDependencies(settings: Settings, options: DependencyOptions = {}): Promise<OpenDependencies> {
  if (settings.databaseUrl === undefined) {
    throw new MillraceError('invalid-setting', 'MILLRACE_DATABASE_URL is not set', { suggestion: 'A gateway that runs alone needs the addresses of its servers; npm start sets them.' });
  }
  const ecosystems = inspectedEcosystems();
  const servicePolicy = await readServicePolicy(settings.policyFile, ecosystems);
  const access = await openAccess({ ...settings, environment: options.environment ?? {} });
  const client = connectTemporal(settings);
  const authority = openAuthorityCertificate(settings);
  const blobs = await openBlobStore(settings);
  const database = await openDatabase(settings.databaseUrl, { applicationName: 'millrace-gateway', poolSize: 20 });
  const engine = sessionWorkflows(client, options);
  const composeWorkflows = createComposeWorkflowClient(client, options.composeTaskQueue === undefined ? {} : { taskQueue: options.composeTaskQueue });
  const composes = await openComposeDependencies(database, { settings, workflows: composeWorkflows, searchPath: options.searchPath, noted: engine.noted });
  const buses = await openBusDependencies(database, { settings, client, environment: options.environment ?? {}, noted: engine.noted });
  const repositories = await openRepositoryDependencies(database, { settings, client, environment: options.environment ?? {}, taskQueue: options.repositoryTaskQueue, noted: engine.noted });
  const caches = await openCacheDependencies(database, { settings, client, access, environment: options.environment ?? {}, taskQueue: options.cacheTaskQueue, noted: engine.noted, onProblem: options.onProblem ?? (() => undefined) });
  const rules = await openRuleDependencies(database, { settings, client, noted: engine.noted });
  return {
    access,
    composes,
    buses,
    rules,
    repositories,
    caches,
    commands: createSessionCommands(database, { blobs, acknowledgeWithinMilliseconds, ecosystems, ...(servicePolicy === undefined ? {} : { servicePolicy }) }),
    reads: createSessionReads(database, { version: gatewayVersion, inspectors: createInspectors().map(({ id }) => id), spoolRoot: localBlobFolder(settings), ecosystems }),
    outbox: createWorkflowOutbox(database),
    workflows: engine.workflows,
    authority,
    buildEnvironment: createBuildEnvironment(authority, settings.home),
    database,
    async close() {
      await caches.close();
      await access.close();
      blobs.close();
      await buses.close();
      await repositories.close();
      await composes.close();
      await database.close();
      // A retry of the SDK that falls due after the channel was closed throws out of nowhere. One that never connected holds nothing open.
      if (engine.answered()) await client.connection.close();
    },
  };
}

interface NotedEngine {
  readonly workflows: SessionWorkflows;
  /** Whether it ever answered. */
  answered(): boolean;
  readonly noted: <Value>(call: Promise<Value>) => Promise<Value>;
}

function sessionWorkflows(client: ReturnType<typeof connectTemporal>, options: DependencyOptions): NotedEngine {
  const sessions = createSessionWorkflowClient(client, options);
  let answered = false;
  const noted = async <Value>(call: Promise<Value>): Promise<Value> => {
    const value = await call;
    answered = true;
    return value;
  };
  return {
    answered: () => answered,
    noted,
    workflows: {
      start: (input) => noted(sessions.start(input, { deadline: 1500 })),
      revoke: (sessionId, by) => noted(sessions.revoke(sessionId, by, { deadline: 3000 })),
      end: (sessionId, by) => noted(sessions.end(sessionId, by, { deadline: 3000 })),
      async reachable() {
        await noted(client.withDeadline(Date.now() + 1500, () => client.connection.workflowService.getSystemInfo({})));
        return true;
      },
    },
  };
}
