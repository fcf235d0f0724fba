import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isMillraceError } from '../../../errors/millrace-error.js';
import { errorTable } from '../../../errors/error-table.js';
import type { Authenticator } from '../../authenticator.js';
import { readCredentials } from '../read-credentials.js';

/** Tells every caller who he is, as the gateway would: 200 with the principal, 401 with the challenges. Also what headers came, for front ends. */
export async function startGuardedServer(authenticator: Authenticator, server: Server = createServer()): Promise<AsyncDisposable & { readonly port: number }> {
  server.on('request', (request, response) => {
    authenticator.authenticate(readCredentials(request)).then(
      (caller) => {
        if (caller === undefined) return response.writeHead(401, { 'www-authenticate': [...authenticator.challenges] }).end();
        return response.writeHead(200, { 'content-type': 'application/json', ...(caller.reply === undefined ? {} : { 'www-authenticate': caller.reply }) }).end(JSON.stringify(caller.principal));
      },
      (error: unknown) => response.writeHead(isMillraceError(error) ? errorTable[error.code].http : 500, { 'www-authenticate': [...authenticator.challenges] }).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
