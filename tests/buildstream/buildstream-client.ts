import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pythonTool } from '../server/python-tool.js';

export const buildstreamVersions = ['2.8.1', '1.6.9', '1.4.3'] as const;
export type BuildstreamVersion = (typeof buildstreamVersions)[number];

const oldLibraries = ['ruamel.yaml<0.18', 'setuptools<81', 'wheel'];
/** Names that newer Python has elsewhere: with them, BuildStream 1.4 runs on what machines have today. */
const movedNames = `import collections
import collections.abc

for name in ("Callable", "Hashable", "Iterable", "Mapping", "MutableMapping", "Sequence"):
    setattr(collections, name, getattr(collections.abc, name))
`;

/** Python of an environment with that BuildStream, from pip's configured index: a minute when the cache has none. */
export function buildstreamPython(version: BuildstreamVersion): Promise<string> {
  const name = `buildstream-${version}-1`;
  if (version === '2.8.1') return pythonTool({ name, requirements: [`BuildStream==${version}`] });
  if (version === '1.6.9') return pythonTool({ name, requirements: [`BuildStream==${version}`, ...oldLibraries] });
  return pythonTool({ name, requirements: [`BuildStream==${version}`, 'protobuf<3.21', 'click<8.1', 'jinja2<3.1', ...oldLibraries], modules: { 'sitecustomize.py': movedNames } });
}

/** Somebody with a checkout of the project and a cache of their own. */
export interface Checkout {
  /** `bst …`; its output, whatever it ends with. `work`: what its queues did. */
  bst(...args: readonly string[]): Promise<BuildstreamRun>;
  /** As after a fresh installation. */
  wipe(): void;
  readonly project: string;
}

export interface BuildstreamRun {
  readonly code: number;
  readonly output: string;
  /** How many elements each queue processed: `{ Pull: 2, Build: 0 }`. */
  readonly processed: Readonly<Record<string, number>>;
}

export interface CheckoutOptions {
  readonly version: BuildstreamVersion;
  /** Copied. */
  readonly project: string;
  /** `artifacts:` and `source-caches:` of the user's configuration. */
  readonly caches: string;
}

export async function openCheckout(folder: string, { version, project, caches }: CheckoutOptions): Promise<Checkout> {
  const python = await buildstreamPython(version);
  const at = (name: string): string => path.join(folder, name);
  mkdirSync(folder);
  cpSync(project, at('project'), { recursive: true, verbatimSymlinks: true });
  const places = version === '2.8.1' ? { cachedir: 'cache', workspacedir: 'workspaces' } : { artifactdir: 'cache', builddir: 'build' };
  writeFileSync(at('buildstream.conf'), Object.entries({ sourcedir: 'sources', logdir: 'logs', ...places }).map(([key, name]) => `${key}: ${at(name)}\n`).join('') + caches);
  // Nothing of whoever runs the specs counts.
  const environment = { PATH: process.env['PATH'], HOME: at('home'), XDG_CONFIG_HOME: at('home/config'), XDG_CACHE_HOME: at('home/cache'), LC_ALL: 'C.UTF-8', PYTHONDONTWRITEBYTECODE: '1', TMPDIR: folder };
  mkdirSync(at('home'));
  return {
    project: at('project'),
    wipe: () => ['cache', 'sources', 'build', 'logs'].forEach((name) => rmSync(at(name), { recursive: true, force: true })),
    bst: (...args) =>
      new Promise((resolve) => {
        const program = ['-c', 'from buildstream._frontend import cli; cli()', '--no-interactive', '--no-colors', '--config', at('buildstream.conf'), ...args];
        execFile(python, program, { cwd: at('project'), env: environment, maxBuffer: 64 * 1024 * 1024, timeout: 100_000 }, (error, stdout, stderr) => {
          const output = `${stdout}${stderr}`;
          resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, output, processed: processedIn(output) });
        });
      }),
  };
}

function processedIn(output: string): Readonly<Record<string, number>> {
  const lines = output.matchAll(/^\s*([A-Z][a-z-]+) Queue:\s*processed (\d+)/gm);
  return Object.fromEntries([...lines].map(([, queue, count]) => [queue, Number(count)]));
}
