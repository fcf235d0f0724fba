import { z } from 'zod';
import type { ComposeRule } from '../compose-rules/compose-rule.js';
import { busFileKeys } from '../event-bus/bus-schema.js';
import { readSettingsFile } from '../settings-file/read-settings-file.js';
import { rulesSchema } from './rule-schema.js';

/** The file `MILLRACE_COMPOSE_RULES`: where messages come from, and what they make. */
export const ruleSettingsFile = {
  schema: z.strictObject({ ...busFileKeys, rules: rulesSchema.default([]) }).superRefine(({ buses, rules }, context) => {
    const names = new Set(buses.map(({ name }) => name));
    for (const [index, rule] of rules.entries()) {
      const unknown = rule.buses.filter((bus) => !names.has(bus));
      if (unknown.length > 0) context.addIssue({ code: 'custom', path: ['rules', index, 'buses'], message: `there is no bus ${unknown.join(', ')}; there are ${[...names].join(', ') || 'none'}` });
    }
  }),
  variable: 'MILLRACE_COMPOSE_RULES',
  page: 'docs/reference/compose-rules.md',
} as const;

/** By name, in the order of the file; none without a file. Errors: `invalid-setting`. */
export async function readRules(file: string | undefined): Promise<ReadonlyMap<string, ComposeRule>> {
  if (file === undefined) return new Map();
  const { rules } = await readSettingsFile(file, ruleSettingsFile);
  return new Map(rules.map((rule) => [rule.name, rule]));
}
