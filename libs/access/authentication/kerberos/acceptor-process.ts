import { createRequire } from 'node:module';
import type { AcceptorMessage, AcceptToken } from './acceptor-messages.js';

/**
 * Process of its own for what GSSAPI does with bytes of strangers: its keytab is a variable of the process, it may wait for files and for the network, and a fault in
 * native code ends only this. Started with the path of the native module of `kerberos`; imports nothing of the project, so that Node can run it as it is.
 */
interface NativeServer {
  readonly username: string | null;
  readonly targetName: string | null;
  readonly response: string | null;
  readonly contextComplete: boolean;
  step(token: string, done: (error: Error | null) => void): void;
}

interface NativeModule {
  initializeServer(service: string, done: (error: Error | null, server: NativeServer) => void): void;
}

function say(message: AcceptorMessage): void {
  process.send?.(message, undefined, {}, () => undefined);
}

function accept(native: NativeModule, { id, token }: AcceptToken): void {
  // No name: any key of the keytab, and the service that the ticket is for is looked at afterwards.
  native.initializeServer('', (initialError, server) => {
    if (initialError !== null) return say({ id, refused: initialError.message });
    server.step(token, (error) => {
      if (error !== null) return say({ id, refused: error.message });
      const { contextComplete, username, targetName, response } = server;
      if (!contextComplete || username === null || targetName === null) return say({ id, refused: 'the exchange takes more than one step' });
      return say({ id, name: username, service: targetName, reply: response });
    });
  });
}

try {
  const native = createRequire(import.meta.url)(process.argv[2] ?? '') as NativeModule;
  process.on('message', (message) => accept(native, message as AcceptToken));
  say({ ready: true });
} catch (error) {
  say({ unusable: error instanceof Error ? error.message : String(error) });
}
process.on('disconnect', () => process.exit(0));
// Its parent ends it; signals for the whole group are the parent's.
process.on('SIGINT', () => undefined);
