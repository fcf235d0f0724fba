import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createNamedLocks } from '../../libs/database/advisory-locks.js';
import { openDatabase } from '../../libs/database/open-database.js';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import { createRepositoryEngine } from '../../libs/repository-engine/create-repository-engine.js';
import type { RepositoryEngine } from '../../libs/repository-engine/repository-engine.js';
import { debFormat } from '../../libs/repository-formats/deb/deb-format.js';
import { haikuFormat } from '../../libs/repository-formats/haiku/haiku-format.js';
import type { PackageFormat } from '../../libs/repository-formats/package-format.js';
import { rpmFormat } from '../../libs/repository-formats/rpm/rpm-format.js';
import { createRepositoryCommands } from '../../libs/repository-record/create-repository-commands.js';
import { createRepositoryReads } from '../../libs/repository-record/create-repository-reads.js';
import type { RepositoryCommands, RepositoryReads } from '../../libs/repository-record/repository-record.js';
import { openRepositoryStores } from '../../libs/repository-stores/open-repository-stores.js';
import { parseRepositorySettings } from '../../libs/repository/repository-settings.js';
import { openSigningKeys } from '../../libs/signing/open-signing-keys.js';
import { s3Credentials, startS3Server } from '../../libs/testing/start-s3-server.js';
import { createTestDatabase } from '../../libs/testing/test-database.js';
import { startTestServers } from '../../tests/test-servers.js';
import { spreadOf } from '../measure/spread.js';
import { makePackages } from '../repository/make-packages.js';

export interface PublishersBenchOptions {
  readonly publishers: number;
  /** Packages that each of them publishes, one after the other. */
  readonly each: number;
  /** Bytes of each payload. */
  readonly payload: number;
}

interface Parts {
  readonly engine: RepositoryEngine;
  readonly commands: RepositoryCommands;
  readonly reads: RepositoryReads;
}

const name = 'bench';
const by = 'bench';

