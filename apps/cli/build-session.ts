import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Environment } from '../../libs/settings/settings.js';
import type { ControlClient } from './control-client.js';
import { prepareEnvironment } from './prepare-environment.js';
import { summariseReport } from './report-summary.js';
import type { ReportSummary } from './report-summary.js';
import { createSession, endSession, readAuthority, readDownloads, readReport, revokeSession } from './session-api.js';
import type { CreatedSession, Download, NewSession } from './session-api.js';

/** An open session with everything that a build needs on this machine. */
export interface BuildSession {
  readonly created: CreatedSession;
  /** The caller's environment with the proxy and the authority set for every tool. Holds the token: for the build only. */
  readonly environment: Environment;
  /** Private directory (mode 0700) with the files that `environment` names; `closeBuildSession` removes it. */
  readonly directory: string;
}

/** What a session took in, read after its token was revoked: it does not change any more. */
export interface SessionRecord {
  readonly summary: ReportSummary;
  /** Requests that never went upstream. */
  readonly refused: readonly Download[];
  /** Requests whose response did not arrive whole. */
  readonly failed: readonly Download[];
  /** The report as the service answered it. */
  readonly report: string;
}

/** Opens a session and prepares its environment; when the second fails, the session is ended again. */
export async function openBuildSession(client: ControlClient, session: NewSession, base: Environment): Promise<BuildSession> {
  const created = await createSession(client, session);
  const directory = await mkdtemp(path.join(tmpdir(), 'millrace-'));
  try {
    const environment = await prepareEnvironment({
      base: withoutControlCredentials(base),
      directory,
      proxyUrl: created.proxyUrl,
      authority: await readAuthority(client),
    });
    return { created, environment, directory };
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    await endSession(client, created.id).catch(() => undefined); // the first error tells more; the session expires by itself
    throw error;
  }
}

const controlCredentials: ReadonlySet<string> = new Set([
  'MILLRACE_CONTROL_AUTH',
  'MILLRACE_CONTROL_AUTH_FILE',
  'FETCH_SERVICE_AUTH',
  'MILLRACE_TOKEN',
  'MILLRACE_SESSION_TOKEN',
]);

/** A build is hostile: it gets the token of its own session and nothing that opens or reads others. */
function withoutControlCredentials(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !controlCredentials.has(name)));
}

/** Revokes the token, removes the files with it, and reads what the session took in. The session itself stays. */
export async function closeBuildSession(client: ControlClient, session: BuildSession): Promise<SessionRecord> {
  await rm(session.directory, { recursive: true, force: true });
  const { id } = session.created;
  await revokeSession(client, id);
  return readSessionRecord(client, id);
}

async function readSessionRecord(client: ControlClient, id: string): Promise<SessionRecord> {
  const report = await readReport(client, id);
  const exchanges = await readDownloads(client, id);
  return {
    summary: summariseReport(report),
    refused: exchanges.filter((exchange) => exchange.kind === 'refused'),
    failed: exchanges.filter((exchange) => exchange.kind === 'failed'),
    report,
  };
}
