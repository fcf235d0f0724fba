import type { HttpClient } from '../repository-source/http-client.js';
import type { SourceOptions } from '../repository-source/repository-source.js';
import { readSecret } from '../settings-file/read-secret.js';
import { readSettingsFile } from '../settings-file/read-settings-file.js';
import { tlsOptions } from '../settings-file/tls-options.js';
import type { Environment } from '../settings/settings.js';
import { findInPulp2 } from './pulp-2.js';
import { findInPulp3 } from './pulp-3.js';
import { createPulpClient, type PulpClient } from './pulp-client.js';
import { pulpSettingsFile, type PulpSettings } from './pulp-settings-schema.js';
import { settleLinks, type PulpRequest, type SettledLinks } from './settle-links.js';

/** Where the repositories of content sets are. Errors: those of `PulpClient` and `settleLinks`; `invalid-setting`. */
export interface PulpSource {
  pin(request: PulpRequest, options: SourceOptions): Promise<SettledLinks>;
}

export interface PulpSourceOptions {
  /** Absolute path of the file of MILLRACE_PULP. */
  readonly file: string;
  /** Secrets of that file may be there. */
  readonly environment: Environment;
  /** A client that answers redirects as they are. */
  readonly connect: (tls: Awaited<ReturnType<typeof tlsOptions>>) => HttpClient;
}

/** Reads the settings at once, so that mistakes show at the start, and again with the secrets at every use. Errors: `invalid-setting`. */
export async function openPulpSource({ file, environment, connect }: PulpSourceOptions): Promise<PulpSource> {
  await readSettingsFile(file, pulpSettingsFile);
  return {
    async pin(request, { signal }) {
      const settings = await readSettingsFile(file, pulpSettingsFile);
      const http = connect(await tlsOptions(settings.tls, environment));
      try {
        const client = createPulpClient({ url: settings.url, http, authorization: await authorizationOf(settings, environment) });
        const found = await finder(client, settings)({ sources: request.source, unpublished: request.flags.includes('include_unpublished_pulp_repos'), signal });
        return settleLinks(settings.url, request, found);
      } finally {
        await http.close();
      }
    },
  };
}

function finder(client: PulpClient, settings: PulpSettings): ReturnType<typeof findInPulp2> {
  return settings.version === 2 ? findInPulp2(client, settings) : findInPulp3(client, settings);
}

async function authorizationOf({ username, password }: PulpSettings, environment: Environment): Promise<string | undefined> {
  if (username === undefined || password === undefined) return undefined;
  return `Basic ${Buffer.from(`${username}:${await readSecret(password, environment)}`).toString('base64')}`;
}
