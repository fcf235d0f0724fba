import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { projectRoot } from '../libs/embedded/project-root.js';
import { sharedServiceVariable, startClientService } from './clients/client-service.js';
import { installMissingClients } from './install-clients.js';
import { verdictsVariable } from './strict/record-verdict.js';
import { readVerdicts, renderVerdicts } from './strict/verdict-table.js';
import { startTestServers } from './test-servers.js';

/** `npm test`: the static checks and the whole suite. With arguments: only jest, with them. The last line is `N passed, N failed`. */
interface Tally {
  passed: number;
  failed: number;
}

const root = projectRoot();
const bin = (name: string): string => path.join(root, 'node_modules', name);
const staticChecks: readonly { readonly name: string; readonly args: readonly string[] }[] = [
  { name: 'type-check', args: [bin('typescript/bin/tsc'), '--noEmit', '-p', 'tsconfig.json'] },
  { name: 'lint', args: [bin('eslint/bin/eslint.js'), '.', '--max-warnings', '0'] },
  { name: 'depcheck', args: [bin('dependency-cruiser/bin/dependency-cruise.mjs'), '--config', '.dependency-cruiser.cjs', 'apps', 'workflows', 'activities', 'libs', 'temporal', 'bench'] },
];

/** Specs mostly wait for others: two at a time take little longer than one. */
const workers = Math.max(2, os.availableParallelism() - 1);

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop.abort(new Error(`ended by ${name}`)));
if (process.channel !== undefined && process.channel !== null) {
  process.on('disconnect', () => stop.abort(new Error('the wrapper is gone')));
  process.channel.unref();
}

async function main(jestArguments: readonly string[]): Promise<Tally> {
  const tally: Tally = { passed: 0, failed: 0 };
  if (jestArguments.length === 0) {
    for (const check of staticChecks) {
      say(check.name);
      if ((await run(check.args, process.env)) === 0) tally.passed += 1;
      else {
        tally.failed += 1;
        say(`${check.name} failed`);
      }
    }
  }
  const home = mkdtempSync(path.join(os.tmpdir(), 'millrace-test-'));
  const verdicts = path.join(home, 'verdicts');
  try {
    if (jestArguments.length === 0) await installMissingClients({ say, signal: stop.signal });
    const servers = await startTestServers({ home, onProgress: say, signal: stop.signal });
    try {
      await withSharedService(jestArguments, (shared) => runJest(jestArguments, { environment: { ...process.env, ...servers.environment, ...shared, [verdictsVariable]: verdicts }, resultsFile: path.join(home, 'jest.json'), tally }));
    } finally {
      await servers.stop();
    }
    if (jestArguments.length === 0 && tally.failed === 0) checkVerdicts(verdicts, tally);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
  return tally;
}

/** The page of strict verdicts says what the specs saw, no more and no less. */
function checkVerdicts(directory: string, tally: Tally): void {
  // What was left out on request is missing from the page, and no reason to change it.
  if ((process.env['MILLRACE_TEST_WITHOUT'] ?? '') !== '') return;
  const file = path.join(root, 'docs/reference/strict-verdicts.md');
  const page = renderVerdicts(readVerdicts(directory));
  if (process.env['MILLRACE_UPDATE_DOCS'] === '1') writeFileSync(file, page);
  const committed = readFileSync(file, 'utf8');
  if (committed === page) {
    tally.passed += 1;
    return;
  }
  tally.failed += 1;
  say('docs/reference/strict-verdicts.md is not what the specs saw; run MILLRACE_UPDATE_DOCS=1 npm test. It differs in:');
  const [was, is] = [new Set(committed.split('\n')), new Set(page.split('\n'))];
  for (const line of was.difference(is)) say(`- ${line}`);
  for (const line of is.difference(was)) say(`+ ${line}`);
}

/** The whole suite runs its real clients against one service; a part of the suite starts one where it needs one. */
async function withSharedService(jestArguments: readonly string[], work: (environment: Readonly<Record<string, string>>) => Promise<void>): Promise<void> {
  if (jestArguments.length > 0) return work({});
  const service = await startClientService({ signal: stop.signal });
  try {
    await work({ [sharedServiceVariable]: service.home });
  } finally {
    await service.stop();
  }
}

interface JestRun {
  readonly environment: NodeJS.ProcessEnv;
  readonly resultsFile: string;
  readonly tally: Tally;
}

async function runJest(jestArguments: readonly string[], { environment, resultsFile, tally }: JestRun): Promise<void> {
  const chosen = jestArguments.length === 0 ? [`--maxWorkers=${workers}`] : jestArguments;
  const code = await run(['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', bin('jest/bin/jest.js'), '--json', `--outputFile=${resultsFile}`, ...chosen], environment);
  const results = readResults(resultsFile);
  tally.passed += results?.numPassedTests ?? 0;
  // A spec file that cannot even be loaded has no tests that could fail, so it counts by itself.
  const failed = (results?.numFailedTests ?? 0) + (results?.numRuntimeErrorTestSuites ?? 0);
  tally.failed += failed === 0 && code !== 0 ? 1 : failed;
}

function readResults(file: string): { numPassedTests: number; numFailedTests: number; numRuntimeErrorTestSuites: number } | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ReturnType<typeof readResults>;
  } catch {
    return undefined;
  }
}

/** Runs a program on this Node; what it prints goes to standard error, so that the tally is all there is on standard output. */
function run(args: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  if (stop.signal.aborted) return Promise.resolve(1);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, env: environment, stdio: ['ignore', 2, 2] });
    const end = (): void => void child.kill('SIGTERM');
    stop.signal.addEventListener('abort', end);
    child.once('error', reject);
    child.once('exit', (code) => {
      stop.signal.removeEventListener('abort', end);
      resolve(code ?? 1);
    });
  });
}

function say(message: string): void {
  process.stderr.write(`test: ${message}\n`);
}

let tally: Tally = { passed: 0, failed: 1 };
try {
  tally = await main(process.argv.slice(2));
} catch (error) {
  say(`error: ${error instanceof Error ? error.message : String(error)}`);
}
if (stop.signal.aborted) {
  say('interrupted');
  tally.failed = Math.max(tally.failed, 1);
}
process.exitCode = tally.failed === 0 && tally.passed > 0 ? 0 : 1;
process.stdout.write(`${tally.passed} passed, ${tally.failed} failed\n`);
