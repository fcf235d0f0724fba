import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { madeInfo, type MadePackage } from '../../libs/testing/haiku/make-haiku-package.js';
import { indexJob, haikuRepository, listedAs, type Knowledge } from '../../libs/repository-formats/haiku/__fixtures__/haiku-job.js';
import { chooseForBuilder } from '../../libs/repository-formats/haiku/choose-build-packages.js';
import { haikuFormat } from '../../libs/repository-formats/haiku/haiku-format.js';
import { inspected } from '../../libs/repository-formats/haiku/inspect-package.js';

/** What one more package costs in a repository of so many. `node dist/bench/haiku/measure-haiku-index.js [packages…]` */
interface IndexMeasurement {
  readonly packages: number;
  /** Bytes of `repo`. */
  readonly repo: number;
  /** Milliseconds: without anything kept, and of each round with what the one before has kept. */
  readonly first: number;
  readonly oneMore: readonly number[];
  /** Metadata that a round asks the database for. */
  readonly asked: number;
  /** Milliseconds to choose what a build takes in. */
  readonly choose: number;
  /** MiB of the process at most. */
  readonly memory: number;
}

function made(index: number): MadePackage {
  const name = `package_${index}`;
  const needs = [index % 7, Math.floor(index / 2), Math.floor(index / 3)].filter((other) => other < index);
  return { name, version: `${1 + (index % 9)}.${index % 23}-${1 + (index % 3)}`, provides: [`cmd:${name} = 1.0 (compatible >= 1)`, `lib:lib${name} = 1.0 (compatible >= 1)`], requires: ['haiku', ...needs.map((other) => `lib:libpackage_${other} >= 1`)] };
}

function known(index: number): Knowledge {
  const checksum = createHash('sha256').update(String(index)).digest('hex');
  return listedAs(inspected(madeInfo(made(index)), { checksum, licences: [] }), { sha256: checksum, size: 1000 });
}

async function timed<Result>(work: () => Promise<Result>): Promise<{ readonly milliseconds: number; readonly result: Result }> {
  const start = performance.now();
  const result = await work();
  return { milliseconds: Math.round(performance.now() - start), result };
}

async function measure(count: number, rounds: number): Promise<IndexMeasurement> {
  const cacheDirectory = await mkdtemp(path.join(tmpdir(), 'measure-haiku-'));
  const all = Array.from({ length: count + rounds }, (_, index) => known(index));
  const job = (packages: number): ReturnType<typeof indexJob> => indexJob(all.slice(0, packages), { repository: haikuRepository(), cacheDirectory });
  const first = await timed(() => haikuFormat.writeIndex(job(count)));
  const oneMore: number[] = [];
  let asked = 0;
  for (let round = 1; round <= rounds; round += 1) {
    const next = job(count + round);
    oneMore.push((await timed(() => haikuFormat.writeIndex(next))).milliseconds);
    asked = Math.max(asked, next.asked.length);
  }
  async function* described(): AsyncGenerator<Knowledge> {
    yield* all;
  }
  async function* none(): AsyncGenerator<Knowledge> {}
  const choice = await timed(() => chooseForBuilder({ wanted: [`cmd:package_${count - 1}`], packages: described(), systemPackages: none(), present: ['haiku-1-1-any.hpkg'] }));
  if (choice.result.unresolved.length > 0) throw new Error('the build cannot begin');
  await rm(cacheDirectory, { recursive: true });
  return { packages: count, repo: first.result.switched[2]?.size ?? 0, first: first.milliseconds, oneMore, asked, choose: choice.milliseconds, memory: Math.round(process.resourceUsage().maxRSS / 1024) };
}

const counts = process.argv.slice(2).map(Number);
for (const count of counts.length === 0 ? [1_000, 10_000] : counts) console.log(JSON.stringify(await measure(count, 3)));
