import type { Attribute, AttributeValue } from '../container/attribute.js';
import { attributeIds } from '../container/attribute-ids.js';
import { architectures } from './architectures.js';
import { operators, type PackageInfo, type Provided, type Requirement } from './package-info.js';
import type { PackageVersion } from './version.js';

/** In the order in which Haiku's own tools write them. `checksum`: lower-case hex SHA-256 of the package file; repositories have it. */
export function attributesOfInfo(info: PackageInfo, checksum?: string): Attribute[] {
  return [
    leaf(attributeIds.name, info.name),
    leaf(attributeIds.summary, info.summary),
    leaf(attributeIds.description, info.description),
    leaf(attributeIds.vendor, info.vendor),
    leaf(attributeIds.packager, info.packager),
    ...some(attributeIds.basePackage, info.basePackage),
    leaf(attributeIds.flags, info.flags),
    leaf(attributeIds.architecture, architectures.indexOf(info.architecture)),
    versionAttribute(attributeIds.versionMajor, info.version),
    ...each(attributeIds.copyright, info.copyrights),
    ...each(attributeIds.license, info.licenses),
    ...each(attributeIds.url, info.urls),
    ...each(attributeIds.sourceUrl, info.sourceUrls),
    ...info.provides.map(provided),
    ...info.requires.map((item) => requirement(attributeIds.requires, item)),
    ...info.supplements.map((item) => requirement(attributeIds.supplements, item)),
    ...info.conflicts.map((item) => requirement(attributeIds.conflicts, item)),
    ...info.freshens.map((item) => requirement(attributeIds.freshens, item)),
    ...each(attributeIds.replaces, info.replaces),
    ...info.globalWritableFiles.map(({ path, updateType, isDirectory }) =>
      node(attributeIds.globalWritableFile, path, [...(updateType === null ? [] : [leaf(attributeIds.writableFileUpdateType, updateType)]), ...directory(isDirectory)]),
    ),
    ...info.userSettingsFiles.map(({ path, template, isDirectory }) => node(attributeIds.userSettingsFile, path, [...some(attributeIds.settingsFileTemplate, template), ...directory(isDirectory)])),
    ...info.users.map(({ name, realName, home, shell, groups }) =>
      node(attributeIds.user, name, [...some(attributeIds.userRealName, realName), ...some(attributeIds.userHome, home), ...some(attributeIds.userShell, shell), ...each(attributeIds.userGroup, groups)]),
    ),
    ...each(attributeIds.group, info.groups),
    ...each(attributeIds.postInstallScript, info.postInstallScripts),
    ...each(attributeIds.preUninstallScript, info.preUninstallScripts),
    ...(checksum === undefined ? [] : [leaf(attributeIds.checksum, checksum)]),
    ...some(attributeIds.installPath, info.installPath),
  ];
}

function node(id: number, value: AttributeValue, children: readonly Attribute[]): Attribute {
  return { id, value, children };
}

function leaf(id: number, value: AttributeValue): Attribute {
  return node(id, value, []);
}

function each(id: number, texts: readonly string[]): Attribute[] {
  return texts.map((text) => leaf(id, text));
}

function some(id: number, text: string): Attribute[] {
  return text === '' ? [] : [leaf(id, text)];
}

function directory(isDirectory: boolean): Attribute[] {
  return isDirectory ? [leaf(attributeIds.isWritableDirectory, 1)] : [];
}

function versionAttribute(id: number, { major, minor, micro, preRelease, revision }: PackageVersion): Attribute {
  return node(id, major, [
    ...some(attributeIds.versionMinor, minor),
    ...some(attributeIds.versionMicro, micro),
    ...some(attributeIds.versionPreRelease, preRelease),
    ...(revision === 0 ? [] : [leaf(attributeIds.versionRevision, revision)]),
  ]);
}

function provided({ name, version, compatible }: Provided): Attribute {
  return node(attributeIds.provides, name, [
    ...(version === null ? [] : [versionAttribute(attributeIds.versionMajor, version)]),
    ...(compatible === null ? [] : [versionAttribute(attributeIds.providesCompatible, compatible)]),
  ]);
}

function requirement(id: number, { name, version }: Requirement): Attribute {
  return node(id, name, version === null ? [] : [leaf(attributeIds.resolvableOperator, operators.indexOf(version.operator)), versionAttribute(attributeIds.versionMajor, version.than)]);
}
