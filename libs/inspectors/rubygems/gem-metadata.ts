import { isMap, isSeq } from 'yaml';
import type { ArtefactMetadata } from '../../inspection/inspection.js';
import { refusal } from '../../inspection/refusal.js';
import { spdxLicense } from '../documents/spdx-license.js';
import { isGemName, isGemPlatform, isGemVersion, type GemId } from './gem-id.js';
import { nodeOf, scalarText, splitGemYaml, valueOf } from './gem-yaml.js';

/** What the specification in a gem says of it. */
export interface GemSpecification extends GemId {
  readonly metadata: Partial<ArtefactMetadata>;
}

/** Unpacked: it lists every file of the gem. */
export const gemMetadataLimit = 4 * 1024 * 1024;
const maxItems = 64;

type Fields = ReadonlyMap<string, string>;

/** Reads the `metadata` of a gem. Throws the reason when it names no release. */
export function readGemMetadata(bytes: Buffer): GemSpecification {
  const fields = splitGemYaml(bytes, 'metadata');
  const name = text(fields, 'name');
  const version = versionOf(fields);
  const platform = platformOf(fields);
  if (!isGemName(name) || !isGemVersion(version) || !isGemPlatform(platform)) throw refusal('the metadata of the gem has no valid name, version and platform');
  const licences = [...list(fields, 'licenses'), text(fields, 'license')].filter((licence) => licence !== '');
  return {
    name,
    version,
    platform,
    metadata: {
      description: text(fields, 'description').trim() || text(fields, 'summary').trim(),
      author: [...list(fields, 'authors'), text(fields, 'author')].filter((author) => author !== '').join(', '),
      authorEmail: [...list(fields, 'email'), text(fields, 'email')].filter((email) => email !== '').join(', '),
      // Several licences of a gem are a choice, says the guide to specifications.
      license: licences.map(spdxLicense).join(' OR '),
      vendor: text(fields, 'homepage'),
      ...(platform === 'ruby' ? {} : { architecture: platform }),
    },
  };
}

function versionOf(fields: Fields): string {
  const node = valueOf(fields, 'version');
  return isMap(node) ? (scalarText(nodeOf(node, 'version')) ?? '') : (scalarText(node) ?? '');
}

/** `ruby`, a text such as `x86_64-linux`, or, in gems of the first years, an object of its parts. */
function platformOf(fields: Fields): string {
  const node = valueOf(fields, 'platform');
  const platform = isMap(node) ? ['cpu', 'os', 'version'].map((key) => plainText(nodeOf(node, key))).filter((part) => part !== '').join('-') : (scalarText(node) ?? '');
  return platform === '' ? 'ruby' : platform;
}

function text(fields: Fields, key: string): string {
  return plainText(valueOf(fields, key));
}

function plainText(node: unknown): string {
  const value = scalarText(node) ?? '';
  return value === '~' || value === 'null' ? '' : value;
}

function list(fields: Fields, key: string): readonly string[] {
  const node = valueOf(fields, key);
  return isSeq(node) ? node.items.slice(0, maxItems).flatMap((item) => scalarText(item) ?? []) : [];
}
