import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readPackageParagraph } from '../../libs/deb/package-paragraph.js';
import { debFormat } from '../../libs/repository-formats/deb/deb-format.js';
import { openSpecKeys, repositorySettings, specRepository } from '../../libs/repository-formats/deb/__fixtures__/deb-repository.js';
import type { WrittenIndex } from '../../libs/repository-formats/package-format.js';
import type { ListedPackage } from '../../libs/repository/listed-package.js';

/** `node dist/bench/deb/measure-deb-repository.js`: one package into apt repositories of several sizes, for one architecture. */
interface DebMeasurement {
  readonly packages: number;
  /** Milliseconds to write the index without a cache. */
  readonly first: number;
  /** Milliseconds of each round that adds one package. */
  readonly addOne: readonly number[];
  /** Packages whose metadata a round asked for, at most. */
  readonly asked: number;
  /** Of the files that a round changes. */
  readonly bytesUploaded: number;
  readonly bytesOpen: number;
  /** Resident set of the process before the first index and at its peak, MiB; the packages are made up as they are listed. */
  readonly memory: readonly [number, number];
}

const settings = repositorySettings({ architectures: ['amd64'], components: ['main'] });

function sha256Of(index: number): string {
  return createHash('sha256').update(String(index)).digest('hex');
}

function nameOf(index: number): string {
  return `package-${String(index).padStart(7, '0')}`;
}

function listed(index: number): ListedPackage {
  const name = nameOf(index);
  const version = `1.${index % 23}-${1 + (index % 3)}`;
  const key = `${name}_${version}_amd64.deb`;
  return { key, name, version, architecture: 'amd64', component: 'main', sha256: sha256Of(index), size: 10_000 + index, path: `pool/main/p/${name}/${key}`, addedAt: '2024-01-01T00:00:00Z' };
}

/** Some 800 bytes, as those of Debian have. */
function paragraph(index: number): Buffer {
  const { name, version } = listed(index);
  const digest = sha256Of(index);
  const needs = [index % 7, Math.floor(index / 2), Math.floor(index / 3)].map((other) => `${nameOf(other)} (>= 1.0)`);
  return Buffer.from(
    `Package: ${name}\nVersion: ${version}\nArchitecture: amd64\nMaintainer: Build Farm <farm@farm.example>\nInstalled-Size: ${index}\nDepends: libc6 (>= 2.36), ${needs.join(', ')}\nSection: libs\nPriority: optional\nHomepage: https://projects.example/${name}\n` +
      `Description: package number ${index} of a measurement\n What ${name} does in ${digest} words.\n${Array.from({ length: 4 }, (_, line) => ` ${digest.slice(line * 8)} is some of them, and ${digest.slice(0, line * 12)} others.`).join('\n')}\n`,
  );
}

async function measure(count: number, rounds: number, directory: string): Promise<DebMeasurement> {
  const { keys } = await openSpecKeys(directory);
  const byDigest = new Map(Array.from({ length: count + rounds }, (_, index) => [sha256Of(index), index]));
  let asked = 0;
  async function write(packages: number, state: number): Promise<{ readonly written: WrittenIndex; readonly milliseconds: number }> {
    const workDirectory = path.join(directory, `work-${state}`);
    mkdirSync(workDirectory);
    asked = 0;
    const start = performance.now();
    const written = await debFormat.writeIndex({
      repository: specRepository(settings),
      state,
      at: '2024-01-01T00:00:00Z',
      // The added ones somewhere in between, as names are.
      async *packages() {
        for (let index = 0; index < count; index += 1) {
          yield listed(index);
          if (index === count >> 1) for (let added = count; added < packages; added += 1) yield listed(added);
        }
        await Promise.resolve();
      },
      metadata(digests) {
        asked += digests.length;
        return Promise.resolve(new Map(digests.map((digest) => [digest, paragraph(byDigest.get(digest) ?? 0)])));
      },
      keys,
      workDirectory,
      cacheDirectory: path.join(directory, 'cache'),
    });
    return { written, milliseconds: Math.round(performance.now() - start) };
  }

  const before = rss();
  let peak = before;
  const watch = setInterval(() => void (peak = Math.max(peak, rss())), 10);
  const first = await write(count, 1);
  const addOne: number[] = [];
  let last = first;
  let changed = 0;
  for (let round = 1; round <= rounds; round += 1) {
    const next = await write(count + round, round + 1);
    const known = new Set(last.written.immutable.map(({ path: name }) => name));
    changed = [...next.written.immutable.filter(({ path: name }) => !known.has(name)), ...next.written.switched].reduce((sum, { size }) => sum + size, 0);
    addOne.push(next.milliseconds);
    last = next;
  }
  clearInterval(watch);
  const bytesOpen = Number(/ (\d+) main\/binary-amd64\/Packages$/m.exec(last.written.switched.map(({ content }) => (Buffer.isBuffer(content) ? content.toString() : '')).join('\n'))?.[1]);
  return { packages: count, first: first.milliseconds, addOne, asked, bytesUploaded: changed, bytesOpen, memory: [before, peak] };
}

function rss(): number {
  return Math.round(process.memoryUsage.rss() / 1024 / 1024);
}

readPackageParagraph(paragraph(1)); // what is measured is what would be listed
for (const count of process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1_000, 10_000, 100_000]) {
  const directory = mkdtempSync(path.join(tmpdir(), 'millrace-measure-deb-'));
  try {
    console.log(JSON.stringify(await measure(count, 5, directory)));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
