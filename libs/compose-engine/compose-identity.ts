import type { ComposeRequest } from '../compose/compose-request.js';

/** What a compose is called in the documents of productmd. */
export interface ComposeIdentity {
  /** `odcs-<id>-1-YYYYMMDD.t.0` */
  readonly pungiComposeId: string;
  /** `YYYYMMDD`, in UTC. */
  readonly date: string;
  /** One of productmd's. */
  readonly type: string;
  readonly respin: number;
  readonly release: { readonly name: string; readonly short: string; readonly version: string };
  /** Only a label that productmd knows. */
  readonly label: string | undefined;
}

/** Suffix of the compose id by compose type. */
const suffixes: Readonly<Record<string, string>> = { test: '.t', nightly: '.n', ci: '.ci', development: '.d', production: '' };
/** As productmd has them; they become part of names of links, so their numbers are no longer than numbers are. */
export const labelPattern = /^(EA|DevelPhaseExit|InternalAlpha|Alpha|InternalSnapshot|Beta|Snapshot|RC|Update|SecurityFix)-\d{1,10}\.\d{1,10}$/;

/** Each tree has its own name, so the respin is always 0. `startedAt`: RFC 3339. */
export function identifyCompose(id: number, request: Pick<ComposeRequest, 'composeType' | 'label' | 'flags'>, startedAt: string): ComposeIdentity {
  const type = Object.hasOwn(suffixes, request.composeType) ? request.composeType : 'test';
  const date = new Date(startedAt).toISOString().slice(0, 10).replaceAll('-', '');
  const label = request.flags.includes('no_label') || request.label === null || !labelPattern.test(request.label) ? undefined : request.label;
  const name = `odcs-${id}`;
  return {
    pungiComposeId: `${name}-1-${date}${suffixes[type]}.0`,
    date,
    type,
    respin: 0,
    // Pungi's short names are cut at 16 characters.
    release: { name, short: name.slice(0, 16), version: '1' },
    label,
  };
}
