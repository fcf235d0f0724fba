import type { InspectedBody, InspectedRequest, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { rememberSnaps } from './declared-snaps.js';
import { countEmbedded, hasSecret, readInfo, readRefresh, storeAnswerLimit } from './store-answer.js';

/** One request of a store's API. */
interface StoreRequest {
  readonly id: string;
  readonly method: 'GET' | 'POST';
  /** With the base of the API and the name of a snap as groups, where it has them. */
  readonly path: RegExp;
  readonly judge: (bytes: Buffer, asked: AskedOfStore, context: InspectionContext) => Promise<ResponseInspection>;
}

interface AskedOfStore {
  /** Base of the API: `https://host:443/v2`. */
  readonly api: string;
  readonly name: string;
}

const requests: readonly StoreRequest[] = [
  {
    id: 'snap.info',
    method: 'GET',
    path: /^(.*\/v2)\/snaps\/info\/([a-z0-9-]{1,64})$/,
    judge: async (bytes, { api, name }, context) => {
      const snaps = readInfo(bytes, name);
      await rememberSnaps(context, api, snaps);
      return approve('application/x.canonical.snap-info', `valid answer of the store, ${snaps.length} releases`, name);
    },
  },
  {
    id: 'snap.refresh',
    method: 'POST',
    path: /^(.*\/v2)\/snaps\/refresh$/,
    judge: async (bytes, { api }, context) => {
      const { snaps, channels, errors } = readRefresh(bytes);
      await rememberSnaps(context, api, snaps);
      const found = snaps.map(({ name, revision }) => `${name} ${revision}`);
      return {
        ...approve('application/x.canonical.snap-refresh', `valid answer of the store, ${snaps.length} snaps`),
        annotations: { snaps: found, channels, errors },
      };
    },
  },
  {
    id: 'snap.names',
    method: 'GET',
    path: /\/api\/v1\/snaps\/names$/,
    judge: async (bytes) => approve('application/x.canonical.snap-names', `valid list of ${countEmbedded(bytes, 'clickindex:package')} snaps`),
  },
  {
    id: 'snap.sections',
    method: 'GET',
    path: /\/api\/v1\/snaps\/sections$/,
    judge: async (bytes) => approve('application/x.canonical.snap-sections', `valid list of ${countEmbedded(bytes, 'clickindex:sections')} sections`),
  },
  {
    id: 'snap.auth',
    method: 'POST',
    path: /\/api\/v1\/snaps\/auth\/(?:nonces|sessions|request-id)$/,
    judge: async (bytes) => {
      if (!hasSecret(bytes, ['nonce', 'macaroon', 'request-id'])) throw refusal("the store's answer has no nonce, macaroon or request id");
      return { ...approve('application/x.canonical.snap-auth', "valid answer to a device's authentication"), confidential: true };
    },
  },
];

/** The API of a snap store, one inspector a request; see docs/reference/inspectors/snap.md. */
export const snapStoreInspectors: readonly Inspector[] = requests.map((known) => ({
  id: known.id,
  inspectRequest: (request) => (askedBy(request, known) === undefined ? undefined : { opinion: 'Pending', reason: 'valid request for a snap store' }),
  inspectResponse: async (request, response, body, context) => judge(known, { request, status: response.status, body, context }),
}));

interface Answered {
  readonly request: InspectedRequest;
  readonly status: number;
  readonly body: InspectedBody;
  readonly context: InspectionContext;
}

async function judge(known: StoreRequest, { request, status, body, context }: Answered): Promise<ResponseInspection | undefined> {
  const asked = askedBy(request, known);
  return status !== 200 || asked === undefined ? undefined : known.judge(await body.read(storeAnswerLimit), asked, context);
}

function approve(type: string, reason: string, name = ''): ResponseInspection {
  return { opinion: 'Approved', reason, metadata: { type, name } };
}

function askedBy({ method, path, origin }: InspectedRequest, known: StoreRequest): AskedOfStore | undefined {
  if (method !== known.method || path.length > 2048) return undefined;
  const found = known.path.exec(path);
  return found === null ? undefined : { api: origin + (found[1] ?? ''), name: found[2] ?? '' };
}
