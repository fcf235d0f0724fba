import { createReadStream, readFileSync, statSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { pipeline } from 'node:stream';

/** The origin where there is no nginx: `node-origin.js PORT FOLDER CERTIFICATE KEY`, in a process of its own. */
const [port, folder = '', certificateFile = '', keyFile = ''] = process.argv.slice(2);
const memoryLimit = 4 * 1024 * 1024;
const kept = new Map<string, Buffer>();

const server = https.createServer({ cert: readFileSync(certificateFile), key: readFileSync(keyFile), keepAliveTimeout: 600_000 }, (request, response) => {
  const file = path.join(folder, path.basename(request.url ?? ''));
  const size = statSync(file, { throwIfNoEntry: false })?.size;
  if (size === undefined) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size });
  if (size > memoryLimit) {
    pipeline(createReadStream(file, { highWaterMark: 256 * 1024 }), response, () => undefined);
    return;
  }
  const body = kept.get(file) ?? readFileSync(file);
  kept.set(file, body);
  response.end(body);
});
server.listen({ host: '127.0.0.1', port: Number(port), backlog: 1024 });
