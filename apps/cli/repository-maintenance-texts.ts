import type { ChangeView, PrunedView, RepairedView, SynchronisedView } from './repository-api.js';
import { counted, named } from './repository-texts.js';
import { printable, readableSize } from './terminal.js';

export interface MaintenanceEnd {
  readonly dryRun: boolean;
  /** Of its changes; empty where nobody has waited for them. */
  readonly outcomes: readonly ChangeView[];
}

/** The report as the service writes it, whose lists are set in by tabs. */
export function reportText(text: string): string {
  return text.trimEnd().split('\n').map((line) => printable(line.replaceAll('\t', '  '))).join('\n');
}

export function prunedText({ dryRun, moved, deleted, strangers }: PrunedView): string {
  const word = dryRun ? 'would be ' : '';
  const lists = [named(`${word}moved to .obsolete/`, moved), named(`${word}deleted for good`, deleted), named(`${word}set aside, as nothing knows them`, strangers)].filter((text) => text !== '');
  return lists.length === 0 ? 'There is nothing to prune.' : lists.join('\n');
}

export function synchronisedText({ listed, wanted, taken, bytes, removed, refused, refusals, changes }: SynchronisedView, { dryRun, outcomes }: MaintenanceEnd): string {
  const left = refusals === 0 ? '' : `left out: ${refusals}`;
  const lines = [
    `${counted(listed, 'package')} there, ${wanted} of them not here.${dryRun ? '' : ` Fetched: ${taken} (${readableSize(bytes)}).`}`,
    named(dryRun ? 'would be removed' : 'removed', removed),
    [left, ...refused.map(({ path, code, reason }) => `  ${printable(path)}: ${printable(code)}: ${printable(reason)}`)].filter((line) => line !== '').join('\n'),
    endText({ dryRun, outcomes, changes }),
  ];
  return lines.filter((line) => line !== '').join('\n');
}

export function repairedText({ steps, left, changes }: RepairedView, { dryRun, outcomes }: MaintenanceEnd): string {
  const done = steps.map(({ action, path, package: key }) => [action, path ?? key].filter((word) => word !== undefined).join(' '));
  const lines = [
    done.length === 0 ? 'There is nothing to mend.' : named(dryRun ? 'steps that would be done' : 'steps', done),
    named('what no command can mend', left.map(({ message }) => message)),
    endText({ dryRun, outcomes, changes }),
  ];
  return lines.filter((line) => line !== '').join('\n');
}

function endText({ dryRun, outcomes, changes }: MaintenanceEnd & { readonly changes: readonly string[] }): string {
  if (dryRun) return 'Nothing was changed.';
  const state = Math.max(0, ...outcomes.map(({ outcome }) => outcome?.state ?? 0));
  if (state > 0) return `State ${state}.`;
  return outcomes.length > 0 || changes.length === 0 ? '' : named('changes that go on', changes);
}
