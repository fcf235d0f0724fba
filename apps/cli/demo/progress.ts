import { paint } from '../terminal.js';
import type { Terminal } from '../terminal.js';

const quietInterval = 10_000;

/** Shows that a long step is alive: a running clock on a terminal, a line every ten seconds elsewhere. */
export async function withProgress<Result>(terminal: Terminal, title: string, step: () => Promise<Result>): Promise<Result> {
  const start = performance.now();
  const elapsed = (): string => `${((performance.now() - start) / 1000).toFixed(0)} s`;
  const animated = terminal.colour;
  terminal.err(animated ? `  ${title} …` : `  ${title} …\n`);
  const timer = setInterval(
    () => terminal.err(animated ? `\r\u001b[2K  ${title} … ${paint(terminal, 'dim', elapsed())}` : `  ${title} … ${elapsed()}\n`),
    animated ? 1_000 : quietInterval,
  );
  try {
    return await step();
  } finally {
    clearInterval(timer);
    if (animated) terminal.err('\r\u001b[2K');
  }
}
