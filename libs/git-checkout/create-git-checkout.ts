import { mkdir, rm } from 'node:fs/promises';
import { MillraceError } from '../errors/millrace-error.js';
import type { HttpClient } from '../repository-source/http-client.js';
import { locationText, parseLocation } from '../repository-source/source-location.js';
import type { CheckoutOptions, Checkout, GitCheckout, GitOptions, GitPlace } from './checkout.js';
import { gitLimits, type GitLimits } from './git-limits.js';
import { openGitRelay, type GitRelay } from './git-relay.js';
import { openGitScratch, type GitScratch } from './git-scratch.js';
import { findLocalRepository } from './local-repository.js';
import { runGit, type GitResult } from './run-git.js';
import { createTreeCounter, settleLinks } from './work-tree.js';

export interface GitCheckoutParts {
  readonly client: HttpClient;
  /** Absolute paths, below which repositories may be read without a network. */
  readonly sourcePaths: readonly string[];
  /** Where git is looked for, as in PATH. */
  readonly searchPath: string;
  readonly limits?: Partial<GitLimits>;
}

/** One call's use of one repository. */
interface OpenRepository extends AsyncDisposable {
  readonly scratch: GitScratch;
  /** Undefined for paths. */
  readonly relay: GitRelay | undefined;
  /** What git is told. */
  readonly remote: string;
  /** What users are told. */
  readonly name: string;
  git(parameters: readonly string[], onOutput?: (chunk: Buffer) => void): Promise<GitResult>;
}

const objectName = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** Errors of its methods: see `GitCheckout`. */
export function createGitCheckout(parts: GitCheckoutParts): GitCheckout {
  const limits = { ...gitLimits, ...parts.limits };

  async function open({ url }: GitPlace, { authorization, signal }: GitOptions): Promise<OpenRepository> {
    const location = parseLocation(url);
    const name = locationText(location);
    const local = location.kind === 'path' ? await findLocalRepository(location.path, parts.sourcePaths) : undefined;
    if (location.kind === 'http') refuseOpenSecret(location.url, authorization);
    const scratch = await openGitScratch({ searchPath: parts.searchPath, protocol: local === undefined ? 'http' : 'file', trusted: local });
    const relay = location.kind === 'http' ? await openGitRelay({ client: parts.client, repository: location.url, authorization, limit: limits.receivedBytes, signal }) : undefined;
    return {
      scratch,
      relay,
      name,
      remote: relay?.url ?? `file://${encodeURI(local ?? '')}`,
      git: (parameters, onOutput) => runGit({ parameters, environment: scratch.environment, limits, signal, ...(onOutput === undefined ? {} : { onOutput }) }),
      async [Symbol.asyncDispose]() {
        await relay?.[Symbol.asyncDispose]();
        await scratch[Symbol.asyncDispose]();
      },
    };
  }

  /** With a limit on the time of all of it. */
  async function using<T>(place: GitPlace, options: GitOptions, work: (repository: OpenRepository) => Promise<T>): Promise<T> {
    const late = AbortSignal.timeout(limits.time);
    const signal = AbortSignal.any([options.signal, late]);
    try {
      await using repository = await open(place, { ...options, signal });
      return await work(repository);
    } catch (error) {
      options.signal.throwIfAborted();
      if (late.aborted) throw new MillraceError('source-unavailable', `the git repository ${place.url.slice(0, 500)} was not read within ${limits.time / 1000} s`, { cause: error });
      throw error;
    }
  }

  return {
    async resolve(place, options) {
      if (objectName.test(place.commit)) return place.commit;
      refuseName(place);
      return using(place, options, (repository) => findReference(repository, place));
    },
    async checkout(place, options) {
      const { directory } = options;
      if (!objectName.test(place.commit)) refuseName(place);
      await mkdir(directory, { recursive: false, mode: 0o700 });
      try {
        return await using(place, options, (repository) => checkOut(repository, place, { options, limits }));
      } catch (error) {
        await rm(directory, { recursive: true, force: true });
        throw error;
      }
    },
    close: () => parts.client.close(),
  };
}

