import { Command, InvalidArgumentError } from 'commander';
import { MillraceError } from '../libs/errors/millrace-error.js';
import type { CacheBenchOptions } from './cache/bench-cache.js';
import { inspectedFormats } from './inspection/inspected-formats.js';
import { scenarios } from './scenarios.js';

export interface BenchOptions {
  /** Length of one measurement. */
  readonly seconds: number;
  /** How often every proxy is measured in every scenario. */
  readonly rounds: number;
  /** Names of proxies and scenarios to keep; empty: all. */
  readonly only: readonly string[];
  /** Peers to run beside Millrace, with the executable where it is not on PATH. */
  readonly peers: ReadonlyMap<PeerName, string | undefined>;
  readonly installPeers: boolean;
  /** File for the results as JSON. */
  readonly json: string | undefined;
  /** Folder for CPU profiles of Millrace's processes. */
  readonly profile: string | undefined;
}

export type PeerName = 'squid' | 'mitmdump';

const peerNames: readonly PeerName[] = ['squid', 'mitmdump'];
export const proxyNames = ['millrace', 'millrace-2', 'baseline', ...peerNames] as const;
export type ProxyName = (typeof proxyNames)[number];

export function readBenchOptions(args: readonly string[]): BenchOptions {
  const names = [...proxyNames, ...scenarios.map(({ name }) => name)];
  const program = new Command('npm run bench --')
    .description('Measures Millrace beside other intercepting proxies, all on loopback.')
    .option('--seconds <n>', 'length of one measurement', bounded(1, 120), 5)
    .option('--rounds <n>', 'measurements of each proxy in each scenario', bounded(1, 20), 3)
    .option('--only <names>', `comma list of ${names.join(', ')}`, (value) => listOf(value, names), [])
    .option('--peers <list>', 'comma list of squid and mitmdump, each with =/path/of/executable where it is not on PATH; none: no peers', readPeers, readPeers(peerNames.join(',')))
    .option('--install-peers', 'install missing peers: squid-openssl and nginx-light by apt-get (as root), mitmproxy by pip into the cache', false)
    .option('--json <file>', 'write the results as JSON')
    .option('--profile <folder>', 'write CPU profiles of Millrace\'s processes; slows them down')
    .showHelpAfterError();
  return program.parse(args, { from: 'user' }).opts<BenchOptions>();
}

/** Of `npm run bench -- inspect`. */
export function readInspectionOptions(args: readonly string[]): { readonly rounds: number; readonly only: readonly string[] } {
  const names = inspectedFormats.map(({ name }) => name);
  return new Command('npm run bench -- inspect')
    .description('Measures what inspecting costs, by format, beside programs that read the same files.')
    .option('--rounds <n>', 'measurements of each format', bounded(1, 20), 3)
    .option('--only <names>', `comma list of ${names.join(', ')}`, (value) => listOf(value, names), [])
    .showHelpAfterError()
    .parse(args, { from: 'user' })
    .opts<{ rounds: number; only: readonly string[] }>();
}

/** Of `npm run bench -- repository`. */
export function readRepositoryOptions(args: readonly string[]): { readonly rounds: number; readonly packages: readonly number[]; readonly payload: number } {
  const count = bounded(1, 100_000);
  return new Command('npm run bench -- repository')
    .description('Measures writing the metadata of package repositories, beside createrepo_c.')
    .option('--rounds <n>', 'measurements of each case', bounded(1, 20), 5)
    .option('--packages <list>', 'comma list: how many packages', (value) => value.split(',').map(count), [1000, 10_000])
    .option('--payload <bytes>', 'size of each payload, which createrepo_c reads', bounded(0, 100_000_000), 20_000)
    .showHelpAfterError()
    .parse(args, { from: 'user' })
    .opts<{ rounds: number; packages: readonly number[]; payload: number }>();
}

/** Of `npm run bench -- repositories`. */
export function readRepositoriesOptions(args: readonly string[]): { readonly rounds: number; readonly packages: readonly number[]; readonly payload: number } {
  const count = bounded(1, 100_000);
  return new Command('npm run bench -- repositories')
    .description('Measures bringing one package into repositories of rpm-md, beside createrepo_c --update.')
    .option('--rounds <n>', 'packages that are brought in, one after the other', bounded(1, 20), 3)
    .option('--packages <list>', 'comma list: how many packages there are before', (value) => value.split(',').map(count), [1000, 10_000, 100_000])
    .option('--payload <bytes>', 'size of each payload', bounded(0, 100_000_000), 2000)
    .showHelpAfterError()
    .parse(args, { from: 'user' })
    .opts<{ rounds: number; packages: readonly number[]; payload: number }>();
}

