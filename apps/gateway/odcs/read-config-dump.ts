import { open } from 'node:fs/promises';
import type { ComposePlan } from '../../../libs/compose/compose-plan.js';
import type { Compose } from '../../../libs/compose/compose.js';
import type { ContentStore } from '../../../libs/repository-source/content-store.js';

/** Bytes; the engine keeps no larger one. */
const largestPlan = 40 * 1024 ** 2;

/** JSON of the whole configuration that a compose of Pungi was made of, where its plan keeps that. Null as well when the plan is not stored any more. */
export async function readConfigDump(content: Pick<ContentStore, 'file'>, { plan, request }: Pick<Compose, 'plan' | 'request'>): Promise<string | null> {
  if (plan === null || request.sourceType !== 'raw_config') return null;
  const handle = await open(content.file(plan)).catch(() => undefined);
  if (handle === undefined) return null;
  try {
    if ((await handle.stat()).size > largestPlan) return null;
    return (JSON.parse(await handle.readFile('utf8')) as ComposePlan).pungi?.configDump ?? null;
  } finally {
    await handle.close();
  }
}
