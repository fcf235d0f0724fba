import fc from 'fast-check';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';

/**
 * Runs a fuzz target on its seeds with some bytes changed, and some seeds cut short: fails when a parser throws anything but a reason.
 * Bytes behind `reach` are left alone, where a large file's headers are what matters.
 */
export async function surviveMutation(target: FuzzTarget, reach = Number.MAX_SAFE_INTEGER): Promise<void> {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...target.seeds()), changes, fc.option(fc.nat()), async (seed, bytes, cut) => {
      const mutated = Buffer.from(cut === null ? seed : seed.subarray(0, 1 + (cut % seed.length)));
      for (const [offset, value] of bytes) mutated[offset % Math.min(mutated.length, reach)] = value;
      await target.run(mutated);
    }),
    { numRuns: 300 },
  );
}
