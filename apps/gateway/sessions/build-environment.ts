import { mkdir, rename, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { authorityBundle } from '../../../libs/build-environment/authority-bundle.js';
import { buildEnvironment } from '../../../libs/build-environment/build-environment.js';
import { renderShell } from '../../../libs/build-environment/render-shell.js';
import type { AuthorityCertificate, BuildEnvironment } from '../gateway-ports.js';

/**
 * The variables name files. Without another word these are in the service's own home, for builds on the same machine; a build
 * elsewhere says where it has put what `/v1/ca.pem` gives.
 */
export function createBuildEnvironment(authority: AuthorityCertificate, home: string): BuildEnvironment {
  return {
    async snippet(shell, { proxyUrl, caFile }) {
      const files = caFile === undefined ? await writeTrustFiles(authority, path.join(home, 'ca')) : { caPemFile: caFile };
      return renderShell(buildEnvironment({ proxyUrl, ...files }).variables, shell);
    },
  };
}

async function writeTrustFiles(authority: AuthorityCertificate, directory: string): Promise<{ readonly caPemFile: string; readonly caPkcs12File: string }> {
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const files = { caPemFile: path.join(directory, 'bundle.pem'), caPkcs12File: path.join(directory, 'trust.p12') };
  await replace(files.caPemFile, authorityBundle(await authority.pem()));
  await replace(files.caPkcs12File, await authority.pkcs12());
  return files;
}

/** A build that reads at this moment sees the old file or the new one, never half of it. */
async function replace(file: string, content: string | Buffer): Promise<void> {
  const temporary = `${file}.${randomUUID()}`;
  await writeFile(temporary, content, { mode: 0o644 });
  await rename(temporary, file);
}
