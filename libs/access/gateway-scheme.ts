import { readSettingsFile } from '../settings-file/read-settings-file.js';
import { accessSettingsFile } from './access-settings.js';

/** What the gateway's port speaks with the settings of `MILLRACE_ACCESS`. Errors: `invalid-setting`. */
export async function gatewayScheme(accessFile: string | undefined): Promise<'http' | 'https'> {
  if (accessFile === undefined) return 'http';
  const { authentication } = await readSettingsFile(accessFile, accessSettingsFile);
  return authentication.tls === undefined ? 'http' : 'https';
}
