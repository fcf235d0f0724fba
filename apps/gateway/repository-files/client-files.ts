import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { Repository } from '../../../libs/repository/repository.js';
import type { SigningKey } from '../../../libs/signing/signer.js';

/** What an operator gives to machines that install from a repository. */
export interface ClientFile {
  /** The name of the repository that it is for. */
  readonly name: string;
  /** `repo`: for dnf and zypper; `sources`: for apt; `asc`: the keys that sign it. */
  readonly kind: 'repo' | 'sources' | 'asc';
}

/** `stable.repo`, `stable.sources`, `stable.asc`. */
export function clientFileOf(file: string): ClientFile | undefined {
  const [, name = '', kind] = /^(.+)\.(repo|sources|asc)$/.exec(file) ?? [];
  return kind === 'repo' || kind === 'sources' || kind === 'asc' ? { name, kind } : undefined;
}

/** Undefined: a repository of its kind has no such file. `files`: where it is served, without a slash at its end. */
export function clientFileText(repository: Repository, { kind, files, keys }: { readonly kind: ClientFile['kind']; readonly files: string; readonly keys: readonly SigningKey[] }): string | undefined {
  const { name, settings } = repository;
  const signed = settings.keys.length > 0;
  if (kind === 'repo' && repository.kind === 'rpm') {
    const check = signed ? `repo_gpgcheck=1\ngpgkey=${files}.asc\n` : 'repo_gpgcheck=0\n';
    return `[${name}]\nname=${name}\nbaseurl=${files}/\nenabled=1\nmetadata_expire=300\ngpgcheck=0\n${check}`;
  }
  if (kind === 'sources' && settings.deb !== null) {
    const { suite, components, architectures } = settings.deb;
    const trust = signed ? `Signed-By: /etc/apt/keyrings/${name}.asc\n` : 'Trusted: yes\n';
    return `Types: deb\nURIs: ${files}/\nSuites: ${suite}\nComponents: ${components.join(' ')}\nArchitectures: ${architectures.join(' ')}\n${trust}`;
  }
  return kind === 'asc' && signed ? publicKeys(repository, keys) : undefined;
}

function publicKeys({ name, settings }: Repository, keys: readonly SigningKey[]): string {
  const known = new Map(keys.map((key) => [key.name, key]));
  const lost = settings.keys.filter((each) => !known.has(each));
  if (lost.length > 0) throw new MillraceError('key-not-found', `the repository ${name} is signed with keys that are not there: ${lost.join(', ')}`);
  return settings.keys.map((each) => `${known.get(each)?.publicKey.trimEnd()}\n`).join('');
}