/** Of `npm run bench -- publishers`. */
export function readPublishersOptions(args: readonly string[]): { readonly publishers: number; readonly each: number; readonly payload: number } {
  return new Command('npm run bench -- publishers')
    .description('Measures publishing into one repository of rpm-md in a bucket, from several publishers at once.')
    .option('--publishers <n>', 'at once', bounded(1, 100), 4)
    .option('--each <n>', 'packages that each publishes, one after the other', bounded(1, 10_000), 125)
    .option('--payload <bytes>', 'size of each payload', bounded(0, 100_000_000), 20_000)
    .showHelpAfterError()
    .parse(args, { from: 'user' })
    .opts<{ publishers: number; each: number; payload: number }>();
}

export function readComposeOptions(args: readonly string[]): { readonly recorded: number; readonly atOnce: number; readonly seconds: number } {
  return new Command('npm run bench -- composes')
    .description('Measures composes from POST to done, and the API with many of them in the database.')
    .option('--recorded <n>', 'composes in the database while the API is measured', bounded(1, 10_000_000), 100_000)
    .option('--at-once <n>', 'composes asked for at once', bounded(1, 1000), 50)
    .option('--seconds <n>', 'length of one measurement of the API', bounded(1, 120), 5)
    .showHelpAfterError()
    .parse(args, { from: 'user' })
    .opts<{ recorded: number; atOnce: number; seconds: number }>();
}

/** Of `npm run bench -- cache`. */
export function readCacheOptions(args: readonly string[]): CacheBenchOptions {
  const list = (value: string): string[] => value.split(',').filter((item) => item !== '');
  return new Command('npm run bench -- cache')
    .description('Measures the artifact cache beside buildbox-casd and other caches of the Remote Execution API.')
    .option('--blobs <n>', 'blobs in the cache when digests are asked for', bounded(10_000, 100_000_000), 1_000_000)
    .option('--clients <n>', 'that read and write streams at once', bounded(1, 1000), 64)
    .option('--seconds <n>', 'length of one measurement', bounded(1, 120), 5)
    .option('--only <names>', 'comma list of parts of names: find-missing, grpc-read-4KiB, grpc-write-64MiB, http …', list, [])
    .option('--casd <path>', 'buildbox-casd, where it is not on PATH')
    .option('--peer <list>', 'comma list of grpc://host:port: caches that run already, into which the load is written', list, [])
    .option('--json <file>', 'write every measurement')
    .option('--profile <folder>', 'write CPU profiles of Millrace\'s processes; slows them down')
    .showHelpAfterError()
    .parse(args, { from: 'user' })
    .opts<CacheBenchOptions>();
}

/** Whether `name`, one of `among`, was asked for: always when `--only` names none of its kind. */
export function isWanted(options: BenchOptions, name: string, among: readonly string[]): boolean {
  const named = options.only.filter((each) => among.includes(each));
  return named.length === 0 || named.includes(name);
}

function bounded(least: number, most: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (!Number.isInteger(number) || number < least || number > most) throw new InvalidArgumentError(`must be a whole number from ${least} to ${most}`);
    return number;
  };
}

function listOf(value: string, allowed: readonly string[]): string[] {
  const items = value.split(',').filter((item) => item !== '');
  const unknown = items.find((item) => !allowed.includes(item));
  if (unknown !== undefined) throw new InvalidArgumentError(`${unknown} is none of ${allowed.join(', ')}`);
  return items;
}

function readPeers(value: string): ReadonlyMap<PeerName, string | undefined> {
  if (value === 'none') return new Map();
  return new Map(
    value.split(',').map((item) => {
      const [name, file] = item.split('=', 2);
      const peer = peerNames.find((each) => each === name);
      if (peer === undefined) throw new MillraceError('invalid-setting', `--peers: ${name} is none of ${peerNames.join(', ')}`);
      return [peer, file] as const;
    }),
  );
}
