import path from 'node:path';
import { createGitCheckout } from '../git-checkout/create-git-checkout.js';
import { createRawConfigs, type RawConfigs } from '../pungi/raw-configs.js';
import { readPungiSettings } from '../pungi/read-pungi-settings.js';
import { runTool } from '../pungi/supervised-tool.js';
import { createSourceClient } from '../repository-source/repository-source.js';
import { sourceLimits } from '../repository-source/source-limits.js';
import type { Environment } from '../settings/settings.js';
import { millraceVersion } from './engine-parts.js';
import type { EngineSettings } from './engine-settings.js';

export interface RawConfigParts {
  readonly settings: EngineSettings;
  readonly searchPath: string;
  readonly environment: Environment;
  readonly findTool: (name: string) => string | undefined;
}

/** Numbers of Pungi's composes that are taken, in the default target directory: all workers share that. */
const composeIds = '.pungi-compose-ids';

/** Undefined where no settings of Pungi are named. Errors: `invalid-setting`, so that a worker does not start with mistakes. */
export function openRawConfigs({ settings, searchPath, environment, findTool }: RawConfigParts): { readonly rawConfigs: RawConfigs; close(): Promise<void> } | undefined {
  const file = settings.pungiFile;
  if (file === undefined) return undefined;
  readPungiSettings(file);
  const git = createGitCheckout({ client: createSourceClient({ settings, version: millraceVersion(), limits: sourceLimits }), sourcePaths: settings.composeSourcePaths, searchPath });
  const rawConfigs = createRawConfigs({ file, git, runTool, findTool, environment: { ...environment, PATH: searchPath }, composeIds: path.join(settings.composes, composeIds) });
  return { rawConfigs, close: () => git.close() };
}
