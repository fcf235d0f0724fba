import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { startFakeKojiHub, type FakeKojiHub } from '../../testing/fake-koji-hub.js';
import { fakeModulemd, startFakeMbs, type FakeMbs, type FakeModuleBuild } from '../../testing/fake-mbs.js';
import { git, plainGit } from '../../testing/start-git-server.js';
import { buildPackages, type SourceSpec } from './rpm-packages.js';

/** A Koji hub with builds and modules of them, a module build service, and a git repository with defaults. */
export interface ModuleScene extends AsyncDisposable {
  readonly hub: FakeKojiHub;
  readonly mbs: FakeMbs;
  /** Koji's top directory. */
  readonly top: string;
  /** A bare repository. */
  readonly defaults: string;
  /** Builds packages and imports them. Answers the name-version-release. */
  build(...specs: readonly SourceSpec[]): Promise<string>;
  /** Into the module build service and, unless it is a scratch build or told otherwise, into Koji. Answers the tag of its packages. */
  module(module: SceneModule): string;
  /** Replaces the files of the defaults. Answers the commit. */
  commitDefaults(files: Readonly<Record<string, string>>): string;
}

export interface SceneModule extends FakeModuleBuild {
  readonly builds: readonly string[];
  /** By architecture: what its document there names. */
  readonly artifacts: Readonly<Record<string, readonly string[]>>;
  readonly profiles?: Readonly<Record<string, readonly string[]>>;
  readonly inKoji?: boolean;
  readonly inService?: boolean;
  /** Where the build itself is tagged. */
  readonly tags?: readonly string[];
}

export async function openModuleScene(): Promise<ModuleScene> {
  const work = mkdtempSync(path.join(tmpdir(), 'millrace-modules-'));
  const [top, defaults, tree] = [path.join(work, 'koji'), path.join(work, 'defaults.git'), path.join(work, 'defaults')];
  const hub = await startFakeKojiHub(top);
  const mbs = await startFakeMbs();
  mkdirSync(tree);
  execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', defaults], { env: plainGit });
  git(tree, 'init', '--quiet', '--initial-branch=main');
  return {
    hub,
    mbs,
    top,
    defaults,
    async build(...specs) {
      const directory = mkdtempSync(path.join(work, 'build-'));
      buildPackages(directory, specs);
      return hub.addBuild(...readdirSync(directory).map((file) => path.join(directory, file)));
    },
    module({ builds, artifacts, profiles = {}, inKoji = true, inService = true, tags = [], ...module }) {
      const { name, stream, version, context = '00000000', scratch = false } = module;
      const content = `module-${name}-${stream}-${version}-${context}`;
      hub.addTag(content);
      for (const build of builds) hub.tag(content, build);
      const documents = Object.fromEntries(Object.entries(artifacts).map(([arch, names]) => [arch, fakeModulemd(module, { arch, artifacts: names, profiles })]));
      if (inService) mbs.addBuild({ ...module, tag: content, final: documents });
      if (scratch || !inKoji) return content;
      const nvr = hub.addModule(module, { content, documents });
      for (const tag of tags) hub.tag(tag, nvr);
      return content;
    },
    commitDefaults(files) {
      for (const name of readdirSync(tree)) if (name !== '.git') rmSync(path.join(tree, name), { recursive: true });
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(path.dirname(path.join(tree, name)), { recursive: true });
        writeFileSync(path.join(tree, name), text);
      }
      git(tree, 'add', '-A');
      git(tree, 'commit', '--quiet', '--allow-empty', '-m', 'defaults');
      git(tree, 'push', '--quiet', defaults, 'HEAD:refs/heads/main');
      return git(tree, 'rev-parse', 'HEAD');
    },
    async [Symbol.asyncDispose]() {
      await hub[Symbol.asyncDispose]();
      await mbs[Symbol.asyncDispose]();
      rmSync(work, { recursive: true, force: true });
    },
  };
}

export function defaultsOf(module: string, stream: string, profile = 'default'): string {
  return `---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: ${module}\n  stream: "${stream}"\n  profiles:\n    "${stream}": [${profile}]\n...\n`;
}

/** The `modules.yaml` of a repository; empty: it has none. */
export function modulesOf(repository: string): string {
  const name = readdirSync(path.join(repository, 'repodata')).find((file) => file.includes('modules'));
  return name === undefined ? '' : gunzipSync(readFileSync(path.join(repository, 'repodata', name))).toString('utf8');
}
