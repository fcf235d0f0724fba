import type { Readable } from 'node:stream';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import type { ObjectStore } from '../object-storage/object-store.js';
import { isMissingFile } from '../repository-source/download.js';
import type { HttpClient } from '../repository-source/http-client.js';
import { createLocalReader } from '../repository-source/local-files.js';
import { createReadSource, readDocument } from '../repository-source/read-source.js';
import { locationText, parseRepository, type SourceLocation } from '../repository-source/source-location.js';
import type { SourceLimits } from '../repository-source/source-limits.js';
import type { RepositoryPlace, RepositoryStores } from '../repository-stores/repository-stores.js';
import type { ExistingPlace } from './existing-repository.js';

export interface ExistingPlacesOptions {
  /** With the guard of destinations: see `createSourceClient`. */
  readonly client: HttpClient;
  /** Absolute paths below which directories may be read. */
  readonly sourcePaths: readonly string[];
  readonly stores: Pick<RepositoryStores, 'open'>;
  readonly limits: SourceLimits;
}

/** Opens what an upstream's URL names: see `UpstreamSettings`. Errors: `source-invalid`, `invalid-request` (no such store). */
export type OpenExistingPlace = (url: string) => ExistingPlace;

export function createExistingPlaces({ client, sourcePaths, stores, limits }: ExistingPlacesOptions): OpenExistingPlace {
  const read = createReadSource({ client, readLocal: createLocalReader(sourcePaths), limits });
  return (url) => {
    const inStore = storePlace(url);
    if (inStore !== undefined) return placeOfStore(url, stores.open(inStore));
    const base = parseRepository(url);
    return {
      name: locationText(base),
      async document(path, options) {
        try {
          return await readDocument(read, below(base, path), options, limits);
        } catch (error) {
          if (isMissingFile(error)) return undefined;
          throw error;
        }
      },
      open: (path, options) => read(below(base, path), options),
    };
  };
}

/** `store:<name>/<folder>`; undefined: it is none. */
export function storePlace(url: string): RepositoryPlace | undefined {
  const match = /^store:([^/]+)(?:\/(.*))?$/.exec(url);
  return match === null ? undefined : { store: match[1] as string, folder: (match[2] ?? '').replace(/\/+$/, '') };
}

function placeOfStore(name: string, store: ObjectStore): ExistingPlace {
  async function* open(path: string, { limit, size, signal, onProgress }: Parameters<ExistingPlace['open']>[1]): AsyncGenerator<Buffer, void> {
    const body = await store.get(plain(path), { signal });
    if (body.size > limit || (size !== undefined && body.size !== size)) throw otherSize(body.content, `${name}: ${path} has ${body.size} bytes`, size ?? limit);
    for await (const chunk of body.content as AsyncIterable<Buffer>) {
      onProgress?.();
      yield chunk;
    }
  }
  return {
    name,
    async document(path, options) {
      const parts: Buffer[] = [];
      try {
        for await (const part of open(path, options)) parts.push(part);
      } catch (error) {
        if (isMillraceError(error) && error.code === 'blob-not-found') return undefined;
        throw error;
      }
      return Buffer.concat(parts);
    },
    async *open(path, options) {
      try {
        yield* open(path, options);
      } catch (error) {
        if (isMillraceError(error) && error.code === 'blob-not-found') throw new MillraceError('source-invalid', `${name}: ${path} does not exist`, { cause: error });
        throw error;
      }
    },
  };
}

function otherSize(content: Readable, what: string, expected: number): MillraceError {
  content.on('error', () => undefined).destroy();
  return new MillraceError('source-changed', `${what}, where ${expected} are the most that it may have, or those that the index declares`);
}

/** As names of files, not as text of URLs: a pool has files with `%3a` in their names. */
function below(base: SourceLocation, path: string): SourceLocation {
  const segments = plain(path).split('/');
  if (base.kind === 'path') return { kind: 'path', path: `${base.path}/${segments.join('/')}` };
  return { kind: 'http', url: new URL(`${base.url.href.replace(/\/+$/, '')}/${segments.map(encodeURIComponent).join('/')}`) };
}

function plain(path: string): string {
  const sound = path.length <= 1024 && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && Buffer.byteLength(part) <= 255 && /^[^\0-\x1f\x7f\\]+$/.test(part));
  if (!sound) throw new MillraceError('source-invalid', `the index names the file ${JSON.stringify(path.slice(0, 200))}, which is no plain path below the repository`);
  return path;
}
