import { setTimeout as sleep } from 'node:timers/promises';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import { download, type DownloadOptions } from './download.js';
import type { HttpClient } from './http-client.js';
import type { ReadLocalFile } from './local-files.js';
import { locationText, type SourceLocation } from './source-location.js';
import type { SourceLimits } from './source-limits.js';

/** The bytes of a file, wherever it is. */
export type ReadSource = (location: SourceLocation, options: DownloadOptions) => AsyncGenerator<Buffer, void>;

export function createReadSource({ client, readLocal, limits }: { readonly client: HttpClient; readonly readLocal: ReadLocalFile; readonly limits: SourceLimits }): ReadSource {
  return (location, options) => (location.kind === 'http' ? download(client, location.url, options, limits) : readLocal(location.path, options));
}

/** A small document that no digest is known of. A transfer that breaks off begins anew. Errors: those of `download`; `source-unavailable` after `documentTime`. */
export async function readDocument(read: ReadSource, location: SourceLocation, options: Omit<DownloadOptions, 'unchecked'>, limits: SourceLimits): Promise<Buffer> {
  const late = AbortSignal.timeout(limits.documentTime);
  try {
    return await readWhole(read, location, { ...options, signal: AbortSignal.any([options.signal, late]) }, limits);
  } catch (error) {
    if (options.signal.aborted || !late.aborted) throw error;
    throw new MillraceError('source-unavailable', `${locationText(location)} was not here as a whole after ${limits.documentTime / 1000} s: its server is too slow`, { cause: error });
  }
}

async function readWhole(read: ReadSource, location: SourceLocation, options: Omit<DownloadOptions, 'unchecked'>, limits: SourceLimits): Promise<Buffer> {
  for (let attempt = 1; ; attempt += 1) {
    const parts: Buffer[] = [];
    try {
      for await (const part of read(location, { ...options, unchecked: true })) parts.push(part);
      return Buffer.concat(parts);
    } catch (error) {
      // Without a byte, the reader itself has tried again.
      if (!isMillraceError(error) || error.code !== 'source-unavailable' || parts.length === 0 || attempt === limits.attempts) throw error;
    }
    await sleep(limits.retryDelay * 2 ** (attempt - 1), undefined, { signal: options.signal });
  }
}
