import { createHash } from 'node:crypto';
import { sampleFile } from '../../libs/inspectors/__fixtures__/sample-file.js';
import { buildZip } from '../../libs/inspectors/__fixtures__/build-zip.js';
import type { ClientService } from '../clients/client-service.js';
import { sha256 } from '../clients/file-digest.js';
import { startOrigin } from '../clients/loopback-origin.js';

/** An index on loopback with one wheel, `millrace-sample` 1.0.0, whose page always declares the honest one. */
export interface PythonIndex {
  /** Of the simple API, `/` at its end. */
  readonly url: string;
  readonly wheelUrl: string;
  /** SHA-256 of the honest wheel in hex. */
  readonly digest: string;
  /** Paths that were asked for. */
  readonly asked: string[];
  serve(which: 'honest' | 'tampered'): void;
  close(): Promise<void>;
}

const wheelName = 'millrace_sample-1.0.0-py3-none-any.whl';

export async function startPythonIndex(service: ClientService): Promise<PythonIndex> {
  const honest = sampleFile(wheelName);
  const asked: string[] = [];
  let wheel = honest;
  const origin = await startOrigin(service, 'http', (request, response) => {
    asked.push(request.url ?? '');
    if (request.url === `/files/${wheelName}`) response.end(wheel);
    else if (request.url !== '/simple/millrace-sample/') response.writeHead(404).end('not found');
    else {
      const file = { filename: wheelName, url: `${origin.url}/files/${wheelName}`, hashes: { sha256: sha256(honest) }, 'upload-time': '2024-05-01T00:00:00Z' };
      const page = { meta: { 'api-version': '1.1' }, name: 'millrace-sample', versions: ['1.0.0'], files: [file] };
      response.writeHead(200, { 'content-type': 'application/vnd.pypi.simple.v1+json' }).end(JSON.stringify(page));
    }
  });
  return {
    url: `${origin.url}/simple/`,
    wheelUrl: `${origin.url}/files/${wheelName}`,
    digest: sha256(honest),
    asked,
    serve: (which) => {
      asked.length = 0;
      wheel = which === 'honest' ? honest : otherWheel();
    },
    close: () => origin.close(),
  };
}

/** A sound wheel of the same name and version that has another module in it. */
function otherWheel(): Buffer {
  const directory = 'millrace_sample-1.0.0.dist-info';
  const files = [
    { name: 'millrace_sample/__init__.py', content: 'value = 2\n' },
    { name: `${directory}/METADATA`, content: 'Metadata-Version: 2.1\nName: millrace-sample\nVersion: 1.0.0\n' },
    { name: `${directory}/WHEEL`, content: 'Wheel-Version: 1.0\nGenerator: spec\nRoot-Is-Purelib: true\nTag: py3-none-any\n' },
  ];
  const lines = files.map(({ name, content }) => `${name},sha256=${createHash('sha256').update(content).digest('base64url')},${content.length}`);
  return buildZip([...files, { name: `${directory}/RECORD`, content: `${[...lines, `${directory}/RECORD,,`].join('\n')}\n` }]);
}
