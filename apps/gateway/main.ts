import { readSettings } from '../../libs/settings/settings.js';
import { isMillraceError } from '../../libs/errors/millrace-error.js';
import { weighBuffersWithHeap } from '../../libs/service/weigh-buffers.js';
import { openGatewayDependencies } from './gateway-dependencies.js';
import { createGatewayLogger } from './gateway-logger.js';
import { startGateway } from './gateway.js';
import type { Gateway } from './http/listen-gateway.js';

/**
 * The gateway as a process of its own (`npm run gateway`) or as a child of `npm start`: it sends `{ type: 'ready', address }`
 * when it listens, ends within 3 s of SIGTERM or SIGINT, and ends with its parent.
 */
const shutdownMilliseconds = 2500;

const log = createGatewayLogger({ logLevel: 'info' });

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  log.level = settings.logLevel;
  weighBuffersWithHeap();
  const dependencies = await openGatewayDependencies(settings, { searchPath: process.env['PATH'], environment: process.env, onProblem: (reason) => log.warn({ reason }, 'something is wrong that stops nobody') });
  let gateway: Gateway;
  try {
    gateway = await startGateway({ settings, dependencies, log });
  } catch (error) {
    await dependencies.close();
    throw error;
  }
  const stop = stopper(async () => {
    await gateway.close();
    await dependencies.close();
  });
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.once('disconnect', stop);
  log.info({ address: gateway.address }, `the control API listens on ${gateway.address}`);
  process.send?.({ type: 'ready', address: gateway.address });
}

/** A second signal changes nothing; what hangs is left behind after `shutdownMilliseconds`. */
function stopper(close: () => Promise<void>): () => void {
  let stopping = false;
  return () => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(0), shutdownMilliseconds).unref();
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'stopping');
        process.exit(1);
      },
    );
  };
}

main().catch((error: unknown) => {
  const message = isMillraceError(error) ? error.message : 'the gateway cannot start';
  log.fatal({ err: error, suggestion: isMillraceError(error) ? error.suggestion : undefined }, `ERROR: ${message}`);
  process.exitCode = 1;
  log.flush(() => process.exit(1));
});
