import { Document } from 'yaml';
import { foundOrigins, type Found, type FoundOrigin } from './found-origin.js';

export interface OriginsDocument {
  /** YAML of a policy document. */
  readonly text: string;
  /** As it stands in the document, with who said so. */
  readonly origins: Readonly<Record<string, readonly { readonly origin: string; readonly from: readonly string[] }[]>>;
  /** What no inspector is for. */
  readonly leftOut: readonly string[];
}

/** A policy document with the origins found, by the ecosystems that have inspectors. */
export function originsDocument(found: Found, inspected: readonly string[]): OriginsDocument {
  const ecosystemOf = (names: readonly string[]): string | undefined => names.find((name) => inspected.includes(name));
  const origins: Record<string, { origin: string; from: string[] }[]> = {};
  const leftOut = new Set<string>();
  for (const { ecosystems, origin, from } of found.origins) {
    const ecosystem = ecosystemOf(ecosystems);
    if (ecosystem === undefined) {
      leftOut.add(ecosystems[0] ?? '');
      continue;
    }
    const list = (origins[ecosystem] ??= []);
    const there = list.find((item) => item.origin === origin);
    if (there === undefined) list.push({ origin, from: [from] });
    else if (!there.from.includes(from)) there.from.push(from);
  }
  const required = requiredSignatures(found, ecosystemOf);
  const text = new Document({
    version: 1,
    origins: Object.fromEntries(Object.entries(origins).map(([ecosystem, list]) => [ecosystem, list.map(({ origin }) => origin)])),
    ...(required.length === 0 ? {} : { signatures: { required } }),
  }).toString({ lineWidth: 0 });
  return { text: `${heading(leftOut)}${text}`, origins, leftOut: [...leftOut] };
}

function requiredSignatures({ keys }: Found, ecosystemOf: (names: readonly string[]) => string | undefined): readonly object[] {
  const byHost = new Map<string, { readonly ecosystem: string; readonly host: string; readonly keys: Set<string> }>();
  for (const { ecosystems, host, keys: fingerprints } of keys) {
    const ecosystem = ecosystemOf(ecosystems);
    if (ecosystem === undefined) continue;
    const item = byHost.get(`${ecosystem} ${host}`) ?? { ecosystem, host, keys: new Set<string>() };
    for (const fingerprint of fingerprints) item.keys.add(fingerprint);
    byHost.set(`${ecosystem} ${host}`, item);
  }
  return [...byHost.values()].map((item) => ({ ...item, keys: [...item.keys] }));
}

function heading(leftOut: ReadonlySet<string>): string {
  const lines = [
    'Written by millrace origins detect, from the configuration of the package managers on this machine.',
    'Registries often hand out files from another host than their index: run a build in a permissive session and add',
    'what it came from with millrace origins detect --session ID, or see it with millrace policy check.',
    ...(leftOut.size === 0 ? [] : [`Left out, because no inspector is for them: ${[...leftOut].sort().join(', ')}.`]),
  ];
  return lines.map((line) => `# ${line}\n`).join('');
}

/** The origins that a session's approved artefacts came from, out of its report. */
export function originsOfReport(report: unknown): readonly FoundOrigin[] {
  const artefacts = (report as { readonly artifacts?: unknown } | null)?.artifacts;
  return Array.isArray(artefacts) ? artefacts.flatMap((artefact) => originsOfArtefact(artefact as ReportedArtefact)) : [];
}

interface ReportedArtefact {
  readonly 'response-inspection'?: Readonly<Record<string, { readonly opinion?: unknown } | undefined>>;
  readonly downloads?: readonly { readonly url?: unknown }[];
}

function originsOfArtefact({ 'response-inspection': inspections = {}, downloads = [] }: ReportedArtefact): readonly FoundOrigin[] {
  const approving = Object.entries(inspections).filter(([id, inspection]) => inspection?.opinion === 'Approved' && id !== 'policy');
  return approving.flatMap(([id]) => foundOrigins([id.split('.', 1)[0] as string], 'session', downloads.map(({ url }) => url)));
}
