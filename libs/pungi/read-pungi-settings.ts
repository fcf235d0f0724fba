import { readFileSync } from 'node:fs';
import { errorMessage } from '../errors/error-message.js';
import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import { parseSettingsFile } from '../settings-file/read-settings-file.js';
import type { ComposeRequest } from '../compose/compose-request.js';
import { pungiSettingsFile, type PungiSettings, type RawConfig } from './pungi-settings-schema.js';

/** Read anew whenever it is needed, so that configurations come and go without a restart. Errors: `invalid-setting` with every mistake. */
export function readPungiSettings(file: string): PungiSettings {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new MillraceError('invalid-setting', `${pungiSettingsFile.variable}: cannot read ${file}: ${errorMessage(cause)}`, { cause });
  }
  return parseSettingsFile(text, file, pungiSettingsFile);
}

/** For requests: undefined where the file has mistakes, which its operator was told of when the process started. */
export function readValidPungiSettings(file: string): PungiSettings | undefined {
  try {
    return readPungiSettings(file);
  } catch (error) {
    if (isMillraceError(error) && error.code === 'invalid-setting') return undefined;
    throw error;
  }
}

/** `name#commit`, of what a request of type `raw_config` has as its source. */
export function parseRawSource({ source }: Pick<ComposeRequest, 'source'>): { readonly name: string; readonly commit: string } | undefined {
  const parts = source.length === 1 ? /^([^#]+)#([^#]+)$/.exec(source[0] as string) : null;
  return parts === null ? undefined : { name: parts[1] as string, commit: parts[2] as string };
}

/** Undefined: none is configured by that name. */
export function findRawConfig(settings: PungiSettings, request: Pick<ComposeRequest, 'source'>): (RawConfig & { readonly name: string; readonly commit: string }) | undefined {
  const asked = parseRawSource(request);
  if (asked === undefined || !Object.hasOwn(settings['raw-configs'], asked.name)) return undefined;
  const config = settings['raw-configs'][asked.name] as RawConfig;
  return { ...config, name: asked.name, commit: config.commit ?? asked.commit };
}
