import { SearchAttributeType } from '@temporalio/common';
import proto from '@temporalio/proto'; // CommonJS: its names are not seen by Node's ES module loader
import { artifactCacheSearchAttributes } from '../workflows/artifact-cache/artifact-cache-search-attributes.js';
import { composeSearchAttributes } from '../workflows/compose/compose-search-attributes.js';
import { composeRuleSearchAttributes } from '../workflows/compose-rule/compose-rule-search-attributes.js';
import { repositorySearchAttributes } from '../workflows/repository/repository-search-attributes.js';
import { sessionSearchAttributes } from '../workflows/session/session-search-attributes.js';
import type { Connection } from '@temporalio/client';

const { INDEXED_VALUE_TYPE_INT, INDEXED_VALUE_TYPE_KEYWORD } = proto.temporal.api.enums.v1.IndexedValueType;

/** Status code of gRPC. */
const grpcAlreadyExists = 6;

/** Those of every workflow. */
export const searchAttributeKeys = [
  ...Object.values(sessionSearchAttributes),
  ...Object.values(composeSearchAttributes),
  ...Object.values(composeRuleSearchAttributes),
  ...Object.values(repositorySearchAttributes),
  ...Object.values(artifactCacheSearchAttributes),
];

/** Name to type, of every search attribute that Millrace's workflows write. */
export const searchAttributeTypes: Readonly<Record<string, proto.temporal.api.enums.v1.IndexedValueType>> = Object.fromEntries(
  searchAttributeKeys.map((key) => [key.name, key.type === SearchAttributeType.INT ? INDEXED_VALUE_TYPE_INT : INDEXED_VALUE_TYPE_KEYWORD]),
);

/**
 * Registers in the namespace what is missing there; several processes may do so at once. A workflow that writes an attribute
 * which is not registered stands still until it is, so workers call this before they take work. Rejects with the gRPC error.
 */
export async function ensureSearchAttributes(connection: Connection, namespace: string): Promise<readonly string[]> {
  const missing = await missingAttributes(connection, namespace);
  if (missing.length === 0) return [];
  try {
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: Object.fromEntries(missing.map((name) => [name, searchAttributeTypes[name]!])) });
  } catch (error) {
    if ((error as { code?: unknown }).code !== grpcAlreadyExists) throw error; // another worker was first
  }
  return missing;
}

async function missingAttributes(connection: Connection, namespace: string): Promise<string[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return Object.keys(searchAttributeTypes).filter((name) => !(name in customAttributes));
}
