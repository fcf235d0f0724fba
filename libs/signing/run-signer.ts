import { spawn } from 'node:child_process';
import { MillraceError } from '../errors/millrace-error.js';
import { errorMessage } from '../errors/error-message.js';
import { endProcessGroup } from '../service/end-process-group.js';

export interface SignerRun {
  /** Of the key, for messages. */
  readonly name: string;
  readonly command: readonly string[];
  /** All of it: nothing of this process's own environment is added. */
  readonly environment: Readonly<Record<string, string>>;
  readonly input: Buffer;
  readonly limits: { readonly milliseconds: number; readonly outputBytes: number };
  readonly signal: AbortSignal;
}

/** Runs a program in a process group of its own, which ends with it, gives it bytes and takes what it answers. Errors: `signing-unavailable`; the signal's reason. */
export async function runSigner({ name, command, environment, input, limits, signal }: SignerRun): Promise<Buffer> {
  signal.throwIfAborted();
  const [program = '', ...parameters] = command;
  const child = spawn(program, parameters, { env: environment, stdio: ['pipe', 'pipe', 'pipe'], detached: true, cwd: '/' });
  const late = AbortSignal.timeout(limits.milliseconds);
  const stop = AbortSignal.any([signal, late]);
  const end = (): void => endProcessGroup(child.pid);
  stop.addEventListener('abort', end, { once: true });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code));
  });
  // Who waits for it comes later.
  ended.catch(() => undefined);
  // A program that does not read to the end has its reasons; its answer or its status tell them.
  child.stdin.on('error', () => undefined).end(input);
  let complaint = '';
  child.stderr.on('error', () => undefined).on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString('utf8')).slice(-2000)));
  try {
    const output = await readOutput(child.stdout as AsyncIterable<Buffer>, { name, limit: limits.outputBytes });
    const status = await ended;
    if (status !== 0) throw unavailable(name, `ended with status ${status ?? 'of a signal'}${said(complaint)}`);
    return output;
  } catch (error) {
    signal.throwIfAborted();
    if (late.aborted) throw unavailable(name, `has not answered within ${limits.milliseconds / 1000} s`);
    if (error instanceof MillraceError) throw error;
    throw unavailable(name, `could not be run: ${errorMessage(error).slice(0, 200)}`);
  } finally {
    stop.removeEventListener('abort', end);
    end();
    child.stdout.destroy();
    child.stderr.destroy();
  }
}

async function readOutput(stream: AsyncIterable<Buffer>, { name, limit }: { readonly name: string; readonly limit: number }): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > limit) throw unavailable(name, `answers more than ${limit} bytes, which is no signature`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function unavailable(name: string, what: string): MillraceError {
  return new MillraceError('signing-unavailable', `the signer of the key ${name} ${what}`, { suggestion: 'Nothing was published with it. Look after the program of this key; what waits is signed once it answers.' });
}

/** The end of what it complained about, on one line. */
function said(complaint: string): string {
  const lines = complaint.split(/[\r\n]+/).map((line) => line.replace(/[\0-\x1f\x7f]/g, ' ').trim().slice(0, 300)).filter((line) => line !== '');
  return lines.length === 0 ? '' : `: ${lines.slice(-2).join('; ')}`;
}
