import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { sampleFile } from '../../libs/inspectors/__fixtures__/sample-file.js';
import type { ClientService } from '../clients/client-service.js';
import { startOrigin } from '../clients/loopback-origin.js';

/** A registry on loopback with one package, `@millrace/sample` 1.0.0, whose document always declares the honest tarball. */
export interface NpmRegistry {
  readonly url: string;
  /** Subresource integrity of the honest tarball. */
  readonly integrity: string;
  /** Paths that were asked for. */
  readonly asked: string[];
  serve(which: 'honest' | 'tampered'): void;
  close(): Promise<void>;
}

export const tarballPath = '/@millrace/sample/-/sample-1.0.0.tgz';

export async function startNpmRegistry(service: ClientService): Promise<NpmRegistry> {
  const honest = sampleFile('millrace-sample-1.0.0.tgz');
  const integrity = `sha512-${createHash('sha512').update(honest).digest('base64')}`;
  const asked: string[] = [];
  let tarball = honest;
  // Not https: npm checks the certificate of an address (not a name) behind a proxy against `localhost`.
  const origin = await startOrigin(service, 'http', (request, response) => {
    asked.push(request.url ?? '');
    if (request.url === tarballPath) response.end(tarball);
    else if (request.url?.toLowerCase() !== '/@millrace%2fsample') response.writeHead(404).end('{}');
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document(origin.url, integrity)));
  });
  return {
    url: origin.url,
    integrity,
    asked,
    serve: (which) => {
      asked.length = 0;
      tarball = which === 'honest' ? honest : withAnotherByte(honest);
    },
    close: () => origin.close(),
  };
}

function document(url: string, integrity: string): object {
  const version = { name: '@millrace/sample', version: '1.0.0', dist: { tarball: url + tarballPath, integrity } };
  return { name: '@millrace/sample', 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': version } };
}

/** A name in package.json: the checksums of tar cover headers only. */
function withAnotherByte(tarball: Buffer): Buffer {
  const tar = gunzipSync(tarball);
  tar[tar.indexOf('"description"') + 1] = 'D'.charCodeAt(0);
  return gzipSync(tar);
}
