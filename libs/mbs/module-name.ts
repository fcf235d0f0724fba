import { MillraceError } from '../errors/millrace-error.js';

/** What is asked of a module: a stream, or one version of it, or one build. */
export interface ModuleNeed {
  readonly name: string;
  readonly stream: string;
  readonly version?: string | undefined;
  readonly context?: string | undefined;
}

/** One build, wholly named. */
export interface ModuleId extends ModuleNeed {
  readonly version: string;
  readonly context: string;
}

/** Modules that stand for the distribution itself: they name what others are built for, and have no packages to compose. */
export const baseModules: ReadonlySet<string> = new Set(['platform', 'bootstrap']);

/** A part goes into names of builds and tags, paths and URLs. */
const part = /^(?!\.{1,2}$)[A-Za-z0-9._+~^-]{1,200}$/;

/** NAME:STREAM[:VERSION[:CONTEXT]]; undefined: it is none. */
export function readModuleName(text: string): ModuleNeed | undefined {
  const parts = text.split(':');
  const [name, stream, version, context] = parts;
  if (parts.length < 2 || parts.length > 4 || name === undefined || stream === undefined || !parts.every((each) => part.test(each))) return undefined;
  if (version !== undefined && !/^\d{1,20}$/.test(version)) return undefined;
  return { name, stream, ...(version === undefined ? {} : { version }), ...(context === undefined ? {} : { context }) };
}

/** As `readModuleName`, of names that were checked before. */
export function parseModuleName(text: string): ModuleNeed {
  const need = readModuleName(text);
  if (need === undefined) throw new MillraceError('invalid-request', `${JSON.stringify(text.slice(0, 200))} is no module: it is named as name:stream, name:stream:version or name:stream:version:context`);
  return need;
}

export function isPlainPart(text: string): boolean {
  return part.test(text);
}

export function moduleName({ name, stream, version, context }: ModuleNeed): string {
  return [name, stream, version, context].filter((each) => each !== undefined).join(':');
}

export function streamName({ name, stream }: ModuleNeed): string {
  return `${name}:${stream}`;
}

/** Of the build in Koji that stands for one of a module. */
export function kojiBuildOf({ name, stream, version, context }: ModuleId): string {
  return `${name}-${stream.replaceAll('-', '_')}-${version}.${context}`;
}

export function compareModules(one: ModuleNeed, other: ModuleNeed): number {
  const [left, right] = [moduleName(one), moduleName(other)];
  return left < right ? -1 : left > right ? 1 : 0;
}
