import type { ComposeRequest } from '../compose/compose-request.js';
import type { TimeToLive } from '../compose/request-body/read-new-compose.js';
import type { Settings } from '../settings/settings.js';
import { findRawConfig, readValidPungiSettings } from './read-pungi-settings.js';

type Asked = Pick<ComposeRequest, 'sourceType' | 'source'>;
type Defaults = Pick<Settings, 'pungiFile' | 'composeSecondsToLive' | 'composeMaximumSecondsToLive' | 'composeTimeout'>;

/** How long a compose may live: a configuration of Pungi may have limits of its own. */
export function timeToLiveOf(asked: Asked, defaults: Omit<Defaults, 'composeTimeout'>): TimeToLive {
  const config = configOf(asked, defaults.pungiFile)?.config;
  const maximumSecondsToLive = config?.['max-seconds-to-live'] ?? Math.max(defaults.composeMaximumSecondsToLive, config?.['seconds-to-live'] ?? 0);
  return { maximumSecondsToLive, secondsToLive: Math.min(config?.['seconds-to-live'] ?? defaults.composeSecondsToLive, maximumSecondsToLive) };
}

/** Seconds that a generation may take. */
export function generationSecondsOf(asked: Asked, defaults: Pick<Defaults, 'pungiFile' | 'composeTimeout'>): number {
  const found = configOf(asked, defaults.pungiFile);
  return found?.config?.timeout ?? found?.settings.pungi.timeout ?? defaults.composeTimeout;
}

function configOf(asked: Asked, file: string | undefined) {
  if (asked.sourceType !== 'raw_config' || file === undefined) return undefined;
  const settings = readValidPungiSettings(file);
  return settings === undefined ? undefined : { settings, config: findRawConfig(settings, asked) };
}
