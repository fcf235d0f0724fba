// The contract of a child process and nothing else: listens, says that it is ready, ends on SIGTERM and with its supervisor.
import http from 'node:http';

export function listen(port) {
  const server = http.createServer((request, response) => {
    if (request.url === '/environment') response.end(JSON.stringify({ ...process.env, pid: process.pid }));
    else response.end('ok');
  });
  server.listen({ port, host: '127.0.0.1', reusePort: true }, () => process.send({ type: 'ready', address: `http://127.0.0.1:${server.address().port}` }));
  process.on('SIGTERM', () => process.exit(0));
  process.on('disconnect', () => process.exit(0));
}
