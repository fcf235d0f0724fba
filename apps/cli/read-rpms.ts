import { errorMessage } from '../../libs/errors/error-message.js';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import type { ComposeView } from './compose-api.js';

/** Bytes; 10,000 packages have some 3 MB. */
const sizeLimit = 256 * 1024 * 1024;
/** Milliseconds. */
const timeout = 60_000;

/** `rpms.json` of a compose, from its public files. Errors: `compose-closed`, `service-unavailable`, `invalid-request`. */
export async function readRpms({ id, state_name, toplevel_url }: ComposeView): Promise<unknown> {
  if (state_name !== 'done') throw new MillraceError('compose-closed', `compose ${id} is ${state_name}: only composes that are done can be compared`);
  if (toplevel_url === '') throw new MillraceError('invalid-request', `compose ${id} has no public address: it is in a target directory of its own`);
  const url = `${toplevel_url}/compose/metadata/rpms.json`;
  const text = await fetchText(url);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new MillraceError('invalid-request', `${url} is not JSON`, { cause });
  }
}

async function fetchText(url: string): Promise<string> {
  try {
    const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(timeout) });
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > sizeLimit) throw new Error(`more than ${sizeLimit} bytes`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  } catch (cause) {
    throw new MillraceError('service-unavailable', `cannot read ${url}: ${errorMessage(cause)}`, { cause });
  }
}
