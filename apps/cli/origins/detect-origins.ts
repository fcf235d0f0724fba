import { cargoOrigins, goOrigins, npmOrigins, pipOrigins, scriptingOrigins } from './detect-language-origins.js';
import { aptOrigins, javaOrigins, nugetOrigins, ociOrigins, rpmOrigins } from './detect-system-origins.js';
import type { Found } from './found-origin.js';
import type { Machine } from './machine.js';

/** Asks every package manager of the machine, one after the other, where it fetches from. */
export async function detectOrigins(machine: Machine): Promise<Found> {
  const { origins, keys } = await aptOrigins(machine);
  const found = [...origins];
  for (const detect of [npmOrigins, pipOrigins, cargoOrigins, goOrigins, scriptingOrigins, javaOrigins, rpmOrigins, nugetOrigins, ociOrigins]) found.push(...(await detect(machine)));
  return { origins: found, keys };
}
