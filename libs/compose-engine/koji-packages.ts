import type { PinnedInputs } from '../compose/compose-plan.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { LoadedKoji } from '../koji/koji-source.js';
import type { GenerationContext } from './generation-context.js';

/** The pinned packages of a hub; undefined where the inputs have none. Errors: those of `KojiSource.load`; `invalid-setting` where no hub is configured. */
export async function loadKoji(context: GenerationContext, { request, koji: pinned }: PinnedInputs): Promise<LoadedKoji | undefined> {
  const { koji, log, signal } = context;
  if (pinned === undefined) return undefined;
  if (koji === undefined) throw new MillraceError('invalid-setting', `this compose has packages of the Koji hub ${pinned.hub}, and this worker knows no hub`, { suggestion: 'Set MILLRACE_KOJI_HUB on every worker alike.' });
  log.step(`reading packages of the Koji hub ${pinned.hub}, event ${pinned.event ?? 'none'}`);
  const onProgress = (done: number, total: number): void => context.progress('resolve', done, total);
  const loaded = await koji.load(request, pinned, { index: 0, signal, onProgress });
  log.info(`Koji hub ${pinned.hub}, list ${pinned.listing}: ${loaded.packages.length} packages for ${request.arches.join(', ')}`);
  for (const location of loaded.withoutCopy) log.warn(`Koji has a wanted signature of this package, but no file that is signed with it: ${location} is taken instead`);
  return loaded;
}

/** Files of the hub are checked against what the hub says of them; all others are fetched as before. */
export function withKojiFiles(context: GenerationContext, koji: LoadedKoji | undefined): GenerationContext {
  if (koji === undefined) return context;
  return { ...context, source: { ...context.source, fetch: (file, options) => koji.fetch(file.location, options) ?? context.source.fetch(file, options) } };
}
