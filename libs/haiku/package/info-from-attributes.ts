import { childrenOf, textsOf, type Attribute } from '../container/attribute.js';
import { attributeIds } from '../container/attribute-ids.js';
import { invalidFile } from '../invalid-haiku-file.js';
import { architectures } from './architectures.js';
import { operators, type PackageInfo, type PackageUser, type Provided, type Requirement, type SettingsFile, type WritableFile } from './package-info.js';
import { formatVersion, isVersion, type PackageVersion } from './version.js';

const entityName = /^[^-/=!<>\s\p{C}]{1,255}$/u;
/** Kinds such as `cmd:` stand before some; tools of old let hyphens through. */
const resolvable = /^[^/=!<>\s\p{C}]{1,255}$/u;
const versionPart = /^[A-Za-z0-9_]{0,255}$/;
const dottedPart = /^[A-Za-z0-9_.]{0,255}$/;
const longestPath = 1024;
const nameOfId = new Map<number, string>(Object.entries(attributeIds).map(([name, id]) => [id, name]));

/** What the attributes of one package say. Names and versions become names of files and keys of objects, so they are checked as the format has them. Errors: `source-invalid`. */
export function infoFromAttributes(attributes: readonly Attribute[]): PackageInfo {
  const one = (id: number, what: string): string => {
    const text = textIn(attributes, id);
    if (text === undefined || text === '') throw invalidFile(`a package has no ${what}`);
    return text;
  };
  const name = one(attributeIds.name, 'name');
  if (!entityName.test(name)) throw invalidFile(`${JSON.stringify(name.slice(0, 100))} is not the name of a package`);
  const version = versionIn(attributes, attributeIds.versionMajor);
  if (version === null) throw invalidFile(`${name} has no version`);
  const architecture = architectures[numberIn(attributes, attributeIds.architecture) ?? -1];
  if (architecture === undefined) throw invalidFile(`${name} has no architecture that is known`);
  const required = (id: number, what: string): string[] => {
    const texts = textsOf(attributes, id);
    if (texts.length === 0) throw invalidFile(`${name} has no ${what}`);
    return texts;
  };
  const resolvables = (id: number): Requirement[] => childrenOf(attributes, id).map((attribute) => requirementOf(attribute, name));
  const provides = childrenOf(attributes, attributeIds.provides).map((attribute) => providedOf(attribute, name));
  if (provides.length === 0) throw invalidFile(`${name} provides nothing`);
  return {
    name,
    version,
    architecture,
    summary: one(attributeIds.summary, `summary: ${name}`),
    description: one(attributeIds.description, `description: ${name}`),
    vendor: one(attributeIds.vendor, `vendor: ${name}`),
    packager: one(attributeIds.packager, `packager: ${name}`),
    basePackage: textIn(attributes, attributeIds.basePackage) ?? '',
    flags: numberIn(attributes, attributeIds.flags) ?? 0,
    copyrights: required(attributeIds.copyright, 'copyright'),
    licenses: required(attributeIds.license, 'licence'),
    urls: textsOf(attributes, attributeIds.url),
    sourceUrls: textsOf(attributes, attributeIds.sourceUrl),
    provides,
    requires: resolvables(attributeIds.requires),
    supplements: resolvables(attributeIds.supplements),
    conflicts: resolvables(attributeIds.conflicts),
    freshens: resolvables(attributeIds.freshens),
    replaces: textsOf(attributes, attributeIds.replaces),
    globalWritableFiles: childrenOf(attributes, attributeIds.globalWritableFile).map(writableFileOf),
    userSettingsFiles: childrenOf(attributes, attributeIds.userSettingsFile).map(settingsFileOf),
    users: childrenOf(attributes, attributeIds.user).map(userOf),
    groups: textsOf(attributes, attributeIds.group),
    postInstallScripts: textsOf(attributes, attributeIds.postInstallScript),
    preUninstallScripts: textsOf(attributes, attributeIds.preUninstallScript),
    installPath: textIn(attributes, attributeIds.installPath) ?? '',
  };
}

