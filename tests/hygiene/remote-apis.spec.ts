import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from '@jest/globals';

it('finds the generated types of the remote APIs as their protos say', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'remote-apis-'));
  try {
    execFileSync(process.execPath, ['scripts/generate-remote-apis.mjs', path.join(folder, 'generated')]);
    expect(filesIn('libs/remote-apis/generated')).toEqual(filesIn(path.join(folder, 'generated')));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

function filesIn(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(names.map((entry) => path.join(entry.parentPath, entry.name)).map((file) => [path.relative(folder, file), readFileSync(file, 'utf8')]).sort());
}
