import { own } from '../../inspection/bounded-json.js';
import { refusal } from '../../inspection/refusal.js';
import { readYaml } from '../documents/bounded-yaml.js';

export const snapYamlLimit = 256 * 1024;

export interface SnapYaml {
  readonly name: string;
  readonly version: string;
  readonly summary: string;
  readonly license: string;
  readonly architectures: readonly string[];
}

const namePattern = /^[a-z0-9-]{1,64}$/;

/** Reads `meta/snap.yaml`. Throws the reason for one without a name and a version. */
export function parseSnapYaml(bytes: Buffer): SnapYaml {
  const document = readYaml(bytes, 'meta/snap.yaml');
  const text = (key: string): string => {
    const value = own(document, key);
    return typeof value === 'string' ? value : '';
  };
  const name = text('name');
  const version = text('version');
  if (!namePattern.test(name) || version === '' || version.length > 64) throw refusal('meta/snap.yaml has no name or no version');
  const architectures = own(document, 'architectures');
  const list = Array.isArray(architectures) ? architectures.filter((item): item is string => typeof item === 'string').slice(0, 16) : [];
  return { name, version, summary: text('summary'), license: text('license'), architectures: list };
}
