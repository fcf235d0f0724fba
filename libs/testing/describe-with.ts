import { describe, expect, it } from '@jest/globals';

/** Specs that need a program of the machine: without it they fail and say so; only one that MILLRACE_TEST_WITHOUT (comma list) names is left out, which is then to be read in the results. */
export function describeWith(program: string, name: string, body: () => void): void {
  const without = (process.env['MILLRACE_TEST_WITHOUT'] ?? '').split(',');
  describe(name, () => {
    if (without.includes(program)) it('is left out, as MILLRACE_TEST_WITHOUT says', () => expect(without).toContain(program));
    else body();
  });
}
