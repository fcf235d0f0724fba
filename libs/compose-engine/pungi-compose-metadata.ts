import { z } from 'zod';
import { MillraceError } from '../errors/millrace-error.js';

/** What `rpms.json` of a Pungi compose says of one variant; as ODCS reads it. */
export interface VariantContents {
  /** All lists sorted and without repetitions. */
  readonly arches: readonly string[];
  /** Lower-case hex; with an empty one at the end where a package is unsigned. */
  readonly sigkeys: readonly string[];
  /** `name-version-release` of the source packages. */
  readonly builds: readonly string[];
  /** Names of the binary packages. */
  readonly packages: readonly string[];
}

const nevraPattern = /^([^\s/]+)-(?:(\d+):)?([^-\s/]+)-([^-\s/]+)\.([A-Za-z0-9_]+)$/;
const entry = z.object({ sigkey: z.string().regex(/^[0-9A-Fa-f]{0,40}$/).nullish(), category: z.string(), path: z.string() });
const builds = z.record(z.string().max(1024), z.record(z.string().max(1024), entry));
const document = z.object({ payload: z.object({ rpms: z.record(z.string(), z.record(z.string().regex(/^[A-Za-z0-9_]{1,32}$/), builds)) }) });

/** Characters of all names together; the largest distributions known have two to three million. They become part of the compose, of its events and its messages. */
const longestLists = 4 * 1024 ** 2;

/** Errors: `source-invalid`. `place` goes into them. */
export function readVariantContents(bytes: Buffer, variant: string, place: string): VariantContents {
  const { payload } = parseDocument(bytes, place);
  const arches = Object.hasOwn(payload.rpms, variant) ? payload.rpms[variant] : undefined;
  if (arches === undefined) {
    const known = Object.keys(payload.rpms).sort().slice(0, 20).join(', ');
    throw new MillraceError('source-invalid', `${place} has no variant ${variant}; it has ${known === '' ? 'none' : known}`, { suggestion: 'End the URL with the name of a variant that the compose has.' });
  }
  const found = { sigkeys: new Set<string>(), builds: new Set<string>(), packages: new Set<string>() };
  for (const ofArch of Object.values(arches)) {
    for (const [build, packages] of Object.entries(ofArch)) {
      const source = parseNevra(build, place);
      found.builds.add(`${source.name}-${source.version}-${source.release}`);
      for (const [nevra, { sigkey, category }] of Object.entries(packages)) {
        const item = parseNevra(nevra, place);
        found.sigkeys.add((sigkey ?? '').toLowerCase());
        if (category === 'binary') found.packages.add(item.name);
      }
    }
  }
  const length = [...found.packages, ...found.builds].reduce((sum, name) => sum + name.length + 1, 0);
  if (length > longestLists) throw new MillraceError('source-invalid', `${place} lists ${found.packages.size} packages of ${found.builds.size} builds in ${variant}; their names are more than a compose can hold (${longestLists} characters)`);
  const signed = [...found.sigkeys].filter((key) => key !== '').sort();
  return {
    arches: Object.keys(arches).sort(),
    sigkeys: found.sigkeys.has('') ? [...signed, ''] : signed,
    builds: [...found.builds].sort(),
    packages: [...found.packages].sort(),
  };
}

function parseDocument(bytes: Buffer, place: string): z.infer<typeof document> {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new MillraceError('source-invalid', `${place} is no JSON`, { cause });
  }
  const parsed = document.safeParse(json);
  if (parsed.success) return parsed.data;
  const problem = parsed.error.issues[0];
  throw new MillraceError('source-invalid', `${place} is no rpms.json of a compose: ${problem?.path.join('.').slice(0, 200)}: ${problem?.message}`);
}

function parseNevra(text: string, place: string): { readonly name: string; readonly version: string; readonly release: string; readonly arch: string } {
  const parts = nevraPattern.exec(text.replace(/\.rpm$/, ''));
  if (parts === null) throw new MillraceError('source-invalid', `${place} has ${JSON.stringify(text.slice(0, 200))} where a package with version, release and architecture should be`);
  return { name: parts[1] as string, version: parts[3] as string, release: parts[4] as string, arch: parts[5] as string };
}
