import { randomUUID } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { isMillraceError } from '../../errors/millrace-error.js';
import type { FuzzTarget } from '../../testing/fuzz-target.js';
import { sampleFilelists, samplePrimary } from '../__fixtures__/written-repository.js';
import { findOwners } from '../file-owners.js';
import { parsePackages } from '../parse-packages.js';
import { locationText, parseLocation, parseRepository, resolveHref } from '../source-location.js';
import { sourceLimits } from '../source-limits.js';
import { unpackMetadata } from '../unpack-metadata.js';

const { signal } = new AbortController();
const repository = parseRepository('https://mirror.test/os');
const limits = { ...sourceLimits, primaryBytes: 64 * 1024 ** 2 };
const file = { type: 'primary', href: 'x', checksum: { algorithm: 'sha256' as const, hex: '' } };

/** As `load` reads a file whose digest holds: unpacked, parsed, every place resolved. */
async function withFile(input: Buffer, read: (chunks: AsyncIterable<Buffer>) => Promise<void>): Promise<void> {
  const name = path.join(tmpdir(), `millrace-fuzz-${randomUUID()}`);
  writeFileSync(name, input);
  try {
    await read(unpackMetadata(name, file, { signal, unpackedBytes: limits.primaryBytes, limits }));
  } finally {
    rmSync(name);
  }
}

const primary: FuzzTarget = {
  name: 'source.primary',
  seeds: () => [Buffer.from(samplePrimary()), gzipSync(samplePrimary()), zstdCompressSync(samplePrimary())],
  run: (input) =>
    withFile(input, async (chunks) => {
      for (const { href, base } of await parsePackages(chunks, { signal, limits })) {
        const found = locationText(resolveHref(repository, href, base));
        if (base === undefined && !found.startsWith('https://mirror.test/os/')) throw new Error(`${JSON.stringify(href)} leads to ${found}`);
      }
    }),
};

const filelists: FuzzTarget = {
  name: 'source.filelists',
  seeds: () => [Buffer.from(sampleFilelists()), gzipSync(sampleFilelists())],
  run: (input) => withFile(input, async (chunks) => void (await findOwners(chunks, [], new Set(['/usr/share/millrace']), { signal }))),
};

function readAgain(text: string): string | undefined {
  try {
    return locationText(parseLocation(text));
  } catch {
    return undefined;
  }
}

const locations: FuzzTarget = {
  name: 'source.location',
  seeds: () => ['https://mirror.test:8443/f/os/', 'file:///srv/os', '/srv/os', 'Packages/a/a%2B-1.0~rc1-1.x86_64.rpm', '..%2f', 'http://[::ffff:127.0.0.1]/'].map((text) => Buffer.from(text)),
  async run(input) {
    const text = input.toString('latin1');
    // Idempotent: what was checked and written down is read as the same place again.
    const readings = [() => parseLocation(text), () => parseRepository(text), () => resolveHref(repository, text), () => resolveHref(repository, 'a', text)];
    for (const outcome of await Promise.allSettled(readings.map(async (reading) => locationText(reading())))) {
      if (outcome.status === 'fulfilled' && readAgain(outcome.value) !== outcome.value) throw new Error(`${outcome.value} is another place when it is read again`);
      if (outcome.status === 'rejected' && !isMillraceError(outcome.reason)) throw outcome.reason;
    }
  },
};

export const targets = [primary, filelists, locations];
