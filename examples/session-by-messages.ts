import { createHash, randomBytes, randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { endSessionUpdate, revokeTokenUpdate, sessionStatusQuery, sessionTaskQueue, sessionWorkflowId, sessionWorkflowType } from '../workflows/session/session-messages.js';
import type { EndedSession, RevokedSession, SessionInput, SessionStatus } from '../workflows/session/session-messages.js';

/** What a build manager needs to know. */
export interface Farm {
  readonly client: Client;
  /** `host:port` of the recording proxy as the build sees it. */
  readonly proxy: string;
  readonly taskQueue?: string;
}

export interface DrivenBuild {
  readonly revoked: RevokedSession;
  readonly ended: EndedSession;
  /** As it was after the build and before the end. */
  readonly status: SessionStatus;
}

/** Runs one build inside a session, by workflow messages alone. `build` gets the proxy's URL, which holds the token: do not log it. */
export async function runInSession(farm: Farm, build: (proxyUrl: string) => Promise<void>): Promise<DrivenBuild> {
  const sessionId = randomBytes(16).toString('hex');
  const token = makeToken();
  const input: SessionInput = {
    sessionId,
    policy: 'strict',
    owner: 'example build manager',
    // Only the digest goes to Temporal; the token stays between this program and the build.
    tokenSha256: createHash('sha256').update(token).digest('hex'),
    timeoutSeconds: 3600,
    retain: true,
  };
  const handle = await farm.client.workflow.start(sessionWorkflowType, { workflowId: sessionWorkflowId(sessionId), taskQueue: farm.taskQueue ?? sessionTaskQueue, args: [input] });
  await untilOpen(() => handle.query(sessionStatusQuery), () => handle.result());
  const by = { args: [{ by: input.owner }] as [{ by: string }] };
  try {
    await build(`http://${sessionId}:${token}@${farm.proxy}`);
  } catch (error) {
    // A build that failed must not go on downloading either.
    await handle.executeUpdate(endSessionUpdate, by);
    throw error;
  }
  // After this answer nothing of the build goes upstream any more.
  const revoked = await handle.executeUpdate(revokeTokenUpdate, by);
  const status = await handle.query(sessionStatusQuery);
  const ended = await handle.executeUpdate(endSessionUpdate, by);
  return { revoked, ended, status };
}

/** 32 characters of [A-Za-z0-9]: some 190 bits. */
function makeToken(): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
  return Array.from({ length: 32 }, () => alphabet[randomInt(alphabet.length)]).join('');
}

/** The proxy lets nothing through before the session is open; a session that cannot be opened fails its workflow, and that is thrown here. */
async function untilOpen(status: () => Promise<SessionStatus>, result: () => Promise<unknown>): Promise<void> {
  let failed: unknown;
  void result().catch((error: unknown) => {
    failed = error ?? new Error('the session could not be opened');
  });
  while ((await status()).state === 'opening') {
    if (failed !== undefined) throw failed as Error;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  if (failed !== undefined) throw failed as Error;
}

async function main(): Promise<void> {
  const { MILLRACE_TEMPORAL_ADDRESS: address = '127.0.0.1:7233', MILLRACE_TEMPORAL_NAMESPACE: namespace = 'default', MILLRACE_PROXY = '127.0.0.1:9988' } = process.env;
  const connection = await Connection.connect({ address });
  try {
    const farm: Farm = { client: new Client({ connection, namespace }), proxy: MILLRACE_PROXY };
    const { status, ended } = await runInSession(farm, async (proxyUrl) => {
      console.log(`The build would run now, with http_proxy and https_proxy set to the proxy at ${new URL(proxyUrl).host}.`);
    });
    console.log(JSON.stringify({ ...status, ended }, null, 2));
  } finally {
    await connection.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
