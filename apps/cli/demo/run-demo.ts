import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { SessionPolicy } from '../../../libs/policy/session-policy.js';
import { closeBuildSession, openBuildSession } from '../build-session.js';
import type { BuildSession, SessionRecord } from '../build-session.js';
import type { ControlClient } from '../control-client.js';
import { runChild } from '../run-child.js';
import { homeOf } from '../service-address.js';
import { endSession } from '../session-api.js';
import type { SignalRelay } from '../signal-relay.js';
import { summaryText } from '../summary-table.js';
import { paint, printable } from '../terminal.js';
import type { Terminal } from '../terminal.js';
import { findTool, prepareBuild } from './demo-build.js';
import type { DemoBuild } from './demo-build.js';
import { withProgress } from './progress.js';

const demoPolicy: SessionPolicy = 'strict';
const shownLines = 25;

export interface Demo {
  readonly client: ControlClient;
  readonly builds: readonly DemoBuild[];
  readonly terminal: Terminal;
  readonly relay: SignalRelay;
}

/** One session, one build with each package manager of this machine, one report. Answers whether all of it went well. */
export async function runDemo(demo: Demo): Promise<boolean> {
  const { client, terminal } = demo;
  const session = await openBuildSession(client, { policy: demoPolicy, timeout: 3600 }, terminal.environment);
  const { id, links } = session.created;
  heading(terminal, `Session ${id} is open (${demoPolicy}). Building through the proxy:`);
  let allBuilt = false;
  try {
    allBuilt = await buildAll(demo, session);
  } finally {
    const record = await closeBuildSession(client, session);
    const file = await keepReport(homeOf(terminal.environment), id, record);
    heading(terminal, 'The token is revoked. What the builds took in:');
    terminal.out(`\n${summaryText(record, terminal)}\n`);
    terminal.out(`Report: ${file}\n`);
    if (links.workflow !== null) terminal.out(`Session in the Temporal UI: ${links.workflow}\n`);
    await endSession(client, id);
    terminal.out(`Session ${id} has ended; the service has deleted what it stored for it.\n`);
    allBuilt &&= record.summary.artefacts.length > 0;
  }
  return allBuilt;
}

async function buildAll(demo: Demo, session: BuildSession): Promise<boolean> {
  const directory = await mkdtemp(path.join(tmpdir(), 'millrace-demo-'));
  try {
    let built = 0;
    let failed = 0;
    for (const build of demo.builds) {
      if (demo.relay.received !== undefined) return false;
      const tool = findTool(build, demo.terminal.environment);
      if (tool === undefined) {
        demo.terminal.out(`  ${paint(demo.terminal, 'dim', '–')} ${build.name}: not on this machine, left out\n`);
      } else if (await buildOne(demo, session, { build, tool, directory: path.join(directory, build.name.toLowerCase()) })) {
        built += 1;
      } else {
        failed += 1;
      }
    }
    return built > 0 && failed === 0;
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  }
}

interface BuildStep {
  readonly build: DemoBuild;
  readonly tool: string;
  readonly directory: string;
}

async function buildOne({ terminal, relay }: Demo, session: BuildSession, { build, tool, directory }: BuildStep): Promise<boolean> {
  await mkdir(directory, { recursive: true });
  const environment = await prepareBuild(build, directory, session.environment);
  const log = path.join(directory, 'millrace-demo.log');
  const start = performance.now();
  const outcome = await withProgress(terminal, `${build.name}: ${path.basename(tool)} ${build.parameters.join(' ')}`, async () => {
    await using output = await open(log, 'w');
    return await runChild({ command: [tool, ...build.parameters], environment, directory, output: output.fd }, relay);
  });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  if (outcome.exitCode === 0) {
    terminal.out(`  ${paint(terminal, 'green', '✓')} ${build.name}: built in ${seconds} s\n`);
    return true;
  }
  terminal.out(`  ${paint(terminal, 'red', '✗')} ${build.name}: failed after ${seconds} s (${outcome.failure ?? `exit code ${outcome.exitCode}`})\n`);
  for (const line of (await readFile(log, 'utf8')).trimEnd().split('\n').slice(-shownLines)) terminal.out(`      ${printable(line)}\n`);
  return false;
}

async function keepReport(home: string, id: string, record: SessionRecord): Promise<string> {
  const file = path.join(home, 'reports', `${id}.json`);
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, `${JSON.stringify(JSON.parse(record.report), null, 2)}\n`, { mode: 0o600 });
  return file;
}

function heading(terminal: Terminal, text: string): void {
  terminal.out(`\n${paint(terminal, 'bold', text)}\n`);
}
