import type { ComposeRequest } from '../../compose/compose-request.js';
import { MillraceError } from '../../errors/millrace-error.js';
import type { RepositorySource, SourceOptions } from '../../repository-source/repository-source.js';
import { readVariantContents } from '../pungi-compose-metadata.js';
import { withoutEndingSlash, type RepositoryPlace } from '../repository-places.js';
import { pinLookaside, pinRepositories } from './pin-repositories.js';
import { placeReasons, type SourceKind } from './source-kind.js';

export const pungiComposeKind: SourceKind = {
  missing: () => undefined,
  check({ source }) {
    const reasons = source.length === 0 ? ['source type pungi_compose needs a source: the URL of a variant in a Pungi compose'] : [];
    if (source.length > 1) reasons.push('source type pungi_compose takes one URL');
    if (source[0] !== undefined && variantOf(source[0]) === '') reasons.push(`${source[0]} does not end with the name of a variant`);
    return [...reasons, ...placeReasons(source)];
  },
  async pin({ source }, asked, options) {
    const { request, places } = await readPungiCompose(source, asked, options);
    const sources = await pinRepositories(source, places, options);
    return { request, sources, lookaside: await pinLookaside(source, request, options), kojiEvent: request.kojiEvent };
  },
};

/** The last part of the path. */
function variantOf(place: string): string {
  return /([^/]*)\/*$/.exec(place.replace(/[?#].*$/, ''))?.[1] ?? '';
}

async function readPungiCompose(source: RepositorySource, asked: ComposeRequest, options: SourceOptions): Promise<{ readonly request: ComposeRequest; readonly places: readonly RepositoryPlace[] }> {
  const url = withoutEndingSlash(asked.source[0] as string);
  const variant = variantOf(url);
  const compose = url.slice(0, -variant.length - 1);
  const list = `${compose}/metadata/rpms.json`;
  const contents = readVariantContents(await source.read(list, options), variant, list);
  const arches = contents.arches.filter((arch) => arch !== 'src');
  if (arches.length === 0) throw new MillraceError('source-invalid', `${list} lists no package of ${variant}`);
  const places = arches.flatMap((arch): RepositoryPlace[] => [
    { url: `${url}/${arch}/os`, arches: [arch] },
    { url: `${url}/${arch}/debug/tree`, arches: [arch], optional: true },
  ]);
  // As in ODCS, the compose stands for what the request could else say of packages and keys.
  const request = { ...asked, arches, packages: contents.packages, builds: contents.builds, sigkeys: contents.sigkeys };
  return { request, places: [...places, { url: `${url}/source/tree`, arches, optional: true }] };
}
