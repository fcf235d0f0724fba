import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { recordVerdict, verdictsVariable } from './record-verdict.js';
import { readVerdicts, renderVerdicts } from './verdict-table.js';

const before = process.env[verdictsVariable];
afterEach(() => {
  if (before === undefined) delete process.env[verdictsVariable];
  else process.env[verdictsVariable] = before;
});

describe('the table of strict verdicts', () => {
  it('has a row for what each spec recorded, whatever the order and however often', () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'millrace-verdicts-'));
    process.env[verdictsVariable] = directory;
    const tampered = { ecosystem: 'npm', client: 'npm ci', build: 'one byte changed', verdict: 'refused', reason: 'digest a|b' } as const;
    const honest = { ecosystem: 'npm', client: 'npm ci', build: 'two packages', verdict: 'passes' } as const;
    for (const row of [tampered, honest, tampered]) recordVerdict(row);
    const rows = readVerdicts(directory);
    rmSync(directory, { recursive: true });
    expect(rows).toHaveLength(2);
    const page = renderVerdicts(rows);
    expect(page.split('\n').slice(-3)).toEqual(['| npm | npm ci | two packages | passes |  |', '| npm | npm ci | one byte changed | refused | digest a\\|b |', '']);
    expect(renderVerdicts(rows.toReversed())).toBe(page);
  });
});
