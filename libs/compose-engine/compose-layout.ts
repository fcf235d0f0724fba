import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { MillraceError } from '../errors/millrace-error.js';
import type { TreeName } from './compose-engine.js';

/** Where composes lie and how they are called; see `Settings`. */
export interface ComposePlaces {
  /** Absolute path of the target directory `default`. */
  readonly composes: string;
  /** Public URL of it, without a slash at its end. */
  readonly composeUrl: string;
  /** The others: name to absolute path. */
  readonly composeTargetDirs: Readonly<Record<string, string>>;
}

/** The one variant of every compose. */
export const variant = 'Temporary';

/** Paths of one tree: what is served, and what is being made on the same file system. */
export interface TreePlaces {
  /** Absolute: the target directory. */
  readonly root: string;
  /** `<root>/odcs-<id>` */
  readonly directory: string;
  /** What attempts make and what removals put aside: `<root>/.staging/odcs-<id>`. */
  readonly staging: string;
  /** Without a slash at its end; `file:` for directories without a public URL. */
  readonly url: string;
}

const treeNamePattern = /^odcs-([1-9][0-9]{0,15})$/;

/** Errors: `invalid-request` for a target directory that the settings do not have. */
export function placesOfTree(places: ComposePlaces, { id, targetDir }: TreeName): TreePlaces {
  const root = targetDirectory(places, targetDir);
  const name = `odcs-${id}`;
  if (!treeNamePattern.test(name)) throw new MillraceError('invalid-request', `${id} is not the id of a compose`);
  const base = targetDir === 'default' ? places.composeUrl : pathToFileURL(root).href.replace(/\/+$/, '');
  return { root, directory: path.join(root, name), staging: path.join(root, stagingName, name), url: `${base}/${name}` };
}

export function targetDirectory(places: ComposePlaces, targetDir: string): string {
  const root = targetDir === 'default' ? places.composes : Object.hasOwn(places.composeTargetDirs, targetDir) ? places.composeTargetDirs[targetDir] : undefined;
  if (root === undefined) throw new MillraceError('invalid-request', `there is no target directory ${JSON.stringify(targetDir)}`, { suggestion: 'Name one of MILLRACE_COMPOSE_TARGET_DIRS, or leave target_dir out.' });
  return root;
}

export const stagingName = '.staging';

/** Undefined for whatever else lies beside the trees. */
export function treeIdOf(name: string): number | undefined {
  const id = treeNamePattern.exec(name)?.[1];
  return id === undefined ? undefined : Number(id);
}

/** The kinds of repositories in a compose; sources are the same for every architecture. */
export type TreePart = 'os' | 'debug' | 'source';

/** Relative to `compose/`. */
export function repositoryPath(part: TreePart, arch: string): string {
  return { os: `${variant}/${arch}/os`, debug: `${variant}/${arch}/debug/tree`, source: `${variant}/source/tree` }[part];
}

/** Relative to its repository. Packages lie under the first letter of their names, as Pungi puts them. */
export function packageHref(file: string): string {
  const initial = /^[A-Za-z0-9]/.exec(file)?.[0].toLowerCase() ?? '_';
  return `Packages/${initial}/${file}`;
}

export function packageFileName(identity: { readonly name: string; readonly version: string; readonly release: string; readonly arch: string }): string {
  return `${identity.name}-${identity.version}-${identity.release}.${identity.arch}.rpm`;
}
