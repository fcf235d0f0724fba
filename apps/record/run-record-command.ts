import { openDatabase, type Database } from '../../libs/database/open-database.js';
import { embeddedDatabaseUrl } from '../../libs/embedded/embedded-database-url.js';
import { errorMessage } from '../../libs/errors/error-message.js';
import { errorTable } from '../../libs/errors/error-table.js';
import { isMillraceError, MillraceError } from '../../libs/errors/millrace-error.js';
import { verifyStream } from '../../libs/event-store/verify-stream.js';
import { rebuildCacheEntries } from '../../libs/cache-record/rebuild-cache-entries.js';
import { cacheStreamPrefix, entryStreamPrefix } from '../../libs/cache/entry-stream.js';
import { composeStreamId } from '../../libs/compose/compose.js';
import { composeNameStreamId } from '../../libs/compose-names/compose-name-life.js';
import { composeNamePattern } from '../../libs/compose-names/compose-names.js';
import { rebuildComposeNames } from '../../libs/compose-names/rebuild-compose-names.js';
import { rebuildComposes } from '../../libs/compose-record/rebuild-composes.js';
import { assertSessionId } from '../../libs/session/session-id.js';
import { sessionStreamId } from '../../libs/session/session-events.js';
import { listStreamIds } from '../../libs/event-store/list-streams.js';
import { rebuildRepositories } from '../../libs/repository-record/rebuild-repositories.js';
import { repositoryNamePattern, repositoryStreamId } from '../../libs/repository/repository.js';
import { rebuildProjections } from '../../libs/session-record/rebuild-projections.js';
import type { Settings } from '../../libs/settings/settings.js';

export interface RecordCommandContext {
  readonly settings: Pick<Settings, 'home' | 'databaseUrl'>;
  readonly print: (line: string) => void;
  readonly complain: (line: string) => void;
}

const usage = `Usage: npm run record -- verify [SESSION|compose:ID|compose-name:NAME|repository:NAME|artifact-cache:INSTANCE|cache-entry:INSTANCE/KIND/DIGEST…]   recompute the digest chain of these, or of all
       npm run record -- rebuild   empty the projections and fill them again from the events
The database is MILLRACE_DATABASE_URL, or the one of the service that runs on MILLRACE_HOME.`;

/** The operator's commands on the record itself; they work while the service runs. Resolves with the exit code: 65 when a chain is broken. */
export async function runRecordCommand(parameters: readonly string[], context: RecordCommandContext): Promise<number> {
  const [command, ...rest] = parameters;
  if (command !== 'verify' && (command !== 'rebuild' || rest.length > 0)) {
    context.complain(usage);
    return errorTable['invalid-request'].exit;
  }
  try {
    const streams = rest.map(streamIdOf);
    const database = await openDatabase(databaseUrl(context.settings));
    try {
      return command === 'verify' ? await verify(database, streams, context) : await rebuild(database, context);
    } finally {
      await database.close();
    }
  } catch (error) {
    context.complain(`error: ${errorMessage(error)}`);
    if (isMillraceError(error) && error.suggestion !== undefined) context.complain(error.suggestion);
    return errorTable[isMillraceError(error) ? error.code : 'internal'].exit;
  }
}

function databaseUrl({ home, databaseUrl: given }: RecordCommandContext['settings']): string {
  const url = given ?? embeddedDatabaseUrl(home);
  if (url === undefined) throw new MillraceError('invalid-setting', `no database: MILLRACE_DATABASE_URL is not set and ${home} has none`, { suggestion: 'Set MILLRACE_DATABASE_URL, or MILLRACE_HOME to the home of a running service.' });
  return url;
}

/** What stands before the names of streams, and what names may be. */
const namedStreams: readonly (readonly [string, RegExp])[] = [
  [composeNameStreamId(''), composeNamePattern],
  [repositoryStreamId(''), repositoryNamePattern],
  [cacheStreamPrefix, /^[\w./-]{1,200}$/],
  [entryStreamPrefix, /^[\w./-]{1,200}\/[a-z]+\/[0-9a-f]{64}$/],
];

/** Ids of sessions cannot have a colon. */
function streamIdOf(name: string): string {
  if (namedStreams.some(([prefix, pattern]) => name.startsWith(prefix) && pattern.test(name.slice(prefix.length)))) return name;
  const compose = /^compose:([1-9][0-9]{0,15})$/.exec(name)?.[1];
  if (compose !== undefined) return composeStreamId(Number(compose));
  assertSessionId(name);
  return sessionStreamId(name);
}

async function verify(database: Database, named: readonly string[], context: RecordCommandContext): Promise<number> {
  const streams = named.length > 0 ? named : await listStreamIds(database);
  let broken = 0;
  for (const stream of streams) {
    const result = await verifyStream(database, stream);
    if (result.intact && result.events > 0) {
      context.print(`${stream}: intact, ${result.events} events, last ${result.lastDigest}`);
      continue;
    }
    broken += 1;
    context.print(result.intact ? `${stream}: no such record` : `${stream}: BROKEN at position ${result.position}: ${result.problem}`);
  }
  context.print(`${streams.length - broken} intact, ${broken} broken or missing`);
  return broken === 0 ? 0 : errorTable['record-corrupt'].exit;
}

async function rebuild(database: Database, context: RecordCommandContext): Promise<number> {
  const { sessions, events } = await rebuildProjections(database);
  context.print(`rebuilt the projections of ${sessions} sessions from ${events} events`);
  const rebuilt = await rebuildComposes(database);
  context.print(`rebuilt the projections of ${rebuilt.composes} composes from ${rebuilt.events} events`);
  context.print(`rebuilt the projection of ${await rebuildComposeNames(database)} names of composes`);
  const again = await rebuildRepositories(database);
  context.print(`rebuilt the projections of ${again.repositories} repositories from ${again.events} events`);
  const cached = await rebuildCacheEntries(database);
  context.print(`rebuilt the names of ${cached.entries} cache entries from ${cached.events} events`);
  return 0;
}
