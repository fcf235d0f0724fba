import { isRecord, own, parseBoundedJson } from '../../inspection/bounded-json.js';
import type { InspectedBody, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { parseDeclaredUrl } from '../declarations/declared-url.js';
import { isCargoClient } from './cargo-client.js';
import { cratePurl } from './crate-id.js';
import { rememberReleases, rememberTemplate } from './declared-crate.js';
import { readIndexFile } from './index-file.js';
import { parseIndexPath } from './index-path.js';

const configLimit = 64 * 1024;
/** Decoded bytes; the largest index files of the public registry have some 5 MB. */
const indexFileLimit = 64 * 1024 * 1024;
const maxTemplate = 4096;

/** Sparse indexes of cargo, see docs/reference/inspectors/cargo.md. */
export const cargoIndexInspector: Inspector = {
  id: 'cargo.index',
  inspectRequest: (request) =>
    request.method === 'GET' && isCargoClient(request) && parseIndexPath(request.path) !== undefined
      ? { opinion: 'Pending', reason: 'valid URL for a cargo index' }
      : undefined,
  inspectResponse: async (request, response, body, { knowledge }) => {
    const asked = parseIndexPath(request.path);
    if (response.status !== 200 || asked === undefined) return undefined;
    const index = request.origin + asked.base;
    if (asked.crate === undefined) return readConfig(body, { index, knowledge });
    const releases = readIndexFile(await body.read(indexFileLimit), asked.crate);
    const remembered = await rememberReleases(knowledge, asked.crate, { index, releases });
    return {
      opinion: 'Approved',
      reason: 'valid cargo index file',
      annotations: { versions: releases.length, remembered, yanked: releases.filter(({ yanked }) => yanked).length },
      metadata: { type: 'application/x.cargo.index', name: asked.crate, purl: cratePurl(asked.crate, '') },
    };
  },
};

/** The `config.json` of an index says where its crates are downloaded from. */
async function readConfig(body: InspectedBody, { index, knowledge }: { index: string; knowledge: InspectionContext['knowledge'] }): Promise<ResponseInspection> {
  const config = parseBoundedJson(await body.read(configLimit));
  const template = isRecord(config) ? own(config, 'dl') : undefined;
  if (typeof template !== 'string' || template.length > maxTemplate || parseDeclaredUrl(template.replaceAll(/[{}]/g, '')) === undefined)
    throw refusal('the config.json of the index has no download URL ("dl")');
  await rememberTemplate(knowledge, index, template);
  return { opinion: 'Approved', reason: 'valid cargo index configuration', annotations: { dl: template }, metadata: { type: 'application/x.cargo.config' } };
}
