// `node scripts/with-toolchain.mjs <task> [arguments]`: brings a fresh clone to the point where the task can run, then runs it on the
// project's own Node. This file itself must run on Node 20 with nothing installed.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const node = path.join(root, 'node_modules', '.bin', 'node');
const programs = {
  server: 'apps/server/main.js',
  gateway: 'apps/gateway/main.js',
  record: 'apps/record/main.js',
  proxy: 'apps/proxy/main.js',
  cache: 'apps/cache/main.js',
  worker: 'apps/worker/main.js',
  demo: 'apps/cli/demo.js',
  bench: 'bench/main.js',
  test: 'tests/run.js',
  fuzz: 'tests/fuzz/main.js',
};
const sourceFolders = ['apps', 'workflows', 'activities', 'libs', 'temporal', 'bench', 'tests', 'examples'];

/** The child that signals are passed on to. */
let running;
/** The signal that ended (or is ending) this run. */
let interrupted;

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(name, () => {
    interrupted ??= name;
    running?.kill(name);
  });
}

const [task, ...taskArguments] = process.argv.slice(2);
const program = programs[task];
if (program === undefined) {
  console.error(`usage: node scripts/with-toolchain.mjs ${Object.keys(programs).join('|')} [arguments]`);
  process.exit(64);
}
await oneAtATime(async () => {
  await install();
  await build();
});
const compiled = path.join(root, 'dist', program);
if (!existsSync(compiled)) fail(`${path.relative(root, compiled)} was not built`);
// Most of a start is loading code; Node keeps its compiled form from one start to the next.
const compileCache = { NODE_COMPILE_CACHE: path.join(root, 'node_modules', '.cache', 'node-compile'), ...process.env };
process.exit(await run(node, ['--enable-source-maps', compiled, ...taskArguments], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'], environment: compileCache }));

/** `npm ci` when node_modules is not what package-lock.json says. */
async function install() {
  const stamp = path.join(root, 'node_modules', '.millrace-stamp');
  const wanted = createHash('sha256').update(readFileSync(path.join(root, 'package-lock.json'))).digest('hex');
  if (existsSync(node) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  // A checkout that was installed by hand is as good as one that was installed from here.
  const lockOfInstalled = path.join(root, 'node_modules', '.package-lock.json');
  if (existsSync(node) && !existsSync(stamp) && existsSync(lockOfInstalled) && isNewer(lockOfInstalled, path.join(root, 'package-lock.json'))) {
    writeFileSync(stamp, wanted);
    return;
  }
  say('installing the packages (npm ci; a few minutes at most)');
  const npm = process.env.npm_execpath === undefined ? ['npm'] : [process.execPath, process.env.npm_execpath];
  const code = await withProgress('installing', () => run(npm[0], [...npm.slice(1), 'ci', '--no-audit', '--no-fund', '--loglevel=error'], { stdio: ['ignore', 'ignore', 'inherit'] }));
  if (code !== 0) fail(`npm ci failed (exit code ${code})`, code);
  if (!existsSync(node)) fail('npm ci did not install the project\'s Node (node_modules/.bin/node)');
  writeFileSync(stamp, wanted);
}

/** Compiles when any source, or what decides on compiling, is newer than the last build. */
async function build() {
  const stamp = path.join(root, 'dist', '.stamp');
  const wanted = sourcesDigest();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  say('compiling');
  const code = await run(node, [path.join(root, 'scripts', 'build.mjs')], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (code !== 0) fail('compiling failed', code);
  mkdirSync(path.dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}

/** Names, sizes and times of all sources: sees deleted files and older ones from another branch too, unlike "newer than". */
function sourcesDigest() {
  const hash = createHash('sha256');
  const add = (file) => {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${path.relative(root, file)} ${size} ${mtimeMs}\n`);
  };
  for (const name of ['.swcrc', 'package-lock.json', path.join('scripts', 'build.mjs')]) add(path.join(root, name));
  for (const folder of sourceFolders.filter((name) => existsSync(path.join(root, name)))) {
    for (const entry of readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true }).sort((a, b) => (path.join(a.parentPath ?? a.path, a.name) < path.join(b.parentPath ?? b.path, b.name) ? -1 : 1))) {
      if (entry.isFile()) add(path.join(entry.parentPath ?? entry.path, entry.name));
    }
  }
  return hash.digest('hex');
}

/** Two commands at once in one checkout must not install or compile over each other. */
async function oneAtATime(work) {
  const lock = path.join(root, '.toolchain-lock');
  for (let waited = 0; ; waited += 1) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = readHolder(lock);
    if (holder === undefined ? waited > 20 : !isAlive(holder)) {
      rmSync(lock, { recursive: true, force: true }); // its holder was killed
      continue;
    }
    if (waited % 50 === 0) say(`waiting for another command that installs or compiles here (process ${holder})`);
    await delay(200);
    if (interrupted !== undefined) process.exit(130);
  }
  const release = () => rmSync(lock, { recursive: true, force: true });
  process.once('exit', release);
  writeFileSync(path.join(lock, 'pid'), String(process.pid));
  await work();
  process.removeListener('exit', release);
  release();
}

function readHolder(lock) {
  try {
    return Number(readFileSync(path.join(lock, 'pid'), 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Resolves with the exit code; a signal becomes 128 + its number, as a shell has it. */
function run(command, args, { environment = process.env, ...options }) {
  if (interrupted !== undefined) process.exit(130);
  return new Promise((resolve, reject) => {
    running = spawn(command, args, { cwd: root, env: { ...environment, PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH ?? '/usr/bin:/bin'}` }, ...options });
    running.once('error', (error) => reject(new Error(`${command} could not be started: ${error.message}`)));
    running.once('exit', (code, signal) => {
      running = undefined;
      resolve(code ?? 128 + ({ SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[signal] ?? 0));
    });
  });
}

async function withProgress(label, work) {
  const started = Date.now();
  const timer = setInterval(() => say(`${label}: still at it after ${Math.round((Date.now() - started) / 1000)} s`), 10_000);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

function isNewer(file, than) {
  return statSync(file).mtimeMs >= statSync(than).mtimeMs;
}

function say(message) {
  process.stderr.write(`millrace: ${message}\n`);
}

function fail(message, code = 1) {
  say(`error: ${message}`);
  process.exit(interrupted === undefined ? code : 130);
}
