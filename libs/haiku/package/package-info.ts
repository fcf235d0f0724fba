import type { Architecture } from './architectures.js';
import { formatVersion, type PackageVersion } from './version.js';

/** All that a repository file says of a package; what a package file says of itself, without the checksum. */
export interface PackageInfo {
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  readonly vendor: string;
  readonly packager: string;
  /** Empty: none. */
  readonly basePackage: string;
  /** `approveLicence`; 2: a package of the system. */
  readonly flags: number;
  readonly architecture: Architecture;
  readonly version: PackageVersion;
  readonly copyrights: readonly string[];
  readonly licenses: readonly string[];
  readonly urls: readonly string[];
  readonly sourceUrls: readonly string[];
  readonly provides: readonly Provided[];
  readonly requires: readonly Requirement[];
  readonly supplements: readonly Requirement[];
  readonly conflicts: readonly Requirement[];
  readonly freshens: readonly Requirement[];
  /** Names. */
  readonly replaces: readonly string[];
  readonly globalWritableFiles: readonly WritableFile[];
  readonly userSettingsFiles: readonly SettingsFile[];
  readonly users: readonly PackageUser[];
  readonly groups: readonly string[];
  /** Paths. */
  readonly postInstallScripts: readonly string[];
  readonly preUninstallScripts: readonly string[];
  /** Empty: none. */
  readonly installPath: string;
}

/** Flag: users have to approve its licence before it is installed. */
export const approveLicence = 1;

/** `cmd:foo = 1.2 (compatible >= 1)` */
export interface Provided {
  readonly name: string;
  readonly version: PackageVersion | null;
  readonly compatible: PackageVersion | null;
}

/** By their numbers in the format. */
export const operators = ['<', '<=', '==', '!=', '>=', '>'] as const;
export type Operator = (typeof operators)[number];

export interface Requirement {
  readonly name: string;
  /** Null: any version does. */
  readonly version: { readonly operator: Operator; readonly than: PackageVersion } | null;
}

export interface WritableFile {
  readonly path: string;
  /** Null: the file is not in the package. 0 keep the old one, 1 manual, 2 merge. */
  readonly updateType: number | null;
  readonly isDirectory: boolean;
}

export interface SettingsFile {
  readonly path: string;
  /** Path of a template in the package; empty: none. */
  readonly template: string;
  readonly isDirectory: boolean;
}

export interface PackageUser {
  readonly name: string;
  readonly realName: string;
  readonly home: string;
  readonly shell: string;
  readonly groups: readonly string[];
}

/** `foo-1.2.3-1-x86_64.hpkg`: the name that a repository and its clients know a package by. */
export function canonicalFileName({ name, version, architecture }: Pick<PackageInfo, 'name' | 'version' | 'architecture'>): string {
  return `${name}-${formatVersion(version)}-${architecture}.hpkg`;
}
