import { odcsError } from '../odcs/odcs-schemas.js';
import { json, problemAnswer, text } from './answers.js';
import type { Answer, Operation } from './operation.js';

const descriptions = {
  401: 'Credentials are missing, wrong or expired.',
  403: 'The caller may not do this, or a page of another site asks.',
  429: 'The caller has as much as they may, or has tried wrong credentials too often; `Retry-After` says when to come again.',
} as const;

/** What any operation may answer to who asks, whatever it does; what it says itself of them stands. */
export function accessAnswers({ auth, method, path, answers }: Operation): Operation['answers'] {
  const statuses = auth === 'none' || auth === 'signature' ? (method === 'get' ? [] : ([403] as const)) : ([401, 403, 429] as const);
  const shape = shapeOf(path);
  return { ...Object.fromEntries(statuses.map((status) => [status, shape(descriptions[status])])), ...answers };
}

function shapeOf(path: string): (description: string) => Answer {
  if (path.startsWith('/v1/')) return problemAnswer;
  return path.startsWith('/api/') ? (description) => json(description, odcsError) : text;
}
