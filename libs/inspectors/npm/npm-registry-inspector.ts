import { isRecord, own, parseBoundedJson } from '../../inspection/bounded-json.js';
import type { InspectedBody, InspectedRequest, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { isAskedByInspector } from '../declarations/asked-by-inspector.js';
import { isNpmClient } from './npm-client.js';
import { keysPath, rememberRegistryKeys } from './registry-keys.js';
import { readRegistryKeys } from './registry-signatures.js';

const answerLimit = 1024 * 1024;
const searchLimit = 8 * 1024 * 1024;
const textLimit = 4096;

type Endpoint = 'keys' | 'ping' | 'whoami' | 'search' | 'attestations';

/** Below `/-/` of a registry, whatever its base is. */
const endpoints: readonly (readonly [Endpoint, RegExp])[] = [
  ['keys', /\/-\/npm\/v1\/keys$/],
  ['ping', /\/-\/ping$/],
  ['whoami', /\/-\/whoami$/],
  ['search', /\/-\/v1\/search$/],
  ['attestations', /\/-\/npm\/v1\/attestations\/[^/]+(?:\/[^/]+)?$/],
];

/** What a registry answers besides packages, see docs/reference/inspectors/npm.md. Only the shapes that clients read are approved. */
export const npmRegistryInspector: Inspector = {
  id: 'npm.registry',
  inspectRequest: (request) => {
    const endpoint = endpointOf(request);
    return endpoint === undefined ? undefined : { opinion: 'Pending', reason: `valid URL for the ${endpoint} of an npm registry` };
  },
  inspectResponse: async (request, response, body, context) => {
    const endpoint = endpointOf(request);
    if (response.status !== 200 || endpoint === undefined) return undefined;
    return { ...(await judge(endpoint, { request, body, context })), metadata: { type: `application/x.npm.${endpoint}` } };
  },
};

function endpointOf(request: InspectedRequest): Endpoint | undefined {
  if (request.method !== 'GET' || !(isNpmClient(request) || isAskedByInspector(request))) return undefined;
  return endpoints.find(([, pattern]) => pattern.test(request.path))?.[0];
}

interface Subject {
  readonly request: InspectedRequest;
  readonly body: InspectedBody;
  readonly context: InspectionContext;
}

async function judge(endpoint: Endpoint, { request, body, context }: Subject): Promise<ResponseInspection> {
  const bytes = await body.read(endpoint === 'search' ? searchLimit : answerLimit);
  // Some registries answer a ping with nothing.
  const answer = endpoint === 'ping' && bytes.length === 0 ? {} : parseBoundedJson(bytes);
  switch (endpoint) {
    case 'keys': {
      const keys = readRegistryKeys(answer);
      await rememberRegistryKeys(request.origin + request.path.slice(0, -keysPath.length), bytes.toString('utf8'), context);
      return { opinion: 'Approved', reason: 'signing keys of an npm registry', annotations: { keys: keys.map(({ keyId }) => keyId) } };
    }
    case 'attestations':
      return { opinion: 'Unknown', reason: 'attestations of npm packages are not verified here; leave out "npm audit signatures" in strict sessions: the registry\'s signatures are checked with every tarball' };
    case 'ping':
      return approveShape(isRecord(answer), endpoint);
    case 'whoami':
      return approveShape(isRecord(answer) && isText(own(answer, 'username')), endpoint);
    case 'search':
      return approveShape(isRecord(answer) && isSearchResult(own(answer, 'objects')), endpoint);
  }
}

function approveShape(isOne: boolean, endpoint: Endpoint): ResponseInspection {
  return isOne ? { opinion: 'Approved', reason: `valid ${endpoint} answer of an npm registry` } : { opinion: 'Rejected', reason: `the answer is not one of the ${endpoint} of an npm registry` };
}

/** Names of packages with what is said of them; nothing of it is installed. */
function isSearchResult(objects: unknown): boolean {
  if (!Array.isArray(objects)) return false;
  return objects.every((object: unknown) => {
    const found = isRecord(object) ? own(object, 'package') : undefined;
    return isRecord(found) && isText(own(found, 'name')) && isText(own(found, 'version'));
  });
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.length <= textLimit;
}
