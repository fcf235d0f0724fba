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
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** OpenAPI template: `/session/{id}`; `{path}` at the end may have slashes in it. */
  readonly path: string;
  readonly operationId: string;
  readonly tag: 'fetch-service' | 'sessions' | 'odcs' | 'composes' | 'rules' | 'repositories' | 'caches' | 'ca' | 'service';
  readonly summary: string;
  /** `basic`: any credentials that the service takes, with the role for it; `setting`: those or none, as the service is set; `token`: the session's; `signature`: of the body, by a secret of its bus. */
  readonly auth: 'basic' | 'token' | 'signature' | 'setting' | 'none';
  readonly parameters?: readonly Parameter[];
  readonly body?: ZodType;
  readonly bodyOptional?: boolean;
  /** Media types of a body that is bytes. */
  readonly binaryBody?: readonly string[];
  readonly answers: Readonly<Record<number, Answer>>;
}
