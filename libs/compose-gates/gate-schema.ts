import { z } from 'zod';
import { urlSchema } from '../settings-file/common-schemas.js';
import type { GateSettings } from '../compose-rules/compose-rule.js';

/** Templates are longer than what they make. */
const text = z.string().min(1).max(1000);
const longestPatience = 7 * 86_400;
const usualPatience = 3600;

/** A gate in a file of settings; docs/reference/compose-gates.md lists every key. The URL is no template: no message of a bus chooses who is asked. */
export const gateSchema: z.ZodType<GateSettings, unknown> = z
  .strictObject({
    url: urlSchema(/^https?:$/, 'https://greenwave.example.org').refine((value) => !/[?#]/.test(value), 'must have no query'),
    'product-version': text,
    'decision-context': text,
    'subject-type': text.default('compose'),
    'subject-identifier': text,
    patience: z.int().min(0).max(longestPatience).default(usualPatience),
  })
  .transform((gate) => ({
    url: gate.url.replace(/\/+$/, ''),
    productVersion: gate['product-version'],
    decisionContext: gate['decision-context'],
    subjectType: gate['subject-type'],
    subjectIdentifier: gate['subject-identifier'],
    patience: gate.patience,
  }));
