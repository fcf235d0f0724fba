import { globSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import type { FuzzTarget } from '../../libs/testing/fuzz-target.js';
import { projectRoot } from '../../libs/embedded/project-root.js';
import { mutate, seededRandom } from './mutate.js';
import { findTargets, runTarget } from './run-target.js';

/** Inputs for each target; `npm run fuzz` runs as many as its time allows, with another seed each time. */
const inputs = 150;

const targets = await findTargets(projectRoot());

describe('fuzzing', () => {
  it('covers every parser that has a target, each by a name of its own', () => {
    const files = globSync('libs/**/__fuzz__/*.fuzz.ts', { cwd: projectRoot() });
    expect(targets.length).toBeGreaterThanOrEqual(files.length);
    expect(new Set(targets.map(({ name }) => name)).size).toBe(targets.length);
  });

  it.each(targets.map((target) => [target.name, target] as const))(
    '%s reads or refuses with a reason whatever it is given',
    async (_name, target) => {
      const { finding } = await runTarget(target, { seed: 1, goOn: (done) => done < inputs });
      expect(finding === undefined ? undefined : { message: finding.message, input: finding.input.toString('base64').slice(0, 4096) }).toBeUndefined();
    },
    120_000,
  );

  it('finds what a parser does not expect, and is content with a refusal', async () => {
    const parser = (fails: (input: Buffer) => Error | undefined): FuzzTarget => ({
      name: 'example',
      seeds: () => [Buffer.from('{"size": 10}')],
      run(input) {
        const failure = fails(input);
        return failure === undefined ? Promise.resolve() : Promise.reject(failure);
      },
    });
    const goOn = (done: number): boolean => done < 2000;
    const surprised = await runTarget(parser((input) => (input.includes('{"size": 1}') ? undefined : input.includes('__proto__') ? new TypeError('x of undefined') : undefined)), { seed: 1, goOn });
    expect(surprised.finding?.message).toContain('x of undefined');
    const refusing = await runTarget(parser(() => new MillraceError('invalid-request', 'no')), { seed: 1, goOn });
    expect(refusing).toEqual({ inputs: 2000, finding: undefined });
  });

  it('makes the same inputs of the same seed', () => {
    const make = (seed: number): string[] => {
      const random = seededRandom(seed);
      return Array.from({ length: 50 }, () => mutate([Buffer.from('seed one'), Buffer.alloc(300, 7)], random).toString('base64'));
    };
    expect(make(5)).toEqual(make(5));
    expect(new Set([...make(5), ...make(6)]).size).toBeGreaterThan(80);
  });
});

