import path from 'node:path';
import type { GitCheckout } from '../git-checkout/checkout.js';
import { createRawConfigs, type RawConfigs } from '../pungi/raw-configs.js';
import { readPungiSettings } from '../pungi/read-pungi-settings.js';
import { runTool } from '../pungi/supervised-tool.js';
import type { Environment } from '../settings/settings.js';
import type { EngineSettings } from './engine-settings.js';

export interface RawConfigParts {
  readonly settings: EngineSettings;
  readonly git: GitCheckout;
  readonly searchPath: string | undefined;
  readonly environment: Environment;
  readonly findTool: (name: string) => string | undefined;
}

/** Numbers of Pungi's composes that are taken, in the default target directory: all workers share that. */
const composeIds = '.pungi-compose-ids';

/** Undefined where no settings of Pungi are named. Errors: `invalid-setting`, so that a worker does not start with mistakes. */
export function openRawConfigs({ settings, git, searchPath, environment, findTool }: RawConfigParts): RawConfigs | undefined {
  const file = settings.pungiFile;
  if (file === undefined) return undefined;
  readPungiSettings(file);
  return createRawConfigs({ file, git, runTool, findTool, environment: { ...environment, PATH: searchPath }, composeIds: path.join(settings.composes, composeIds) });
}
