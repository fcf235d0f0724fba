import type { ZodType } from 'zod';

export interface Answer {
  readonly description: string;
  /** Media type to schema; `'text'` and `'binary'` stand for those without one of their own. Absent: no body. */
  readonly content?: Readonly<Record<string, ZodType | 'text' | 'binary'>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: object;
}

/** One operation of the gateway as the OpenAPI document shows it; also what 405 answers are made from. */
export interface Operation {
  readonly method: 'get' | 'post' | 'delete';
  /** OpenAPI template: `/session/{id}`. */
  readonly path: string;
  readonly operationId: string;
  readonly tag: 'fetch-service' | 'sessions' | 'ca' | 'service';
  readonly summary: string;
  readonly auth: 'basic' | 'token' | 'none';
  readonly parameters?: readonly Parameter[];
  readonly body?: ZodType;
  readonly answers: Readonly<Record<number, Answer>>;
}
