import { createHash } from 'node:crypto';
import { MillraceError } from '../../errors/millrace-error.js';
import { bufferSource } from '../../haiku/byte-source.js';
import { canonicalFileName } from '../../haiku/package/package-info.js';
import { openRepositoryFile, type OpenRepositoryFile } from '../../haiku/repository/repository-file.js';
import { verifyMinisign } from '../../signing/minisign-signature.js';
import type { ExistingPackage, ExistingPlace, ExistingRepository, ReadExistingOptions } from '../../repository-import/existing-repository.js';
import { nameProblems } from './inspect-package.js';

/** Bytes of `repo`: that of a distribution of thousands of packages has one million. */
const largestRepo = 128 * 1024 * 1024;
const largestText = 64 * 1024;
/** A publisher writes `repo` and `repo.sha256` one after the other. */
const attempts = 3;

/** What `repo` lists, checked by `repo.sha256` and, where keys are given, by `repo.minisig`. Errors: `source-changed` (the two belong to different states, worth another attempt), `source-invalid`. */
export async function readHaikuRepository(place: ExistingPlace, options: ReadExistingOptions): Promise<ExistingRepository> {
  const { bytes, digest, serial } = await readConsistent(place, options);
  const file = await openRepositoryFile(bufferSource(bytes));
  const existing = listed(file, place);
  const { licenses: _ofPackages, ...haiku } = file.info;
  return {
    kind: 'haiku',
    indexSha256: digest,
    serial,
    async *packages() {
      yield* existing;
    },
    describes: { haiku },
  };
}

interface Consistent {
  readonly bytes: Buffer;
  readonly digest: string;
  readonly serial: number | undefined;
}

async function readConsistent(place: ExistingPlace, options: ReadExistingOptions): Promise<Consistent> {
  let changed: MillraceError | undefined;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const said = (await small(place, 'repo.sha256', options))?.slice(0, 64).toLowerCase();
    const bytes = await place.document('repo', { ...options, limit: largestRepo });
    if (bytes === undefined) throw new MillraceError('source-invalid', `${place.name} is no haiku repository: it has no repo`);
    const digest = createHash('sha256').update(bytes).digest('hex');
    if (said === undefined || said === digest) {
      return { bytes, digest, serial: await verify(place, { bytes, options }) };
    }
    changed = new MillraceError('source-changed', `repo of ${place.name} has the SHA-256 ${digest}, and repo.sha256 says ${JSON.stringify(said)}`, { suggestion: 'It is being published to, or it is damaged; try again.' });
  }
  throw changed ?? new MillraceError('internal', 'no attempt was made');
}

/** When it was signed, as the signature says; undefined: it was not looked at, or does not say. */
async function verify(place: ExistingPlace, { bytes, options }: { readonly bytes: Buffer; readonly options: ReadExistingOptions }): Promise<number | undefined> {
  if (options.keys.length === 0) return undefined;
  const signature = await small(place, 'repo.minisig', options);
  if (signature === undefined) throw new MillraceError('source-invalid', `${place.name} is not signed: it has no repo.minisig`, { suggestion: 'Import it without keys if you trust the way to it.' });
  const { comment } = verifyMinisign({ publicKeys: options.keys, content: bytes, signature });
  const [, seconds] = /^timestamp:(\d{1,15})(?:\t|$)/.exec(comment) ?? [];
  return seconds === undefined ? undefined : Number(seconds);
}

async function small(place: ExistingPlace, file: string, options: ReadExistingOptions): Promise<string | undefined> {
  return (await place.document(file, { ...options, limit: largestText }))?.toString('utf8').trim();
}

/** Each file once; a name that no client could ask for was not made by Haiku's tools. */
function listed({ packages }: OpenRepositoryFile, { name }: ExistingPlace): readonly ExistingPackage[] {
  const seen = new Set<string>();
  return Array.from(packages(), ({ info, checksum }) => {
    const file = canonicalFileName(info);
    const problems = seen.has(file) ? [`it lists ${file} twice`] : nameProblems(info);
    if (problems.length > 0) throw new MillraceError('source-invalid', `repo of ${name} cannot be taken over: ${problems.join('; ')}`);
    seen.add(file);
    return { path: `packages/${file}`, size: undefined, checksum: { algorithm: 'sha256', value: checksum }, component: '' };
  });
}
