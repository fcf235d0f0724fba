import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { createRepositoryWriter } from '../../libs/rpm-repository/create-repository-writer.js';
import type { RepositoryPackage } from '../../libs/rpm-repository/repository-writer.js';

/**
 * Run as a process of its own, so that nothing but files is left of earlier measurements: `measure-repository.js <packages> <list> <cache> <output>`; prints one
 * line of JSON. A first repository, elsewhere, has the code compiled, as a service's is.
 */
export interface RepositoryMeasurement {
  /** Of writing the repository; without the start of the process, which a service has behind it. */
  readonly milliseconds: number;
  /** Milliseconds of processor time, all threads, of the same. */
  readonly cpu: number;
  /** The most that the process had resident, in bytes. */
  readonly memory: number;
}

const [, , directory = '', list = '', cacheDirectory = '', output = ''] = process.argv;
const packages = JSON.parse(readFileSync(list, 'utf8')) as readonly RepositoryPackage[];
const files = new Map(packages.map(({ sha256, href }) => [sha256, path.join(directory, href)]));

const content = { file: (sha256: string): string => files.get(sha256) ?? '' };
const warmUp = createRepositoryWriter({ content, cacheDirectory: `${output}-cache` });
await warmUp.write(output, { packages: packages.slice(0, 500), revision: 1, compression: 'gzip' });
warmUp.close();
for (const each of [output, `${output}-cache`]) rmSync(each, { recursive: true, force: true });
mkdirSync(output);

const writer = createRepositoryWriter({ content, cacheDirectory });
const [start, used] = [performance.now(), process.cpuUsage()];
await writer.write(output, { packages, revision: 1, compression: 'gzip' });
const { user, system } = process.cpuUsage(used);
const measurement: RepositoryMeasurement = { milliseconds: performance.now() - start, cpu: (user + system) / 1000, memory: process.resourceUsage().maxRSS * 1024 };
writer.close();
process.stdout.write(`${JSON.stringify(measurement)}\n`);
