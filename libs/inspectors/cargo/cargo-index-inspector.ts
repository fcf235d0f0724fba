import { isRecord, own, parseBoundedJson } from '../../inspection/bounded-json.js';
import type { InspectedBody, InspectedRequest, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { isAskedByInspector } from '../declarations/asked-by-inspector.js';
import { parseDeclaredUrl } from '../declarations/declared-url.js';
import { explainTimeless } from '../declarations/publication-time.js';
import { rememberIndex } from '../declarations/seen-indexes.js';
import { indexAccept, isCargoClient } from './cargo-client.js';
import { cratePurl } from './crate-id.js';
import { rememberReleases, rememberTemplate } from './declared-crate.js';
import { hideYoungLines, readIndexFile } from './index-file.js';
import { parseIndexPath } from './index-path.js';

const configLimit = 64 * 1024;
/** Decoded bytes; the largest index files of the public registry have some 5 MB. */
const indexFileLimit = 64 * 1024 * 1024;
const maxTemplate = 4096;

/** Sparse indexes of cargo, see docs/reference/inspectors/cargo.md. */
export const cargoIndexInspector: Inspector = {
  id: 'cargo.index',
  inspectRequest: (request) => (asksForIndex(request) ? { opinion: 'Pending', reason: 'valid URL for a cargo index' } : undefined),
  inspectResponse: async (request, response, body, context) => {
    const asked = parseIndexPath(request.path);
    if (response.status !== 200 || asked === undefined) return undefined;
    const index = request.origin + asked.base;
    if (asked.crate === undefined) return readConfig(body, index, context);
    const bytes = await body.read(indexFileLimit);
    const releases = readIndexFile(bytes, asked.crate);
    const remembered = await rememberReleases(context, asked.crate, { index, releases });
    await rememberIndex(context.knowledge, 'cargo', { url: index, signal: context.signal });
    return {
      ...judgeVisibility(bytes, asked.crate, context),
      annotations: { versions: releases.length, remembered, yanked: releases.filter(({ yanked }) => yanked).length },
      metadata: { type: 'application/x.cargo.index', name: asked.crate, purl: cratePurl(asked.crate, '') },
    };
  },
};

/** An inspector asks for files of crates in the form that cargo asks for them; nothing else of it says cargo. */
function asksForIndex(request: InspectedRequest): boolean {
  if (request.method !== 'GET') return false;
  const asked = parseIndexPath(request.path);
  if (asked === undefined) return false;
  return isCargoClient(request) || (isAskedByInspector(request) && asked.crate !== undefined && request.header('accept') === indexAccept);
}

function judgeVisibility(bytes: Buffer, crate: string, { visibleUntil }: InspectionContext): ResponseInspection {
  const limit = visibleUntil?.('cargo', crate);
  const hidden = limit === undefined ? undefined : hideYoungLines(bytes, crate, limit);
  if (limit !== undefined && hidden === 'timeless')
    return { opinion: 'Rejected', reason: explainTimeless(`the index file of ${crate}`, limit, 'use a registry whose index has publication times (pubtime)') };
  const reason = 'valid cargo index file';
  return hidden === undefined || hidden === 'timeless' ? { opinion: 'Approved', reason } : { opinion: 'Approved', reason: `${reason}; ${hidden.reason}`, replacement: hidden };
}

/** The `config.json` of an index says where its crates are downloaded from. */
async function readConfig(body: InspectedBody, index: string, { knowledge, signal }: InspectionContext): Promise<ResponseInspection> {
  const config = parseBoundedJson(await body.read(configLimit));
  const template = isRecord(config) ? own(config, 'dl') : undefined;
  if (typeof template !== 'string' || template.length > maxTemplate || parseDeclaredUrl(template.replaceAll(/[{}]/g, '')) === undefined)
    throw refusal('the config.json of the index has no download URL ("dl")');
  signal?.throwIfAborted();
  await rememberTemplate(knowledge, index, template);
  await rememberIndex(knowledge, 'cargo', { url: index, signal });
  return { opinion: 'Approved', reason: 'valid cargo index configuration', annotations: { dl: template }, metadata: { type: 'application/x.cargo.config' } };
}
