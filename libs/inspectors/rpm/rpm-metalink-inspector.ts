import type { InspectedBody, InspectedRequest, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { readMetalink } from '../../rpm/metadata/metalink.js';
import { rememberMetalink } from './metalinks.js';

const mirrorListLimit = 1024 * 1024;

/** Lists of mirrors, see docs/reference/inspectors/rpm.md. */
export const rpmMetalinkInspector: Inspector = {
  id: 'rpm.metalink',
  inspectRequest: (request) => (asksForMirrors(request) ? { opinion: 'Pending', reason: 'valid URL for a list of mirrors' } : undefined),
  inspectResponse: async (request, response, body, context) => {
    if (response.status !== 200) return undefined;
    if (!isMetalink(body.head)) return readMirrorList(body);
    const metalink = await readMetalink(body.open() as AsyncIterable<Buffer>, context.signal);
    context.signal?.throwIfAborted();
    await rememberMetalink(context.knowledge, request.url, metalink);
    return {
      opinion: 'Approved',
      reason: 'valid metalink: the repomd.xml from its mirrors must have one of its digests',
      annotations: { mirrors: metalink.urls.length, versions: metalink.alternatives.length },
      metadata: { type: 'application/metalink+xml' },
    };
  },
};

/** Mirror managers have `/metalink?repo=…&arch=…`, `/mirrorlist?…`, `/mirrorlist/9/os` or only such a query. */
function asksForMirrors({ method, path, query }: InspectedRequest): boolean {
  if (method !== 'GET') return false;
  return /\/(?:metalink|mirrorlist)(?:\/|$|\.[a-z]+$)/.test(path) || (/(?:^|&)repo=/.test(query) && /(?:^|&)arch=/.test(query));
}

function isMetalink(head: Buffer): boolean {
  return /<metalink[\s>/]/.test(head.toString('latin1'));
}

/**
 * One URL a line. It declares no digests, so a mirror that it names is believed no more than any other host. Whatever else it is: packages of other
 * ecosystems may be called `metalink` too, so this inspector only does not know it.
 */
async function readMirrorList(body: InspectedBody): Promise<ResponseInspection> {
  const lines = body.size > mirrorListLimit ? [] : (await body.read(mirrorListLimit)).toString('latin1').split(/\r?\n/).map((line) => line.trim());
  const urls = lines.filter((line) => line !== '' && !line.startsWith('#'));
  if (urls.length === 0 || !urls.every((url) => /^(?:https?|ftp|rsync):\/\/[\x21-\x7e]+$/.test(url)))
    return { opinion: 'Unknown', reason: 'this is no list of mirrors: neither a metalink nor one URL a line' };
  return { opinion: 'Approved', reason: 'valid list of mirrors', annotations: { mirrors: urls.length }, metadata: { type: 'text/x.rpm.mirrorlist' } };
}
