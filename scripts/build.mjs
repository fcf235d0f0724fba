// Compiles the TypeScript sources to dist/ (file by file, no type check: `npm run typecheck` does that).
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { existsSync } from 'node:fs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const sources = ['apps', 'workflows', 'activities', 'libs', 'temporal', 'bench', 'tests', 'examples'].filter((name) => existsSync(path.join(root, name)));
const swc = spawnSync(process.execPath, [path.join(root, 'node_modules/@swc/cli/bin/swc.js'), ...sources, '-d', 'dist', '--config-file', '.swcrc', '--copy-files', '--ignore', '**/*.spec.ts,**/__fixtures__/**', '--quiet'], { cwd: root, stdio: 'inherit' });
process.exit(swc.status ?? 1);
