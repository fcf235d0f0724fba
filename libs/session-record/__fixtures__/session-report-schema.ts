/** What real clients of fetch-service rely on in a report, as JSON Schema (2020-12); other keys are allowed everywhere. */
const text = { type: 'string' } as const;
const instant = { type: 'string', format: 'date-time' } as const;
const headers = { type: 'object', additionalProperties: { type: 'array', items: text } } as const;
const inspections = {
  type: 'object',
  additionalProperties: {
    type: 'object',
    required: ['opinion', 'reason'],
    properties: { opinion: { enum: ['Unknown', 'Pending', 'Approved', 'Rejected'] }, reason: text, annotations: { type: 'object' } },
  },
} as const;

const download = {
  type: 'object',
  required: ['start-time', 'end-time', 'method', 'url', 'address', 'user-agent', 'request-header', 'status-code', 'status', 'content-type', 'response-header'],
  properties: { 'start-time': instant, 'end-time': instant, method: text, url: text, address: text, 'user-agent': text, 'request-header': headers, 'status-code': { type: 'integer' }, status: text, 'content-type': text, 'response-header': headers },
} as const;

const metadata = {
  type: 'object',
  required: ['type', 'sha1', 'sha256', 'size', 'name', 'version', 'vendor', 'description', 'author', 'license'],
  properties: {
    sha1: { type: 'string', pattern: '^[0-9a-f]{40}$' },
    sha256: { type: 'string', pattern: '^[0-9a-f]{64}$' },
    size: { type: 'integer', minimum: 0 },
    ...Object.fromEntries(['type', 'name', 'version', 'vendor', 'description', 'author', 'author-email', 'architecture', 'license', 'copyright', 'source-package'].map((key) => [key, text])),
  },
};

export const sessionReportSchema = {
  type: 'object',
  required: ['generator', 'session-id', 'start-time', 'end-time', 'inspectors', 'spool-path', 'policy', 'artifacts'],
  properties: {
    generator: text,
    comment: text,
    'session-id': { type: 'string', pattern: '^[a-z0-9]+$' },
    'start-time': instant,
    'end-time': instant,
    inspectors: { type: 'array', items: text },
    'spool-path': text,
    policy: { enum: ['strict', 'permissive'] },
    artifacts: {
      type: 'array',
      items: {
        type: 'object',
        required: ['artifact-metadata-version', 'request-inspection', 'response-inspection', 'result', 'metadata', 'downloads'],
        properties: {
          'artifact-metadata-version': { type: 'string', pattern: '^\\d+\\.\\d+$' },
          'request-inspection': inspections,
          'response-inspection': inspections,
          result: { enum: ['Approved', 'Rejected'] },
          metadata,
          downloads: { type: 'array', minItems: 1, items: download },
        },
      },
    },
  },
};
