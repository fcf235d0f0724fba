import { z } from 'zod';
import type { ZodType } from 'zod';

export const schemaAddress = (id: string): string => `#/components/schemas/${id}`;

type JsonSchema = Record<string, unknown>;

const options = { io: 'input', override: ({ jsonSchema }: { jsonSchema: unknown }) => readable(jsonSchema as JsonSchema) } as const;

/** A schema with a name is referred to; one without is written in place. */
export function schemaOrReference(schema: ZodType): JsonSchema {
  const id = z.globalRegistry.get(schema)?.id;
  return id === undefined ? withoutDialect(z.toJSONSchema(schema, options)) : { $ref: schemaAddress(id) };
}

/** The schema itself, named or not. */
export function inlineSchema(schema: ZodType): JsonSchema {
  return withoutDialect(z.toJSONSchema(schema, options));
}

/** Every schema that has a name, by name. */
export function namedSchemas(): Record<string, JsonSchema> {
  const { schemas } = z.toJSONSchema(z.globalRegistry, { ...options, uri: schemaAddress });
  const entries = Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([id, schema]) => [id, withoutDialect(schema)]));
}

/** What zod adds for itself: `format` says a time well enough, and JSON's integers need no bounds of JavaScript's. */
function readable(schema: JsonSchema): void {
  if (schema['format'] === 'date-time') delete schema['pattern'];
  if (schema['maximum'] === Number.MAX_SAFE_INTEGER) delete schema['maximum'];
  if (schema['minimum'] === Number.MIN_SAFE_INTEGER) delete schema['minimum'];
}

/** The dialect is OpenAPI's own; `$id` would change what the references mean. */
function withoutDialect(schema: object): JsonSchema {
  const { $schema: _dialect, $id: _address, id: _name, ...rest } = schema as JsonSchema;
  return rest;
}