/** Readers differ in which of two they take: the package would be one thing here and another on the disks of users. */
function only(attributes: readonly Attribute[], id: number): Attribute | undefined {
  const [first, ...others] = childrenOf(attributes, id);
  if (others.length > 0) throw invalidFile(`it says ${nameOfId.get(id) ?? id} ${others.length + 1} times`);
  return first;
}

function textIn(attributes: readonly Attribute[], id: number): string | undefined {
  const value = only(attributes, id)?.value;
  return typeof value === 'string' ? value : undefined;
}

function numberIn(attributes: readonly Attribute[], id: number): number | undefined {
  const value = only(attributes, id)?.value;
  if (typeof value === 'number' && value < 0) throw invalidFile(`${nameOfId.get(id) ?? id} is ${value}`);
  return typeof value === 'number' ? value : undefined;
}

function versionIn(attributes: readonly Attribute[], id: number): PackageVersion | null {
  const attribute = only(attributes, id);
  if (attribute === undefined) return null;
  const part = (of: number): string => textIn(attribute.children, of) ?? '';
  const version = {
    major: textOf(attribute),
    minor: part(attributeIds.versionMinor),
    micro: part(attributeIds.versionMicro),
    preRelease: part(attributeIds.versionPreRelease),
    revision: numberIn(attribute.children, attributeIds.versionRevision) ?? 0,
  };
  const valid = version.major !== '' && versionPart.test(version.major) && versionPart.test(version.minor) && dottedPart.test(version.micro) && dottedPart.test(version.preRelease) && version.revision >= 0 && version.revision < 2 ** 32;
  // Kept and compared as text: what cannot be read back would be in the way of all other versions of the package.
  if (!valid || (version.minor === '' && version.micro !== '') || !isVersion(formatVersion(version))) throw invalidFile(`${JSON.stringify(version)} is no version`);
  return version;
}

function textOf({ value }: Attribute): string {
  if (typeof value !== 'string') throw invalidFile('an attribute that should be a text is none');
  return value;
}

function resolvableName(attribute: Attribute, owner: string): string {
  const name = textOf(attribute);
  if (!resolvable.test(name)) throw invalidFile(`${owner} names ${JSON.stringify(name.slice(0, 100))}, which nothing can be called`);
  return name;
}

function providedOf(attribute: Attribute, owner: string): Provided {
  return { name: resolvableName(attribute, owner), version: versionIn(attribute.children, attributeIds.versionMajor), compatible: versionIn(attribute.children, attributeIds.providesCompatible) };
}

function requirementOf(attribute: Attribute, owner: string): Requirement {
  const name = resolvableName(attribute, owner);
  const than = versionIn(attribute.children, attributeIds.versionMajor);
  if (than === null) return { name, version: null };
  const operator = operators[numberIn(attribute.children, attributeIds.resolvableOperator) ?? -1];
  if (operator === undefined) throw invalidFile(`${owner} names a version of ${name} without an operator`);
  return { name, version: { operator, than } };
}

function writableFileOf(attribute: Attribute): WritableFile {
  return { path: pathOf(attribute), updateType: numberIn(attribute.children, attributeIds.writableFileUpdateType) ?? null, isDirectory: isDirectory(attribute) };
}

function settingsFileOf(attribute: Attribute): SettingsFile {
  return { path: pathOf(attribute), template: textIn(attribute.children, attributeIds.settingsFileTemplate) ?? '', isDirectory: isDirectory(attribute) };
}

function isDirectory({ children }: Attribute): boolean {
  return (numberIn(children, attributeIds.isWritableDirectory) ?? 0) !== 0;
}

function pathOf(attribute: Attribute): string {
  const path = textOf(attribute);
  if (path === '' || path.length > longestPath) throw invalidFile('the path of a file is empty or too long');
  return path;
}

function userOf(attribute: Attribute): PackageUser {
  const { children } = attribute;
  const part = (id: number): string => textIn(children, id) ?? '';
  return { name: textOf(attribute), realName: part(attributeIds.userRealName), home: part(attributeIds.userHome), shell: part(attributeIds.userShell), groups: textsOf(children, attributeIds.userGroup) };
}
