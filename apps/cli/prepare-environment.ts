import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Environment } from '../../libs/settings/settings.js';

export interface EnvironmentRequest {
  readonly base: Environment;
  readonly directory: string;
  readonly proxyUrl: string;
  readonly authority: string;
}

export async function prepareEnvironment(request: EnvironmentRequest): Promise<Environment> {
  const file = path.join(request.directory, 'ca.pem');
  await writeFile(file, request.authority);
  return { ...request.base, http_proxy: request.proxyUrl, https_proxy: request.proxyUrl, SSL_CERT_FILE: file };
}
