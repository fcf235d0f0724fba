import { MillraceError } from '../../libs/errors/millrace-error.js';
import type { BenchBlob } from './bench-blobs.js';
import { blobMaker, numberedBlob } from './bench-blobs.js';
import type { CacheClient } from './cache-client.js';
import type { CacheSubject } from './cache-subject.js';
import { connectGrpc } from './grpc-client.js';
import { connectHttp } from './http-client.js';

/** One kind of load, the same for every cache. */
export interface CacheLoad {
  readonly name: string;
  readonly title: string;
  readonly protocol: 'grpc' | 'http';
  readonly clients: number;
  /** Connects and prepares; an operation answers how many bytes of blobs it moved. */
  open(subject: CacheSubject): Promise<{ operation(client: number): Promise<number>; close(): Promise<void> }>;
}

export interface CacheLoadOptions {
  /** Numbered blobs that the cache holds. */
  readonly blobs: number;
  readonly clients: number;
}

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;
const asked = 10_000;
/** Of those asked for, one in so many is absent. */
const absent = 10;

export function cacheLoads(options: CacheLoadOptions): readonly CacheLoad[] {
  const streams = (['grpc', 'http'] as const).flatMap((protocol) =>
    [
      { size: 4 * kibibyte, kept: 1000, shown: '4 KiB' },
      { size: 64 * mebibyte, kept: 4, shown: '64 MiB' },
    ].flatMap(({ size, kept, shown }) => [
      { ...streamed(protocol, { options, kept, make: blobMaker(size) }), name: `${protocol}-read-${shown.replace(' ', '')}`, title: `${protocol === 'grpc' ? 'ByteStream' : 'HTTP'}: read ${shown}, ${options.clients} clients` },
      { ...streamed(protocol, { options, kept: 0, make: blobMaker(size) }), name: `${protocol}-write-${shown.replace(' ', '')}`, title: `${protocol === 'grpc' ? 'ByteStream' : 'HTTP'}: write ${shown}, ${options.clients} clients` },
    ]),
  );
  return [findMissing(options, 1), findMissing(options, 8), ...streams];
}

function findMissing({ blobs }: CacheLoadOptions, clients: number): CacheLoad {
  return {
    name: `find-missing-${clients}`,
    title: `FindMissingBlobs of ${asked} digests, one in ${absent} absent, ${blobs} in the cache, ${clients} client${clients === 1 ? '' : 's'}`,
    protocol: 'grpc',
    clients,
    open(subject) {
      const connected = Array.from({ length: clients }, () => connectGrpc(subject));
      return Promise.resolve({
        async operation(client) {
          const digests = Array.from({ length: asked }, (_, index) => numberedBlob(index % absent === 0 ? blobs + index : Math.floor(Math.random() * blobs)).digest);
          const missing = await connected[client]?.findMissing(digests);
          if (missing !== asked / absent) throw new MillraceError('internal', `${missing} of ${asked / absent} absent blobs are missing in ${subject.name}`);
          return 0;
        },
        close: () => closeAll(connected),
      });
    },
  };
}

/** Reads when blobs are kept to be read, else writes. */
function streamed(protocol: 'grpc' | 'http', { options, kept, make }: { readonly options: CacheLoadOptions; readonly kept: number; readonly make: () => BenchBlob }): Pick<CacheLoad, 'protocol' | 'clients' | 'open'> {
  return {
    protocol,
    clients: options.clients,
    async open(subject) {
      const connect = (): CacheClient => (protocol === 'grpc' ? connectGrpc(subject) : connectHttp(subject.http ?? '', subject.authorization));
      const connected = Array.from({ length: options.clients }, connect);
      const blobs = Array.from({ length: kept }, make);
      for (const blob of blobs) await connected[0]?.write(blob);
      return {
        async operation(client) {
          const blob = blobs[Math.floor(Math.random() * kept)];
          const moved = blob ?? make();
          await (blob === undefined ? connected[client]?.write(moved) : connected[client]?.read(moved.digest));
          return moved.digest.sizeBytes;
        },
        close: () => closeAll(connected),
      };
    },
  };
}

async function closeAll(clients: readonly CacheClient[]): Promise<void> {
  await Promise.all(clients.map((client) => client.close()));
}
