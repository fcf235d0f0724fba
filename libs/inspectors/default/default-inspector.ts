import type { InspectedBody, InspectedResponse, Inspector } from '../../inspection/inspector.js';
import { defaultInspectorId } from '../../inspection/request-inspection.js';
import { sniffType } from './sniff-type.js';

const headLimit = 4096;

/** Speaks when nobody else does: tells what a file looks like and approves nothing. See docs/reference/inspectors/default.md. */
export const defaultInspector: Inspector = {
  id: defaultInspectorId,
  inspectRequest: () => ({ opinion: 'Unknown', reason: 'the request was not recognized by any format inspector' }),
  inspectResponse: async (_request, response, body) => {
    const { head, whole } = await decodedHead(body, response);
    return { opinion: 'Unknown', reason: 'the artifact format is unknown', metadata: { type: await sniffType(head, whole) } };
  },
};

/** The first bytes with content coding undone; as transferred when that fails, which others may report. */
async function decodedHead(body: InspectedBody, response: InspectedResponse): Promise<{ head: Buffer; whole: boolean }> {
  const coding = response.header('content-encoding')?.trim() ?? '';
  if (coding === '' || coding === 'identity') return { head: body.head, whole: body.size <= body.head.length };
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body.open() as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > headLimit) break; // ends the stream as well
    }
  } catch {
    return { head: body.head, whole: false };
  }
  return { head: Buffer.concat(chunks).subarray(0, headLimit), whole: size <= headLimit };
}
