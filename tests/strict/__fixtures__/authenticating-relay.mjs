import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';

// Runs a client that has no way to give a proxy its credentials: in front of it a relay on loopback that puts those of $http_proxy
// into every request. It counts on requests that come in one piece, as those without a body do on loopback.
const proxy = new URL(process.env.http_proxy);
const credentials = `proxy-authorization: Basic ${Buffer.from(`${proxy.username}:${proxy.password}`).toString('base64')}\r\n`;
const relay = createServer((client) => {
  const upstream = connect(Number(proxy.port), proxy.hostname);
  client.on('data', (chunk) => {
    const line = chunk.subarray(0, 4).toString('latin1') === 'GET ' ? chunk.indexOf('\r\n') + 2 : 0;
    upstream.write(line === 0 ? chunk : Buffer.concat([chunk.subarray(0, line), Buffer.from(credentials), chunk.subarray(line)]));
  });
  client.on('end', () => upstream.end()).on('error', () => upstream.destroy());
  upstream.on('error', () => client.destroy()).pipe(client);
});
relay.listen(0, '127.0.0.1', () => {
  const url = `http://127.0.0.1:${relay.address().port}`;
  const [command, ...parameters] = process.argv.slice(2);
  const environment = { ...process.env, http_proxy: url, HTTP_PROXY: url };
  spawn(command, parameters, { stdio: 'inherit', env: environment }).on('close', (code) => process.exit(code ?? 1));
});
