import type { InspectionContext, SessionKnowledge, VisibilityLimit } from '../../inspection/inspector.js';
import { explainHidden } from '../declarations/publication-time.js';
import { escapeModule } from './module-path.js';

/** A release at a module proxy. */
export interface ProxiedRelease {
  readonly module: string;
  readonly version: string;
  /** URL of the proxy, without `/` at its end. */
  readonly proxy: string;
}

/** Remembers the time of a release, as `readPublicationTime` gives it. */
export async function rememberTime({ module, version, proxy }: ProxiedRelease, published: string, { knowledge, signal }: Pick<InspectionContext, 'knowledge' | 'signal'>): Promise<void> {
  if (published === '') return;
  signal?.throwIfAborted();
  await knowledge.put(keyOf({ module, version, proxy }), published);
}

/** The time that its proxy told of a release in this session; empty when it told none. With `consult`, it is asked. */
export async function findTime(release: ProxiedRelease, { knowledge, consult }: { readonly knowledge: SessionKnowledge; readonly consult?: InspectionContext['consult'] }): Promise<string> {
  const known = await knowledge.get(keyOf(release));
  if (known !== undefined || consult === undefined) return known ?? '';
  await consult(`${release.proxy}/${escapeModule(release.module)}/@v/${escapeModule(release.version)}.info`);
  return (await knowledge.get(keyOf(release))) ?? '';
}

/** When a release was published, and why it may not be used. Its proxy is asked for the time only when the policy needs it. */
export async function judgeAge(release: ProxiedRelease, context: InspectionContext): Promise<{ readonly published: string; readonly hidden: string | undefined }> {
  const limit: VisibilityLimit | undefined = context.visibleUntil?.('go', release.module);
  const published = await findTime(release, { knowledge: context.knowledge, consult: limit === undefined ? undefined : context.consult });
  return { published, hidden: explainHidden({ label: `${release.module}@${release.version}`, published }, limit) };
}

function keyOf({ module, version, proxy }: ProxiedRelease): string {
  return `go/time/${proxy}/${module}@${version}`;
}