/** `npm run bench -- publishers`: several publishers into one signed repository of rpm-md in a bucket, one package a change: from the first byte sent to the state that clients see. */
export async function benchPublishers(options: PublishersBenchOptions, signal: AbortSignal): Promise<void> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-bench-'));
  const ends: (() => Promise<unknown>)[] = [];
  try {
    const files = makePackages(path.join(folder, 'packages'), { count: options.publishers * options.each, payloadBytes: options.payload }).map(({ href }) => path.join(folder, 'packages', href));
    const parts = await openParts(folder, ends, signal);
    process.stdout.write(`${await measure(parts, files, { options, signal })}\n`);
  } finally {
    for (const end of ends.reverse()) await end();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a worker has, without the workflow engine. */
async function openParts(folder: string, ends: (() => Promise<unknown>)[], signal: AbortSignal): Promise<Parts> {
  if (process.env['MILLRACE_TEST_DATABASE_URL'] === undefined || process.env['MILLRACE_TEST_S3'] === undefined) {
    const servers = await startTestServers({ home: path.join(folder, 'servers'), onProgress: (message) => void process.stderr.write(`${message}\n`), signal });
    ends.push(() => servers.stop());
    Object.assign(process.env, servers.environment);
  }
  const server = await startS3Server(path.join(folder, 's3'));
  ends.push(() => server.kill());
  server.makeBucket(name);
  const made = await createTestDatabase();
  ends.push(() => made.drop());
  const database = await openDatabase(made.url);
  ends.push(() => database.close());
  const stores = await openRepositoryStores({ repositories: `s3://${name}?endpoint=${server.endpoint}`, repositoryStoresFile: undefined }, Object.assign(process.env, s3Credentials));
  ends.push(async () => stores.close());
  const keys = await openSigningKeys({ home: path.join(folder, 'home'), repositoryKeysFile: undefined }, {});
  ends.push(() => keys.close());
  const formats = { haiku: haikuFormat, rpm: rpmFormat, deb: debFormat };
  const reads = createRepositoryReads(database);
  const commands = createRepositoryCommands(database, { repositoryUrl: 'https://packages.example', compareVersions: { haiku: newer(haikuFormat), rpm: newer(rpmFormat), deb: newer(debFormat) } });
  const engine = createRepositoryEngine({
    stores,
    commands,
    reads,
    formats,
    keys,
    sources: { open: () => Promise.reject(new MillraceError('blob-not-found', 'nothing is taken from elsewhere here')) },
    locks: createNamedLocks(made.url),
    workRoot: path.join(folder, 'work'),
    packageBytes: 1024 ** 3,
  });
  await commands.create({ name, kind: 'rpm', place: { store: 'default', folder: '' }, settings: parseRepositorySettings('rpm', { keys: ['default'] }) }, by);
  return { engine, commands, reads };
}

function newer(format: PackageFormat): PackageFormat['compareVersions'] {
  return (one, other) => format.compareVersions(one, other);
}

async function measure(parts: Parts, files: readonly string[], { options: { publishers, each, payload }, signal }: { readonly options: PublishersBenchOptions; readonly signal: AbortSignal }): Promise<string> {
  const start = performance.now();
  const latencies: number[] = [];
  let open = publishers;
  const publisher = async (index: number): Promise<void> => {
    for (const file of files.slice(index * each, (index + 1) * each)) latencies.push(await publishOne(parts, file, signal));
    open -= 1;
  };
  await Promise.all([makeStates(parts, () => open > 0, signal), ...Array.from({ length: publishers }, (_, index) => publisher(index))]);
  const seconds = (performance.now() - start) / 1000;
  const states = await parts.reads.states(name, { limit: 10_000 });
  const index = states.reduce((sum, state) => sum + state.index.reduce((bytes, { size }) => bytes + size, 0), 0);
  const spread = spreadOf(latencies);
  const [processor] = os.cpus();
  return [
    `${os.cpus().length} × ${processor?.model.trim() ?? 'unknown processor'}, Node ${process.version}; load average at the end ${(os.loadavg()[0] ?? 0).toFixed(1)}`,
    `${publishers} publishers, ${each} packages each with payloads of ${payload} bytes, one a change, into a bucket, signed; PostgreSQL and S3 server on the same machine`,
    `${(files.length / seconds).toFixed(1)} packages a second in ${states.length} states; from the first byte sent to seen by clients: median ${spread?.median.toFixed(0)} ms, at most ${spread?.most.toFixed(0)} ms`,
    `${(index / files.length / 1e3).toFixed(0)} kB of index for each package; at most ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB resident, with everything in one process`,
  ].join('\n');
}

/** Milliseconds until clients see it. */
async function publishOne({ engine, commands, reads }: Parts, file: string, signal: AbortSignal): Promise<number> {
  const [start, id, upload] = [performance.now(), randomUUID(), randomUUID()];
  await engine.receive(name, chunksOf(readFileSync(file)), { id: upload, fileName: path.basename(file), by, signal });
  await commands.requestChange({ id, repository: name, request: { kind: 'publish', uploads: [upload], contents: [], origin: {} }, by, force: false });
  for (;;) {
    const { endedAt, problem } = await reads.change(id);
    if (problem !== null) throw new MillraceError('internal', `publishing failed: ${problem.message}`);
    if (endedAt !== null) return performance.now() - start;
    await pause(20, undefined, { signal });
  }
}

async function* chunksOf(bytes: Buffer): AsyncGenerator<Buffer, void> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

/** The steps of the workflow, one after the other. */
async function makeStates({ engine, commands, reads }: Parts, goOn: () => boolean, signal: AbortSignal): Promise<void> {
  while (goOn()) {
    const waiting = await reads.waiting(name, 1000);
    await Promise.all(waiting.map((change) => engine.inspect(change, { signal })));
    const planned = await commands.plan(name, { changes: 200 });
    if (planned === undefined) {
      await pause(10, undefined, { signal });
      continue;
    }
    await engine.place(planned, { signal });
    const index = await engine.prepareIndex(planned, { signal });
    await engine.switchIndex(planned, index, { signal });
    await commands.published(planned, index);
    await engine.tidy(name, { signal });
  }
}
