import { invalidFile } from '../invalid-haiku-file.js';
import { architectures, type Architecture } from '../package/architectures.js';
import { flattenMessage, unflattenMessage, type MessageFields } from './flattened-message.js';

/** What a repository says of itself: `repo.info`, and the beginning of `repo`. */
export interface RepositoryInfo {
  readonly name: string;
  /** What clients know it by wherever it lies: `tag:farm.example,2026:repositories/stable`. */
  readonly identifier: string;
  /** Where it lies; empty: where it was fetched from. */
  readonly baseUrl: string;
  readonly vendor: string;
  readonly summary: string;
  /** 0 to 255; higher ones come first. */
  readonly priority: number;
  readonly architecture: Architecture;
  /** Of packages whose licence has to be approved. */
  readonly licenses: readonly { readonly name: string; readonly text: string }[];
}

export function repositoryInfoBytes(info: RepositoryInfo): Buffer {
  const licenses = info.licenses.flatMap(({ name, text }): [string, string][] => [
    ['licenseName', name],
    ['licenseText', text],
  ]);
  return flattenMessage([
    ['class', 'BPackageKit::BRepositoryInfo'],
    ...(info.baseUrl === '' ? [] : ([['baseUrl', info.baseUrl]] as const)),
    ['name', info.name],
    ['identifier', info.identifier],
    // Older clients know it by this field.
    ['url', info.identifier],
    ['vendor', info.vendor],
    ['summary', info.summary],
    ['priority', info.priority],
    ['architecture', architectures.indexOf(info.architecture)],
    ...licenses,
  ]);
}

/** Errors: `source-invalid`. */
export function readRepositoryInfo(bytes: Buffer): RepositoryInfo {
  const fields = unflattenMessage(bytes);
  const text = (name: string): string => textsOf(fields, name)[0] ?? '';
  const number = (name: string): number => fields.flatMap(([of, value]) => (of === name && typeof value === 'number' ? [value] : []))[0] ?? 0;
  const architecture = architectures[number('architecture')];
  if (architecture === undefined) throw invalidFile(`the repository has the unknown architecture ${number('architecture')}`);
  const texts = textsOf(fields, 'licenseText');
  return {
    name: text('name'),
    identifier: text('identifier') || text('url'),
    baseUrl: text('baseUrl'),
    vendor: text('vendor'),
    summary: text('summary'),
    priority: number('priority'),
    architecture,
    licenses: textsOf(fields, 'licenseName').map((name, index) => ({ name, text: texts[index] ?? '' })),
  };
}

function textsOf(fields: MessageFields, name: string): string[] {
  return fields.flatMap(([of, value]) => (of === name && typeof value === 'string' ? [value] : []));
}
