import { lstat, opendir, readdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { MillraceError } from '../errors/millrace-error.js';
import { isMissing } from '../errors/system-error.js';
import { readTreeFile } from './tree-file.js';

export interface PungiTree {
  readonly pungiComposeId: string;
  /** Distinct package files, and their bytes. */
  readonly packages: number;
  readonly bytes: number;
  /** JSON of the whole configuration; null where Pungi has not left it. */
  readonly configDump: string | null;
}

export interface CheckTreeOptions {
  /** Names of binary packages that were asked for. */
  readonly packages: readonly string[];
  readonly signal: AbortSignal;
}

/** Bytes. */
const limits = { status: 100, id: 200, composeInfo: 16 * 1024 ** 2, rpms: 256 * 1024 ** 2, dump: 16 * 1024 ** 2 };
const mostFiles = 5_000_000;
const deepest = 60;
const mostNamed = 20;
const lookedAtOnce = 64;

/** What becomes visible of a tree, or is written to, and has to be what it is called: a link would be served as what it leads to, and written through. */
const kinds: readonly (readonly [name: string, kind: 'directory' | 'file'])[] = [['compose', 'directory'], ['logs', 'directory'], ['work', 'directory'], ['work/global', 'directory'], ['COMPOSE_ID', 'file'], ['STATUS', 'file']];
/** `<release>-<date>[.<type>].<respin>`: it becomes the name of a link, beside those that begin with `latest-`. */
const idPattern = /^[A-Za-z0-9][A-Za-z0-9._+-]*-\d{8}(?:\.[a-z]+)?\.\d+$/;

/**
 * What Pungi has left in a directory, before anybody is told that it is a compose. Its configuration comes from others, and so may everything in the tree.
 * Errors: `source-invalid` for what is no finished compose, `unresolvable` for packages that are not in it.
 */
export async function checkPungiTree(root: string, { packages, signal }: CheckTreeOptions): Promise<PungiTree> {
  await checkKinds(root);
  const status = (await readTreeFile(root, 'STATUS', limits.status))?.toString('utf8').trim();
  if (status !== 'FINISHED' && status !== 'FINISHED_INCOMPLETE') throw new MillraceError('source-invalid', `Pungi has ended and left a compose with the status ${JSON.stringify(status)}, which is not finished`);
  const pungiComposeId = await checkIdentity(root);
  const files = await countFiles(root, signal);
  await checkPackages(root, { packages, signal });
  const dump = await readTreeFile(root, 'logs/global/config-dump.global.log', limits.dump);
  return { pungiComposeId, ...files, configDump: dump === undefined ? null : parse(dump, 'config-dump.global.log', z.record(z.string(), z.unknown())) && dump.toString('utf8') };
}

async function checkKinds(root: string): Promise<void> {
  for (const [name, kind] of kinds) {
    const status = await lstat(path.join(root, name)).catch((error: unknown) => {
      if (isMissing(error)) throw new MillraceError('source-invalid', `Pungi has ended and left a compose without ${name}`);
      throw error;
    });
    if (kind === 'directory' ? !status.isDirectory() : !status.isFile()) throw new MillraceError('source-invalid', `${name} of the compose is no ${kind}`);
  }
}

const composeInfo = z.object({ payload: z.object({ compose: z.object({ id: z.string().max(limits.id) }) }) });

async function checkIdentity(root: string): Promise<string> {
  const id = (await readTreeFile(root, 'COMPOSE_ID', limits.id))?.toString('utf8').trim() ?? '';
  const name = 'compose/metadata/composeinfo.json';
  const bytes = await readTreeFile(root, name, limits.composeInfo);
  if (bytes === undefined) throw new MillraceError('source-invalid', `Pungi has ended and left a compose without ${name}`);
  const { payload } = parse(bytes, name, composeInfo);
  if (!idPattern.test(id)) throw new MillraceError('source-invalid', `COMPOSE_ID of the compose is ${JSON.stringify(id.slice(0, 100))}`);
  if (payload.compose.id !== id) throw new MillraceError('source-invalid', `${name} is that of the compose ${JSON.stringify(payload.compose.id.slice(0, 100))}, and not of ${id}`);
  return id;
}

/** Everything in the tree is a file, a directory or a link; whoever reads anything else may wait for ever. */
async function countFiles(root: string, signal: AbortSignal): Promise<{ readonly packages: number; readonly bytes: number }> {
  const seen = new Set<string>();
  let [bytes, entries] = [0, 0];
  const walk = async (directory: string, depth: number): Promise<void> => {
    if (depth > deepest) throw new MillraceError('source-invalid', `${path.relative(root, directory).slice(0, 200)} of the compose is more than ${deepest} directories deep`);
    for await (const entry of await opendir(directory)) {
      if ((entries += 1) % 1000 === 0) signal.throwIfAborted();
      if (entries > mostFiles) throw new MillraceError('source-invalid', `the compose has more than ${mostFiles} files`);
      const place = path.join(directory, entry.name);
      if (entry.isDirectory()) await walk(place, depth + 1);
      else if (!entry.isFile() && !entry.isSymbolicLink()) throw new MillraceError('source-invalid', `${path.relative(root, place)} of the compose is neither a file nor a directory`);
      else if (entry.isFile() && entry.name.endsWith('.rpm')) {
        const { dev, ino, size } = await lstat(place);
        if (!seen.has(`${dev} ${ino}`)) bytes += size;
        seen.add(`${dev} ${ino}`);
      }
    }
  };
  for (const name of await readdir(root)) {
    const status = await lstat(path.join(root, name));
    if (status.isDirectory()) await walk(path.join(root, name), 1);
    else if (!status.isFile() && !status.isSymbolicLink()) throw new MillraceError('source-invalid', `${name} of the compose is neither a file nor a directory`);
  }
  return { packages: seen.size, bytes };
}

const text = z.string().max(4096);
const rpms = z.object({ payload: z.object({ rpms: z.record(text, z.record(text, z.record(text, z.record(text, z.object({ category: text, path: text }))))) }) });

/** What is listed is there for those who are served, and what was asked for is listed. */
async function checkPackages(root: string, { packages, signal }: CheckTreeOptions): Promise<void> {
  const name = 'compose/metadata/rpms.json';
  const bytes = await readTreeFile(root, name, limits.rpms);
  if (bytes === undefined && packages.length === 0) return; // a compose of images has none
  if (bytes === undefined) throw new MillraceError('source-invalid', `Pungi has ended and left a compose without ${name}`);
  const listed = Object.values(parse(bytes, name, rpms).payload.rpms).flatMap((arches) => Object.values(arches)).flatMap((builds) => Object.values(builds)).flatMap((files) => Object.entries(files));
  const names = new Set(listed.filter(([, { category }]) => category === 'binary').map(([nevra]) => nevra.replace(/-[^-]*-[^-]*$/, '')));
  const missing = packages.filter((each) => !names.has(each));
  if (missing.length > 0) throw new MillraceError('unresolvable', `Pungi has made a compose without these packages: ${some(missing)}`);
  const lost = await notServed(path.join(root, 'compose'), [...new Set(listed.map(([, file]) => file.path))], signal);
  if (lost.length === 0) return;
  throw new MillraceError('source-invalid', `${lost.length} packages that ${name} lists are not in the compose, or are links that lead out of it: ${some(lost)}`, { suggestion: 'Set link_type to "hardlink-or-copy" in the configuration.' });
}

async function notServed(compose: string, paths: readonly string[], signal: AbortSignal): Promise<string[]> {
  const top = await realpath(compose);
  const lost: string[] = [];
  for (let from = 0; from < paths.length; from += lookedAtOnce) {
    signal.throwIfAborted();
    const some = paths.slice(from, from + lookedAtOnce);
    const places = await Promise.all(some.map((file) => realpath(path.join(top, file)).catch(() => undefined)));
    for (const [index, place] of places.entries()) if (place?.startsWith(`${top}/`) !== true) lost.push(some[index] as string);
  }
  return lost;
}

function some(names: readonly string[]): string {
  const shown = names.slice(0, mostNamed).map((name) => name.slice(0, 200)).join(', ');
  return names.length > mostNamed ? `${shown} and ${names.length - mostNamed} more` : shown;
}

function parse<Value>(bytes: Buffer, name: string, schema: z.ZodType<Value>): Value {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new MillraceError('source-invalid', `${name} of the compose is no JSON`, { cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const problem = parsed.error.issues[0];
  throw new MillraceError('source-invalid', `${name} of the compose has not the form that productmd gives it: ${problem?.path.join('.').slice(0, 200)}: ${problem?.message}`);
}
