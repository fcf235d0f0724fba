import type { TrafficTotals } from './session-messages.js';

export const noTraffic: TrafficTotals = { position: 0, downloads: 0, refused: 0, failed: 0, bytes: 0, violations: 0 };

/** False for a position that is known already, and for anything that is not a set of totals. */
export function isNewerTraffic(candidate: unknown, known: TrafficTotals): boolean {
  if (typeof candidate !== 'object' || candidate === null) return false;
  const totals = candidate as Partial<Record<keyof TrafficTotals, unknown>>;
  const names = Object.keys(noTraffic) as (keyof TrafficTotals)[];
  return names.every((name) => isCount(totals[name])) && (totals.position as number) > known.position;
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
