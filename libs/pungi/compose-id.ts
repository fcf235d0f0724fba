import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { MillraceError } from '../errors/millrace-error.js';
import { errnoOf } from '../errors/system-error.js';
import type { PungiComposeType } from './pungi-arguments.js';

const suffixes: Readonly<Record<PungiComposeType, string>> = { production: '', nightly: '.n', test: '.t', ci: '.ci', development: '.d' };

/** They become names of files. */
const part = z.string().max(100).regex(/^[A-Za-z0-9][A-Za-z0-9._+-]*$/, 'must be of letters, digits, ".", "_", "+" and "-"');
const releaseType = z
  .string()
  .regex(/^[A-Za-z0-9-]{1,40}$/, 'must be of letters, digits and "-"')
  .transform((type) => type.toLowerCase())
  .default('ga');

/** What of a configuration makes the identity of its composes. */
const releaseSchema = z.object({
  release_name: z.string().min(1).max(500),
  release_short: part,
  release_version: part,
  release_type: releaseType,
  release_internal: z.unknown().optional(),
  base_product_name: z.string().max(500).default(''),
  base_product_short: part.optional(),
  base_product_version: part.optional(),
  base_product_type: releaseType,
});
type Release = z.infer<typeof releaseSchema>;

export interface ComposeIdentity {
  /** `<short>-<version>-<date><suffix>.<respin>` */
  readonly id: string;
  /** `YYYYMMDD` */
  readonly date: string;
  readonly respin: number;
  readonly type: PungiComposeType;
  readonly release: Release;
}

/** Composes of one configuration, type and day; more of them than anybody can tell apart. */
const mostRespins = 10_000;
/** Characters of a compose's name without its number: a name of a file has 255, and some links have the label besides. */
const longestName = 160;
/** Days that a number is remembered; it has its day in it. */
const remembered = 60;

/** Errors: `source-invalid`. */
export function readRelease(config: unknown, where: string): Release {
  const parsed = releaseSchema.safeParse(config);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new MillraceError('source-invalid', `the configuration ${where} makes no name of a compose: ${problems.join('; ')}`);
  }
  const { base_product_name: name, base_product_short: short, base_product_version: version } = parsed.data;
  if (name !== '' && (short === undefined || version === undefined)) throw new MillraceError('source-invalid', `the configuration ${where} has base_product_name, but not base_product_short and base_product_version`);
  const composed = nameOf(parsed.data);
  if (composed.length > longestName) throw new MillraceError('source-invalid', `the configuration ${where} makes a name of a compose with ${composed.length} characters; ${longestName} are the most`);
  return parsed.data;
}

/**
 * A number that no compose has had. It is written down in `directory`, which all workers of a record share, so that nobody else takes it; the same `owner`
 * gets its own again.
 */
export async function claimComposeId(directory: string, { release, type, date, owner }: { readonly release: Release; readonly type: PungiComposeType; readonly date: string; readonly owner: string }): Promise<ComposeIdentity> {
  await forgetOld(directory, date);
  const day = path.join(directory, date);
  await mkdir(day, { recursive: true });
  for (let respin = 0; respin < mostRespins; respin += 1) {
    const id = `${nameOf(release)}-${date}${suffixes[type]}.${respin}`;
    if (await claim(path.join(day, id), owner)) return { id, date, respin, type, release };
  }
  throw new MillraceError('resources-in-use', `there are ${mostRespins} composes of ${nameOf(release)} of this type and day already`);
}

/** As productmd does. */
function nameOf({ release_short: short, release_version: version, release_type: type, ...base }: Release): string {
  const own = `${short}-${version}${typeSuffix(type)}`;
  return base.base_product_name === '' ? own : `${own}-${base.base_product_short}-${base.base_product_version}${typeSuffix(base.base_product_type)}`;
}

function typeSuffix(type: string): string {
  return type === 'ga' ? '' : `-${type}`;
}

async function claim(file: string, owner: string): Promise<boolean> {
  try {
    await writeFile(file, owner, { flag: 'wx' });
    return true;
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    return (await readFile(file, 'utf8')) === owner;
  }
}

async function forgetOld(directory: string, date: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const limit = new Date(Date.parse(`${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}`) - remembered * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '');
  for (const day of await readdir(directory)) if (/^\d{8}$/.test(day) && day < limit) await rm(path.join(directory, day), { recursive: true, force: true });
}

/** `composeinfo-base.json`, from which Pungi learns how its compose is called. */
export function baseComposeInfo({ id, date, respin, type, release }: ComposeIdentity, label: string | null): string {
  const layered = release.base_product_name !== '';
  const payload = {
    ...(layered ? { base_product: { name: release.base_product_name, short: release.base_product_short, type: release.base_product_type, version: release.base_product_version } } : {}),
    compose: { date, ...(label === null ? {} : { final: false, label }), id, respin, type },
    release: { internal: Boolean(release.release_internal), ...(layered ? { is_layered: true } : {}), name: release.release_name, short: release.release_short, type: release.release_type, version: release.release_version },
    variants: {},
  };
  return `${JSON.stringify({ header: { type: 'productmd.composeinfo', version: '1.2' }, payload }, null, 4)}\n`;
}
