import { decodeSegment } from '../declarations/declared-url.js';
import { isGemName } from './gem-id.js';

/** What a path below a registry asks for; `base` ends with `/`. */
export type RegistryPath =
  | { readonly kind: 'versions' | 'names' | 'specs' | 'dependencies'; readonly base: string }
  | { readonly kind: 'info'; readonly base: string; readonly name: string }
  /** `file` is the full name: `name-version[-platform]`. */
  | { readonly kind: 'gemspec' | 'gem'; readonly base: string; readonly file: string };

const fixed: readonly (readonly [RegExp, 'versions' | 'names' | 'specs' | 'dependencies'])[] = [
  [/^(.*\/)versions$/, 'versions'],
  [/^(.*\/)names$/, 'names'],
  [/^(.*\/)(?:specs|latest_specs|prerelease_specs)\.4\.8\.gz$/, 'specs'],
  [/^(.*\/)api\/v1\/dependencies$/, 'dependencies'],
];

/** A registry may lie under any path. Undefined for what the protocol does not have. */
export function parseRegistryPath(path: string): RegistryPath | undefined {
  for (const [pattern, kind] of fixed) {
    const base = pattern.exec(path)?.[1];
    if (base !== undefined) return { kind, base };
  }
  const slash = path.lastIndexOf('/');
  const directory = path.slice(0, slash + 1);
  const last = decodeSegment(path.slice(slash + 1));
  if (last === undefined || last.includes('/')) return undefined;
  if (directory.endsWith('/info/') && isGemName(last)) return { kind: 'info', base: directory.slice(0, -'info/'.length), name: last };
  if (directory.endsWith('/quick/Marshal.4.8/') && last.endsWith('.gemspec.rz'))
    return { kind: 'gemspec', base: directory.slice(0, -'quick/Marshal.4.8/'.length), file: last.slice(0, -'.gemspec.rz'.length) };
  if (last.endsWith('.gem')) return { kind: 'gem', base: directory.endsWith('/gems/') ? directory.slice(0, -'gems/'.length) : directory, file: last.slice(0, -'.gem'.length) };
  return undefined;
}