/** Branches before tags, as git itself does not; a tag stands for the commit that it names. */
async function findReference(repository: OpenRepository, { commit: name }: GitPlace): Promise<string> {
  const wanted = [`refs/heads/${name}`, `refs/tags/${name}^{}`, `refs/tags/${name}`];
  const { output } = succeeded(repository, await repository.git(['ls-remote', '--quiet', repository.remote, ...wanted]));
  const found = new Map(output.split('\n').map((line) => line.split('\t')).map(([object = '', reference = '']) => [reference, object]));
  const object = wanted.map((reference) => found.get(reference)).find((each) => each !== undefined);
  if (object !== undefined && objectName.test(object)) return object;
  throw new MillraceError('source-invalid', `the git repository ${repository.name} has no branch or tag ${JSON.stringify(name)}`, { suggestion: 'Name a branch, a tag, or a commit by all digits of its hash.' });
}

async function checkOut(repository: OpenRepository, place: GitPlace, { options, limits }: { readonly options: CheckoutOptions; readonly limits: GitLimits }): Promise<Checkout> {
  const { scratch } = repository;
  const wanted = objectName.test(place.commit) ? place.commit : await findReference(repository, place);
  const format = wanted.length === 64 ? ['--object-format=sha256'] : [];
  succeeded(repository, await repository.git(['init', '--quiet', '--bare', '--template=', ...format, scratch.repository]));
  const inside = (...parameters: readonly string[]): readonly string[] => [`--git-dir=${scratch.repository}`, ...parameters];
  await fetchCommit(repository, wanted, inside);
  const peeled = await repository.git(inside('rev-parse', '--quiet', '--verify', `${wanted}^{commit}`));
  if (peeled.status !== 0) throw new MillraceError('source-invalid', `${wanted} is no commit of the git repository ${repository.name}`);
  const commit = peeled.output.trim();
  succeeded(repository, await repository.git(inside('ls-tree', '-r', '-l', '-z', '--full-tree', commit), createTreeCounter(limits, repository.name)));
  succeeded(repository, await repository.git(inside('-c', 'core.bare=false', `--work-tree=${options.directory}`, 'checkout', '--quiet', '--force', '--detach', commit)));
  return { commit, ...(await settleLinks(options.directory)) };
}

/** By its name alone where the server gives objects by name; else all branches and tags, among whose history it must be. */
async function fetchCommit(repository: OpenRepository, commit: string, inside: (...parameters: readonly string[]) => readonly string[]): Promise<void> {
  const common = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--no-auto-maintenance', '--no-recurse-submodules'];
  const first = await repository.git(inside(...common, '--depth=1', repository.remote, commit));
  if (first.status === 0) return;
  if (!/unadvertised object|does not support shallow|Server does not allow request/i.test(first.complaint)) succeeded(repository, first, commit);
  succeeded(repository, await repository.git(inside(...common, repository.remote, '+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*')));
}

function succeeded(repository: OpenRepository, result: GitResult, commit?: string): GitResult {
  if (result.status === 0) return result;
  if (repository.relay?.failure !== undefined) throw repository.relay.failure;
  const missing = commit !== undefined && /not our ref|no such remote ref|couldn't find remote ref|upload-pack: not our ref/i.test(result.complaint);
  if (missing) throw new MillraceError('source-invalid', `the git repository ${repository.name} has no commit ${commit}`);
  const full = /no space left on device/i.test(result.complaint);
  const said = repository.relay === undefined ? result.complaint : result.complaint.replaceAll(repository.relay.url, repository.name);
  throw new MillraceError(full ? 'storage-full' : 'source-invalid', `the git repository ${repository.name} cannot be read: ${said === '' ? `git ended with ${result.status}` : said}`);
}

/** Names that git reads as something else than a branch or tag, or as an option. */
function refuseName({ url, commit }: GitPlace): void {
  const plain = /^[A-Za-z0-9][A-Za-z0-9._/+-]{0,199}$/.test(commit) && !/\.\.|\/\/|\.lock(\/|$)|[./]$|\/\./.test(commit);
  if (plain) return;
  throw new MillraceError('source-invalid', `${JSON.stringify(commit.slice(0, 200))} is no name of a branch, tag or commit of ${url.slice(0, 200)}`, { suggestion: 'Name a branch, a tag, or a commit by all digits of its hash.' });
}

function refuseOpenSecret(url: URL, authorization: string | undefined): void {
  const loopback = url.hostname === 'localhost' || url.hostname === '[::1]' || /^127\./.test(url.hostname);
  if (authorization === undefined || url.protocol === 'https:' || loopback) return;
  throw new MillraceError('source-invalid', `the git repository ${url.href} needs credentials, which are not sent over plain http`, { suggestion: 'Use its https address.' });
}
