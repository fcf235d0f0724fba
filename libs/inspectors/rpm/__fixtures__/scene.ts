import type { InspectionContext } from '../../../inspection/inspector.js';
import type { ResponseInspectionResult } from '../../../inspection/response-inspection.js';
import { buildPackage, type PackageParts } from '../../../rpm/__fixtures__/build-package.js';
import { tag } from '../../../rpm/package/tags.js';
import { createContext, createRequest, inspect } from '../../__fixtures__/exchange.js';
import type { SamplePackage, SampleRepository } from './repository.js';

export const base = 'https://repo.example/os/';

/** A package of the given version, at its usual place. */
export function samplePackage(version = '1.0', parts: PackageParts = {}): SamplePackage {
  const bytes = buildPackage({ ...parts, tags: [[tag.version, version], ...(parts.tags ?? [])] });
  return { bytes, name: 'built', version, release: '1', href: `Packages/built-${version}-1.noarch.rpm` };
}

export function get(url: string, bytes: Buffer, context: InspectionContext, headers: Readonly<Record<string, string>> = {}): Promise<ResponseInspectionResult> {
  return inspect(createRequest(url), { bytes, headers }, context);
}

/** `Approved: reason` of the one inspector that spoke. */
export function said({ inspections }: ResponseInspectionResult): string {
  return Object.entries(inspections)
    .map(([id, { opinion, reason }]) => `${id} ${opinion}: ${reason}`)
    .join('; ');
}

/** What a client does: the repomd.xml, then the primary metadata. */
export async function learn(repository: SampleRepository, context: InspectionContext, at = base): Promise<void> {
  await get(`${at}repodata/repomd.xml`, repository.repomd, context);
  await get(at + repository.primaryPath, repository.primary, context);
}

/** A context whose `consult` is answered from `files`, by URL; `asked` notes the URLs. */
export function consulting(files: ReadonlyMap<string, Buffer>, from: InspectionContext = createContext()): { readonly context: InspectionContext; readonly asked: string[] } {
  const asked: string[] = [];
  const context: InspectionContext = {
    ...from,
    consult: async (url) => {
      asked.push(url);
      const bytes = files.get(url.replace(':443', ''));
      if (bytes === undefined) return 'unreachable';
      return (await get(url, bytes, context)).verdict === 'Approved' ? 'approved' : 'refused';
    },
  };
  return { context, asked };
}

export function configured(publicKey: string, urls: readonly string[] = [base]): InspectionContext {
  return { ...createContext(), configuration: { rpm: { repositories: { sample: { urls, 'public-key': publicKey } } } } };
}
