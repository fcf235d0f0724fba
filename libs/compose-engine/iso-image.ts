import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { MillraceError } from '../errors/millrace-error.js';

export interface IsoImageOptions {
  /** Absolute path of `xorriso`. */
  readonly tool: string;
  /** Whose contents become the image's root. */
  readonly directory: string;
  /** Absolute path; must not be there yet. */
  readonly file: string;
  /** At most 32 characters. */
  readonly volumeId: string;
  /** Seconds since 1970, in place of every time. */
  readonly time: number;
  readonly signal: AbortSignal;
  readonly onChild: (child: ChildProcess) => void;
  readonly onBytes: (bytes: number) => void;
}

/** Absolute path of an executable; undefined when none of the directories has it. `searchPath` as in PATH; an absolute name stands for itself. */
export function findTool(name: string, searchPath: string | undefined): string | undefined {
  if (path.isAbsolute(name)) return isExecutable(name) ? name : undefined;
  const places = (searchPath ?? '').split(path.delimiter).filter((place) => path.isAbsolute(place));
  return places.map((place) => path.join(place, name)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/**
 * Writes an ISO 9660 image with Rock Ridge and Joliet names. Equal trees give equal bytes. The tool writes into a pipe: so it ends when this process or
 * thread does, a full disk is told from other failures, and the digest needs no second reading. Errors: `storage-full` (by its system code), `internal`.
 */
export async function writeIsoImage(options: IsoImageOptions): Promise<{ readonly size: number; readonly sha256: string }> {
  const child = spawn(options.tool, isoArguments(options), { stdio: ['ignore', 'pipe', 'pipe'], env: { SOURCE_DATE_EPOCH: `${options.time}`, LC_ALL: 'C' }, signal: options.signal, killSignal: 'SIGKILL' });
  options.onChild(child);
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(code === 0 ? '' : `it ended with ${signal ?? code}`));
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-4000)));
  const hash = createHash('sha256');
  let size = 0;
  const handle = await open(options.file, 'wx', 0o644);
  try {
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      hash.update(chunk);
      await writeAll(handle, chunk);
      size += chunk.length;
      options.onBytes(size);
    }
  } finally {
    await handle.close();
    child.kill('SIGKILL');
  }
  const failure = await ended;
  options.signal.throwIfAborted();
  if (failure !== '') throw new MillraceError('internal', `xorriso could not make the image: ${failure}: ${said.trim().split('\n').slice(-3).join('; ')}`);
  return { size, sha256: hash.digest('hex') };
}

async function writeAll(handle: Awaited<ReturnType<typeof open>>, chunk: Buffer): Promise<void> {
  for (let written = 0; written < chunk.length; ) written += (await handle.write(chunk, written)).bytesWritten;
}

function isoArguments({ directory, volumeId, time }: IsoImageOptions): string[] {
  const date = `${new Date(time * 1000).toISOString().slice(0, 19).replace(/\D/g, '')}00`;
  const dates = ['--set_all_file_dates', date, `--modification-date=${date}`];
  // Level 3: files of 4 GiB and more. Rationalised Rock Ridge: no owner, and readable by all.
  return ['-as', 'mkisofs', '-quiet', '-V', volumeId, '-iso-level', '3', '-r', '-J', '-joliet-long', ...dates, `${directory}/`];
}
