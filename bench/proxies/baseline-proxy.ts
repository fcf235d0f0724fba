import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { TLSSocket, createSecureContext } from 'node:tls';
import type { Socket } from 'node:net';

/** `baseline-proxy.js PORT CERTIFICATE KEY AUTHORITY`: intercepts CONNECT with one ready certificate and hashes every body; nothing else. */
const [port, certificateFile = '', keyFile = '', authorityFile = ''] = process.argv.slice(2);
const secureContext = createSecureContext({ cert: readFileSync(certificateFile), key: readFileSync(keyFile) });
const agent = new https.Agent({ keepAlive: true, ca: readFileSync(authorityFile), maxSockets: Infinity });
const originOf = new WeakMap<object, string>();

const inner = http.createServer((request, response) => {
  const upstream = https.request(`https://${originOf.get(request.socket) ?? ''}${request.url ?? ''}`, { method: request.method, headers: request.headers, agent }, (answer) => {
    const digest = createHash('sha256');
    answer.on('data', (chunk: Buffer) => digest.update(chunk));
    answer.on('end', () => digest.digest('hex'));
    response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    answer.pipe(response);
  });
  upstream.on('error', () => response.destroy());
  request.pipe(upstream);
});
const outer = http.createServer();
outer.on('connect', (request: http.IncomingMessage, socket: Socket) => {
  socket.on('error', () => socket.destroy());
  socket.setNoDelay(true);
  socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
  const tls = new TLSSocket(socket, { isServer: true, secureContext });
  tls.on('error', () => socket.destroy());
  originOf.set(tls, request.url ?? '');
  inner.emit('connection', tls);
});
outer.listen({ port: Number(port), host: '127.0.0.1', backlog: 1024 });
