import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readlink, rename, stat, symlink, unlink } from 'node:fs/promises';
import path from 'node:path';
import { pungiComposeTypes, type PungiComposeType } from './pungi-arguments.js';
import { errnoOf, isMissing } from '../errors/system-error.js';

export interface LinkedCompose {
  /** Number of `odcs-<id>`. */
  readonly id: number;
  readonly composeType: string;
  readonly pungiComposeId: string;
  readonly label: string | null;
}

/** The names of a compose in `<target directory>/<compose type>/`, as ODCS gives them. */
export function linkNames({ pungiComposeId, label }: LinkedCompose): { readonly own: string; readonly latest: readonly string[] } {
  const latest = latestOf(pungiComposeId);
  return { own: pungiComposeId, latest: [latest, ...(label === null ? [] : [`${latest}-${label}`])] };
}

/**
 * Links to a compose that is whole. One that says `latest` never goes back to an older compose, in whatever order they end; one that is a compose's own stays that,
 * whatever another says that it is called.
 */
export async function linkCompose(root: string, compose: LinkedCompose): Promise<void> {
  const directory = path.join(root, compose.composeType);
  await mkdir(directory, { recursive: true });
  const { own, latest } = linkNames(compose);
  const owner = await targetOf(directory, own);
  if (owner === undefined || owner === compose.id || !(await exists(path.join(root, `odcs-${owner}`)))) await replaceLink(directory, own, compose.id);
  for (const name of latest) {
    const there = await targetOf(directory, name);
    if (there === undefined || there < compose.id || !(await exists(path.join(root, `odcs-${there}`)))) await replaceLink(directory, name, compose.id);
  }
  await giveWayToNewer(root, compose, latest[0] as string);
}

/** Two that end at once may both have found an older one. Each has its own name before it takes the other, so whoever is last sees all. */
async function giveWayToNewer(root: string, { id, composeType }: LinkedCompose, latest: string): Promise<void> {
  const directory = path.join(root, composeType);
  for (let newest = id; ; ) {
    const names = (await readdir(directory)).filter((name) => latestOf(name) === latest);
    const ids = await Promise.all(names.map((name) => targetOf(directory, name)));
    const newer = Math.max(newest, ...ids.filter((each) => each !== undefined));
    if (newer === newest || !(await exists(path.join(root, `odcs-${newer}`)))) return;
    if (((await targetOf(directory, latest)) ?? 0) < newer) await replaceLink(directory, latest, newer);
    newest = newer;
  }
}

function latestOf(pungiComposeId: string): string {
  return `latest-${pungiComposeId.split('-').slice(0, 2).join('-')}`;
}

/** The compose that a name of a type stands for; undefined: none. */
export function readTypeLink(root: string, composeType: PungiComposeType, name: string): Promise<number | undefined> {
  return targetOf(path.join(root, composeType), name);
}

/** Takes back all links to a compose; fine when there are none. */
export async function unlinkCompose(root: string, id: number): Promise<void> {
  for (const type of pungiComposeTypes) await unlinkIn(path.join(root, type), id);
}

async function unlinkIn(directory: string, id: number): Promise<void> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  for (const name of names) if ((await targetOf(directory, name)) === id) await removeLink(directory, name, id);
}

/** Never for a moment without a link. */
async function replaceLink(directory: string, name: string, id: number): Promise<void> {
  const fresh = path.join(directory, `.${randomUUID()}`);
  await symlink(`../odcs-${id}`, fresh);
  await rename(fresh, path.join(directory, name));
}

/** Another compose may be given the name just now: what is taken away is looked at again, and put back if it is not what was meant. */
async function removeLink(directory: string, name: string, id: number): Promise<void> {
  const aside = `.${randomUUID()}`;
  try {
    await rename(path.join(directory, name), path.join(directory, aside));
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  if ((await targetOf(directory, aside)) !== id) {
    await link(path.join(directory, aside), path.join(directory, name)).catch((error: unknown) => {
      if (errnoOf(error) !== 'EEXIST') throw error; // a newer one is there
    });
  }
  await unlink(path.join(directory, aside));
}

async function targetOf(directory: string, name: string): Promise<number | undefined> {
  const target = await readlink(path.join(directory, name)).catch(() => '');
  const id = /^\.\.\/odcs-([1-9]\d{0,15})$/.exec(target)?.[1];
  return id === undefined ? undefined : Number(id);
}

function exists(file: string): Promise<boolean> {
  return stat(file).then(() => true, () => false);
}
