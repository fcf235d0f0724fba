import { isRecord, own } from '../../inspection/bounded-json.js';
import type { InspectionContext, SessionKnowledge } from '../../inspection/inspector.js';
import { readRegistryKeys, type RegistryKey } from './registry-signatures.js';

/** Path of a registry's signing keys, below its base. */
export const keysPath = '/-/npm/v1/keys';
const nothing = 'none';

/** Remembers what a registry answered at `keysPath`; `registry` is its URL without `/` at the end. */
export async function rememberRegistryKeys(registry: string, answer: string, { knowledge, signal }: Pick<InspectionContext, 'knowledge' | 'signal'>): Promise<void> {
  signal?.throwIfAborted();
  await knowledge.put(keyOf(registry), answer);
}

/**
 * The keys that a registry signs with: those of the configuration (`npm.keys`) when there are any, else what the registry itself says, asked
 * for once in a session. Undefined: nobody knows any. Throws the reason when the configured ones are none.
 */
export async function findRegistryKeys(registry: string, context: InspectionContext): Promise<readonly RegistryKey[] | undefined> {
  const section = own(context.configuration, 'npm');
  const configured = isRecord(section) ? own(section, 'keys') : undefined;
  if (configured !== undefined) return readRegistryKeys(configured);
  const known = await readKnown(registry, context.knowledge);
  if (known !== undefined || context.consult === undefined) return known === nothing ? undefined : parse(known);
  const outcome = await context.consult(registry + keysPath, { accept: 'application/json' });
  // Not every registry signs: it is not asked again for every tarball.
  if (outcome !== 'approved') await rememberRegistryKeys(registry, nothing, context);
  const learnt = await readKnown(registry, context.knowledge);
  return learnt === nothing ? undefined : parse(learnt);
}

function parse(answer: string | undefined): readonly RegistryKey[] | undefined {
  return answer === undefined ? undefined : readRegistryKeys(JSON.parse(answer)); // checked before it was remembered
}

function readKnown(registry: string, knowledge: SessionKnowledge): Promise<string | undefined> {
  return knowledge.get(keyOf(registry));
}

function keyOf(registry: string): string {
  return `npm/keys/${registry}`;
}
