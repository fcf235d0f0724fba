import { selectPackages } from '../../libs/rpm/resolution/select-packages.js';
import type { SelectionRequest } from '../../libs/rpm/resolution/selection.js';
import { synthesizePackages } from './synthetic-packages.js';

export interface SelectionMeasurement {
  readonly packages: number;
  readonly kind: string;
  readonly selected: number;
  readonly broken: number;
  /** Of each round. */
  readonly milliseconds: readonly number[];
}

const kinds: Readonly<Record<string, Partial<SelectionRequest>>> = {
  'whole repository': {},
  'whole repository, checked': { checkDependencies: true },
  'closure of 100 names': { dependencies: true },
  'closure of everything, checked': { wanted: ['*'], dependencies: true, checkDependencies: true },
};

/** How long it takes to select out of so many packages. */
export async function measureSelection(count: number, rounds: number): Promise<readonly SelectionMeasurement[]> {
  const packages = synthesizePackages(count);
  const names = Array.from({ length: 100 }, (_, index) => `package-${Math.floor((index * count) / 100)}`);
  const measured: SelectionMeasurement[] = [];
  for (const [kind, more] of Object.entries(kinds)) {
    const base = { packages, lookaside: [], arch: 'x86_64', useOnlyCompatibleArch: false, dependencies: false, checkDependencies: false, multilib: [] };
    const request: SelectionRequest = { ...base, wanted: kind.endsWith('names') ? names : [], findFileOwners: async () => new Map(), ...more };
    const milliseconds: number[] = [];
    let [selected, broken] = [0, 0];
    for (let round = 0; round < rounds; round += 1) {
      const start = performance.now();
      const selection = await selectPackages(request);
      milliseconds.push(Math.round(performance.now() - start));
      [selected, broken] = [selection.packages.length, selection.broken.length];
    }
    measured.push({ packages: count, kind, selected, broken, milliseconds });
  }
  return measured;
}

if (process.argv[1]?.endsWith('measure-selection.js') === true) {
  for (const count of [1_000, 10_000, 50_000]) for (const measurement of await measureSelection(count, 5)) console.log(JSON.stringify(measurement));
}
