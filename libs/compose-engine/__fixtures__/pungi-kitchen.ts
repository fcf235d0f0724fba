import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { git } from '../../testing/start-git-server.js';
import { installFakePungi } from '../../testing/fake-pungi/install-fake-pungi.js';
import type { ComposeRequest } from '../../compose/compose-request.js';
import { buildPackages } from './rpm-packages.js';
import { scratchEngine, type ScratchEngine } from './scratch-engine.js';

/** Packages, a git repository of configurations, and settings that name it. */
export interface PungiKitchen extends Disposable {
  readonly folder: string;
  /** Absolute path of a package file. */
  readonly rpm: string;
  readonly repository: string;
  /** Commits a file of the repository; answers the commit. */
  commit(file: string, content: string): string;
  /** Settings of Pungi, in a new file; answers its path. */
  settings(yaml: string): string;
  engine(options?: { readonly settings?: string } & Omit<NonNullable<Parameters<typeof scratchEngine>[0]>, 'settings'>): Promise<ScratchEngine>;
  readonly searchPath: string;
}

/** Python, as Pungi reads it; of a compose without packages, which is made fast. */
export function rawConfig(more: string = ''): string {
  return `release_name = "Kitchen"\nrelease_short = "Kitchen"\nrelease_version = "1.0"\n${more}`;
}

/** What has the package of the kitchen in one variant. */
export function withPackage({ rpm }: Pick<PungiKitchen, 'rpm'>): string {
  return `fake_packages = {"Server": {"x86_64": [${JSON.stringify(rpm)}]}}\n`;
}

export const rawRequest = (change: Partial<ComposeRequest> = {}): Partial<ComposeRequest> => ({ sourceType: 'raw_config', source: ['kitchen#main'], composeType: 'nightly', ...change });

export function buildPungiKitchen(): PungiKitchen {
  const folder = mkdtempSync(path.join(tmpdir(), 'millrace-pungi-'));
  const repository = path.join(folder, 'configurations');
  const searchPath = installFakePungi(path.join(folder, 'bin'));
  mkdirSync(repository);
  git(repository, 'init', '--quiet', '--initial-branch=main');
  buildPackages(path.join(folder, 'rpms'), [{ name: 'hello', arch: 'noarch' }]);
  let files = 0;
  const kitchen: PungiKitchen = {
    folder,
    repository,
    searchPath,
    rpm: path.join(folder, 'rpms', 'hello-1.0-1.noarch.rpm'),
    commit(file, content) {
      mkdirSync(path.dirname(path.join(repository, file)), { recursive: true });
      writeFileSync(path.join(repository, file), content);
      git(repository, 'add', '--all');
      git(repository, 'commit', '--quiet', '--allow-empty', '--message', file);
      return git(repository, 'rev-parse', 'HEAD');
    },
    settings(yaml) {
      files += 1;
      const file = path.join(folder, `pungi-${files}.yaml`);
      writeFileSync(file, yaml);
      return file;
    },
    engine: ({ settings = kitchen.settings(`raw-configs: { kitchen: { url: ${repository}, config-filename: kitchen.conf }, packages: { url: ${repository}, config-filename: packages.conf } }\n`), ...options } = {}) =>
      scratchEngine({ searchPath, environment: { PATH: searchPath, HOME: folder, SECRET: 'not for tools' }, ...options, change: { composeSourcePaths: [folder], pungiFile: settings, ...options.change } }),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
  kitchen.commit('packages.conf', rawConfig(withPackage(kitchen)));
  kitchen.commit('kitchen.conf', rawConfig());
  return kitchen;
}
