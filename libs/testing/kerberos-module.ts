import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../embedded/project-root.js';
import { toolCacheDirectory } from '../../temporal/tool-cache.js';

/** The native module of the package kerberos, built into the tool cache when it is not there: a few seconds. */
export async function kerberosModule(): Promise<string> {
  const script = path.join(projectRoot(), 'scripts/build-kerberos.mjs');
  const { version } = createRequire(import.meta.url)('kerberos/package.json') as { version: string };
  const digest = createHash('sha256').update(readFileSync(script)).digest('hex').slice(0, 8);
  const module = path.join(toolCacheDirectory(process.env), `kerberos-${version}-${process.arch}-${digest}`, 'kerberos.node');
  if (!existsSync(module)) await promisify(execFile)(process.execPath, [script, module]);
  return module;
}
