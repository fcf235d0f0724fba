// Compiles the TypeScript sources to dist/ (file by file, no type check: `npm run typecheck` does that).
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const sources = ['apps', 'workflows', 'activities', 'libs', 'temporal', 'bench', 'tests', 'examples'].filter((name) => existsSync(path.join(root, name)));
// Aside first and then in one go: a running server starts its processes from dist.
const cache = path.join(root, 'node_modules', '.cache');
mkdirSync(cache, { recursive: true });
const staging = mkdtempSync(path.join(cache, 'millrace-build-'));
const output = path.join(staging, 'new');
const swc = spawnSync(process.execPath, [path.join(root, 'node_modules/@swc/cli/bin/swc.js'), ...sources, '-d', output, '--config-file', '.swcrc', '--copy-files', '--ignore', '**/*.spec.ts', '--quiet'], { cwd: root, stdio: 'inherit' });
if (swc.status === 0) {
  const dist = path.join(root, 'dist');
  if (existsSync(dist)) renameSync(dist, path.join(staging, 'old'));
  renameSync(output, dist);
}
rmSync(staging, { recursive: true, force: true });
if (swc.status !== 0) process.exit(swc.status ?? 1);

// The workflows as one script (dist/workflow-bundle.js), so that no worker has to bundle them when it starts.
const bundle = spawnSync(process.execPath, [path.join(root, 'dist/temporal/workflow-bundle.js')], { cwd: root, stdio: 'inherit' });
process.exit(bundle.status ?? 1);
