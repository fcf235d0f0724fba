import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import type { InspectionContext } from '../../libs/inspection/inspector.js';
import { createMemorySessionKnowledge } from '../../libs/testing/memory-session-knowledge.js';
import { inspectedFormats } from './inspected-formats.js';
import type { PreparedInspection } from './prepared-inspection.js';

/** `prepare-inspection.js <format> <artefact> <prepared>`: makes the artefact, and what its index would have declared. */
const [, , name = '', artefact = '', prepared = ''] = process.argv;
const format = inspectedFormats.find((each) => each.name === name);
if (format === undefined) throw new Error(`there is no format ${name}`);

await format.make(artefact);
const bytes = readFileSync(artefact);
const known = new Map<string, string>();
const fresh: InspectionContext = {
  sessionId: 'a'.repeat(32),
  policy: 'strict',
  configuration: {},
  knowledge: createMemorySessionKnowledge(known),
};
const context = (await format.prepare?.(fresh, bytes)) ?? fresh;
const { url, method = 'GET', headers = {}, body } = typeof format.request === 'function' ? format.request(bytes) : format.request;
const digest = (algorithm: string): string => createHash(algorithm).update(bytes).digest('hex');
const inspection: PreparedInspection = {
  size: bytes.length,
  sha1: digest('sha1'),
  sha256: digest('sha256'),
  configuration: context.configuration,
  knowledge: [...known],
  request: { url, method, headers, body: body?.toString('base64') },
};
writeFileSync(prepared, JSON.stringify(inspection));
