import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { authorityBundle } from '../../libs/build-environment/authority-bundle.js';
import { buildEnvironment } from '../../libs/build-environment/build-environment.js';
import { trustStorePassword } from '../../libs/build-environment/tool-files.js';
import { writeEnvironmentFiles } from '../../libs/build-environment/write-environment-files.js';
import { toPkcs12 } from '../../libs/ca-formats/to-pkcs12.js';
import type { Environment } from '../../libs/settings/settings.js';

export interface EnvironmentRequest {
  /** What the session's variables are laid over. */
  readonly base: Environment;
  /** Private directory that the files are put in. */
  readonly directory: string;
  /** With the credentials of the session. */
  readonly proxyUrl: string;
  /** PEM of the authority that signs for intercepted hosts. */
  readonly authority: string;
}

/** The whole environment of a build: writes the files that its tools need and answers all variables. */
export async function prepareEnvironment({ base, directory, proxyUrl, authority }: EnvironmentRequest): Promise<Environment> {
  const caPemFile = path.join(directory, 'ca.pem');
  const caPkcs12File = path.join(directory, 'ca.p12');
  await writeFile(caPemFile, authorityBundle(authority), { mode: 0o600 });
  await writeFile(caPkcs12File, toPkcs12(authority, trustStorePassword), { mode: 0o600 });
  const { variables, files } = buildEnvironment({ proxyUrl, caPemFile, caPkcs12File, directory, base });
  await writeEnvironmentFiles(files);
  return { ...base, ...variables };
}
