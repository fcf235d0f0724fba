import path from 'node:path';
import { localBlobFolder } from '../../libs/blobs/local-blob-folder.js';
import { checkRequest } from '../../libs/compose-engine/check-request.js';
import { findTool } from '../../libs/compose-engine/iso-image.js';
import { composeStreamId } from '../../libs/compose/compose.js';
import { createComposeNames } from '../../libs/compose-names/create-compose-names.js';
import { readNameAges } from '../../libs/compose-names/name-ages.js';
import { createComposeCommands } from '../../libs/compose-record/create-compose-commands.js';
import { createComposeOutbox } from '../../libs/compose-record/compose-outbox.js';
import { createComposeReads } from '../../libs/compose-record/create-compose-reads.js';
import type { Database } from '../../libs/database/open-database.js';
import { isMillraceError } from '../../libs/errors/millrace-error.js';
import { readStream } from '../../libs/event-store/read-stream.js';
import { readMessageBacklog } from '../../libs/messaging/message-backlog.js';
import { timeToLiveOf } from '../../libs/pungi/raw-config-limits.js';
import { readPungiSettings } from '../../libs/pungi/read-pungi-settings.js';
import { openContentStore } from '../../libs/repository-source/content-store.js';
import type { Settings } from '../../libs/settings/settings.js';
import type { ComposeWorkflowClient } from '../../temporal/compose-workflow-client.js';
import type { ComposeDependencies, ComposeWorkflows, RecordedComposeEvent } from './gateway-ports.js';

export interface OpenComposeDependencies extends ComposeDependencies {
  close(): Promise<void>;
}

export interface ComposeDependencyOptions {
  readonly settings: Settings;
  readonly workflows: ComposeWorkflowClient;
  /** Where tools that results need are looked for, as in PATH. */
  readonly searchPath: string | undefined;
  /** Called with every call to the workflow engine. */
  readonly noted: <Value>(call: Promise<Value>) => Promise<Value>;
}

/** Errors: `invalid-setting`. */
export async function openComposeDependencies(database: Database, { settings, workflows, searchPath, noted }: ComposeDependencyOptions): Promise<OpenComposeDependencies> {
  if (settings.pungiFile !== undefined) readPungiSettings(settings.pungiFile);
  const reads = createComposeReads(database);
  const hasTool = (name: string): boolean => findTool(name, searchPath) !== undefined;
  return {
    commands: createComposeCommands(database, { composeUrl: settings.composeUrl, secondsToLive: settings.composeSecondsToLive, maximumSecondsToLive: settings.composeMaximumSecondsToLive, timeToLiveOf: (request) => timeToLiveOf(request, settings), nameGraceSeconds: settings.composeNameGrace }),
    reads,
    names: createComposeNames(database, { composeUrl: settings.composeUrl, graceSeconds: settings.composeNameGrace }),
    nameAges: () => readNameAges(database),
    events: (id, page) => readEvents(database, id, page),
    engine: { check: (request) => checkRequest(request, { ...settings, hasTool }) },
    workflows: composeWorkflows(database, workflows, noted),
    content: await openContentStore(path.join(localBlobFolder(settings), 'content')),
    messageBacklog: () => readMessageBacklog(database),
    close: () => reads.close(),
  };
}

const deadline = 1500;

function composeWorkflows(database: Database, client: ComposeWorkflowClient, noted: ComposeDependencyOptions['noted']): ComposeWorkflows {
  const outbox = createComposeOutbox(database);
  return {
    async start(id) {
      await noted(client.start(id, { deadline }));
      await outbox.startDelivered(id);
    },
    async changed(id) {
      try {
        await noted(client.changed(id, { deadline }));
      } catch (error) {
        // A workflow that has completed, or was never started, does what the record says when it starts.
        if (!isMillraceError(error) || error.code !== 'compose-not-found') throw error;
        await noted(client.start(id, { deadline }));
      }
    },
    async attempts(id) {
      return (await noted(client.status(id, { deadline }))).attempts;
    },
  };
}

async function readEvents(database: Database, id: number, { after, limit }: { readonly after: number; readonly limit: number }): Promise<readonly RecordedComposeEvent[]> {
  const events: RecordedComposeEvent[] = [];
  for await (const { position, type, data, digest } of readStream(database, composeStreamId(id), { after, to: after + limit, pageSize: limit })) {
    events.push({ position, type, data: JSON.parse(data) as object, digest });
  }
  return events;
}
