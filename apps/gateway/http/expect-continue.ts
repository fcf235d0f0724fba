import type { IncomingMessage, Server, ServerResponse } from 'node:http';

const held = new WeakSet<IncomingMessage>();

/** Clients that ask before they send (`Expect: 100-continue`) hear when their body is wanted: whoever may not push has not sent gigabytes by then. */
export function holdContinue(server: Server): void {
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    held.add(request);
    server.emit('request', request, response);
  });
}

/** The body is read from now on. */
export function wantBody(request: IncomingMessage, response: ServerResponse): void {
  if (held.delete(request)) response.writeContinue();
}

/** The client still waits, and need not send its body at all: the connection is of no use for another request, because nobody knows whether it does. */
export function isBodyHeld(request: IncomingMessage): boolean {
  return held.has(request);
}
