import { ZodOptional } from 'zod';
import type { ZodObject, ZodType } from 'zod';
import type { Answer, Parameter } from './operation.js';
import { problem } from './error-schemas.js';
import { inlineSchema, schemaOrReference } from './json-schema.js';

export function json(description: string, schema: ZodType): Answer {
  return { description, content: { 'application/json': schema } };
}

export function text(description: string): Answer {
  return { description, content: { 'text/plain': 'text' } };
}

export const problemAnswer = (description: string): Answer => ({ description, content: { 'application/problem+json': problem } });

const problems: Readonly<Record<number, Answer>> = {
  400: problemAnswer('The request is wrong; `detail` says how.'),
  401: problemAnswer('Credentials are missing or wrong.'),
  404: problemAnswer('There is no such thing.'),
  409: problemAnswer('Its state does not allow this.'),
  413: problemAnswer('The body is larger than 1 MiB.'),
  503: problemAnswer('The record cannot be reached now; try again.'),
};

/** Problems by status, for operations under `/v1`; 503 can always happen. */
export function withProblems(answers: Readonly<Record<number, Answer>>, ...statuses: readonly (keyof typeof problems)[]): Readonly<Record<number, Answer>> {
  return { ...answers, ...Object.fromEntries([...statuses, 503].map((status) => [status, problems[status]])) };
}

export const sessionIdParameter: Parameter = { name: 'id', in: 'path', required: true, schema: { type: 'string', pattern: '^[a-z0-9]{1,64}$' } };

/** Query parameters from the schema that validates them; `limit` travels as text and is shown as the number it means. */
export function queryParameters(schema: ZodObject): readonly Parameter[] {
  return Object.entries(schema.shape).map(([name, field]) => {
    if (name === 'limit') return { name, in: 'query', schema: { type: 'integer', minimum: 1, maximum: 500, default: 100 } };
    // What has a name is referred to: written in place, its own references would lead nowhere.
    return { name, in: 'query', schema: field instanceof ZodOptional ? schemaOrReference(field.unwrap() as ZodType) : inlineSchema(field as ZodType) };
  });
}
