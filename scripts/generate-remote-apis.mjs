// `node scripts/generate-remote-apis.mjs [folder]`: types and services from libs/remote-apis/protos, by default into libs/remote-apis/generated. Needs no network.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const library = path.join(root, 'libs/remote-apis');
const output = path.resolve(process.argv[2] ?? path.join(library, 'generated'));
const programs = path.join(root, 'node_modules/.bin');

rmSync(output, { recursive: true, force: true });
const buf = spawnSync(path.join(programs, 'buf'), ['generate', '--output', path.dirname(output)], { cwd: library, stdio: 'inherit', env: { ...process.env, PATH: `${programs}${path.delimiter}${process.env.PATH ?? ''}` } });
if (buf.error !== undefined) throw buf.error;
process.exit(buf.status ?? 1);
