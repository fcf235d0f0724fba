import { MillraceError } from '../../libs/errors/millrace-error.js';
import { demoBuilds } from './demo/demo-build.js';
import { demoService } from './demo/demo-service.js';
import { runDemo } from './demo/run-demo.js';
import { reportFailure } from './report-failure.js';
import { homeOf } from './service-address.js';
import { SignalRelay } from './signal-relay.js';
import { processTerminal } from './terminal.js';
import type { Terminal } from './terminal.js';

/** `npm run demo`: the service from embedded defaults, real builds through its proxy, their report; 0 when all of it went well. */
async function main(terminal: Terminal): Promise<number> {
  using relay = new SignalRelay(process, { interactive: terminal.interactive });
  const started = performance.now();
  const interrupted = new AbortController();
  relay.onReceive = () => interrupted.abort();
  endWithParent();
  terminal.out(`Millrace demo, home ${homeOf(terminal.environment)}\n`);
  const service = await demoService({ environment: terminal.environment, signal: interrupted.signal, onProgress: (line) => terminal.out(`  ${line}\n`) });
  terminal.out(service.started ? `The service is up after ${seconds(started)}.\n` : 'The service runs already and is left running.\n');
  try {
    const well = await runDemo({ client: service.client, builds: demoBuilds, terminal, relay });
    terminal.out(well ? `\nAll went well, in ${seconds(started)}.\n` : '\nNot all went well.\n');
    if (relay.received !== undefined) throw new MillraceError('start-failed', `stopped by ${relay.received}`);
    return well ? 0 : 1;
  } finally {
    if (service.started) terminal.out('Stopping the service.\n');
    await service.stop();
  }
}

/** The npm script that started this may be killed; then nobody waits for the demo any more. */
function endWithParent(): void {
  process.on('disconnect', () => process.emit('SIGTERM'));
  process.channel?.unref();
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

const terminal = processTerminal(process.env);
try {
  process.exitCode = await main(terminal);
} catch (error) {
  process.exitCode = reportFailure(error, terminal, false);
}
