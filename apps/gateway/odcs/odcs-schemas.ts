import { z } from 'zod';
import { composeFlags, composeResults, composeStates, multilibMethods, sourceTypes } from '../../../libs/compose/compose-vocabulary.js';

/** ODCS's shapes for the OpenAPI document. Requests are read by `readNewCompose`, whose messages are made for people; these say the same to machines. */
const names = <Name extends string>(vocabulary: Readonly<Record<Name, number>>): Name[] => Object.keys(vocabulary) as Name[];
const time = z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/);
const joined = z.string().describe('Joined by spaces.');
const texts = z.array(z.string());
const count = z.int().min(0);
const secondsToLive = {
  seconds_to_live: count.optional().describe('Seconds from the end of generation until it expires; 0 or absent: the default of the service, which has a maximum, too.'),
  'seconds-to-live': z.union([count, z.string()]).optional().describe('The same, as the command line of ODCS sends it.'),
};

const fields = {
  id: z.int().min(1),
  owner: z.string(),
  source_type: z.int().describe(`One of ${numbered(sourceTypes)}.`),
  source: joined,
  state: z.int().describe(`One of ${numbered(composeStates)}.`),
  state_name: z.enum(names(composeStates)),
  state_reason: z.string().nullable(),
  time_to_expire: time,
  time_submitted: time,
  time_started: time.nullable(),
  time_done: time.nullable(),
  time_removed: time.nullable(),
  removed_by: z.string().nullable(),
  result_repo: z.string(),
  result_repofile: z.string(),
  toplevel_url: z.string(),
  flags: z.array(z.enum(names(composeFlags))),
  results: z.array(z.enum(names(composeResults))),
  sigkeys: joined,
  koji_event: z.int().nullable(),
  koji_task_id: z.int().nullable(),
  packages: joined.nullable(),
  builds: joined.nullable(),
  arches: joined,
  multilib_arches: joined,
  multilib_method: count.describe(`Sum of ${numbered(multilibMethods)}.`),
  lookaside_repos: joined,
  modular_koji_tags: joined.nullable(),
  module_defaults_url: joined.nullable(),
  label: z.string().nullable(),
  compose_type: z.string().nullable(),
  pungi_compose_id: z.string().nullable(),
  target_dir: z.string(),
  scratch_modules: joined.nullable(),
  parent_pungi_compose_ids: joined.nullable(),
  scratch_build_tasks: joined.nullable(),
  modules: joined.nullable(),
  respin_of: z.string().nullable(),
  base_module_br_name: z.string().nullable(),
  base_module_br_stream: z.string().nullable(),
  base_module_br_stream_version_lte: z.int().nullable(),
  base_module_br_stream_version_gte: z.int().nullable(),
};

export const odcsCompose = z.strictObject(fields).meta({ id: 'OdcsCompose' });
export const odcsComposeDetail = z.strictObject({ ...fields, pungi_config_dump: z.string().nullable() }).meta({ id: 'OdcsComposeDetail' });

const link = z.string().describe('Absolute URL.');
export const odcsComposeList = z
  .strictObject({
    items: z.array(odcsCompose),
    meta: z.strictObject({ page: z.int(), pages: count, per_page: count, max_per_page: count, total: count, first: link, last: link, prev: link.nullable(), next: link.nullable() }),
  })
  .meta({ id: 'OdcsComposeList' });

export const odcsError = z.strictObject({ status: z.int(), error: z.string(), message: z.string() }).meta({ id: 'OdcsError' });
export const odcsDeleted = z.strictObject({ status: z.literal(202), message: z.string() }).meta({ id: 'OdcsDeleted' });
export const odcsAbout = z.strictObject({ version: z.string(), auth_backend: z.enum(['noauth', 'basic']), allowed_clients: z.strictObject({}), raw_config_urls: z.strictObject({}), sigkeys: texts }).meta({ id: 'OdcsAbout' });

export const odcsNewCompose = z
  .looseObject({
    source: z.looseObject({
      type: z.enum(names(sourceTypes)),
      source: z.string().optional().describe('What `type` names: URLs or paths of repositories, …; several with spaces between.'),
      packages: texts.optional(),
      builds: texts.optional(),
      sigkeys: texts.optional().describe('In the order of preference; an empty string allows unsigned packages.'),
      koji_event: count.optional(),
      modular_koji_tags: texts.optional(),
      module_defaults_url: z.string().optional(),
      module_defaults_commit: z.string().optional(),
      scratch_modules: texts.optional(),
      scratch_build_tasks: texts.optional(),
      modules: texts.optional(),
      base_module_br_name: z.string().optional(),
      base_module_br_stream: z.string().optional(),
      base_module_br_stream_version_lte: count.optional(),
      base_module_br_stream_version_gte: count.optional(),
    }),
    ...secondsToLive,
    flags: z.array(z.enum(names(composeFlags))).optional(),
    results: z.array(z.enum(names(composeResults))).optional(),
    arches: texts.optional(),
    multilib_arches: texts.optional(),
    multilib_method: z.array(z.enum(names(multilibMethods))).optional(),
    lookaside_repos: texts.optional(),
    label: z.string().optional(),
    compose_type: z.string().optional(),
    target_dir: z.string().optional(),
    parent_pungi_compose_ids: texts.optional(),
    respin_of: z.string().optional(),
  })
  .meta({ id: 'OdcsNewCompose', examples: [{ source: { type: 'repo', source: 'https://packages.example/9/os', packages: ['bash'], sigkeys: ['FD431D51', ''] }, arches: ['x86_64'], flags: ['no_deps'], seconds_to_live: 3600 }] });

export const odcsRenewal = z
  .looseObject({ ...secondsToLive, label: z.string().optional(), sigkeys: texts.optional(), source: z.looseObject({ builds: texts.optional(), modules: texts.optional() }).optional() })
  .meta({ id: 'OdcsRenewal' });

function numbered(vocabulary: Readonly<Record<string, number>>): string {
  return Object.entries(vocabulary).map(([name, number]) => `${number} ${name}`).join(', ');
}
