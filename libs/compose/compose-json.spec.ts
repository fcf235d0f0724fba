import { describe, expect, it } from '@jest/globals';
import { composeRequest } from '../compose-record/__fixtures__/composes.js';
import { composeJson } from './compose-json.js';
import type { Compose } from './compose.js';

const composeUrl = 'https://composes.test/place';
const compose = (changes: Partial<Compose> = {}): Compose => ({
  id: 7,
  owner: 'ann',
  request: composeRequest(),
  state: 'done',
  stateReason: 'Compose is generated successfully',
  submittedAt: '2026-01-02T03:04:05.678Z',
  startedAt: '2026-01-02T03:04:06.000Z',
  doneAt: '2026-01-02T03:05:06.999Z',
  expiresAt: '2026-01-03T03:05:06.999Z',
  removedAt: null,
  removedBy: null,
  reusedId: null,
  kojiEvent: 1_700_000_000,
  pungiComposeId: 'odcs-7-1-20260102.t.0',
  plan: 'c'.repeat(64),
  queuePosition: null,
  version: 6,
  ...changes,
});

describe("ODCS's JSON of a compose", () => {
  it('has the 42 keys that clients know, with their shapes', () => {
    const json = composeJson(compose(), { composeUrl });
    expect(Object.keys(json)).toHaveLength(42);
    expect(json).toEqual({
      id: 7,
      owner: 'ann',
      source_type: 3,
      source: 'https://packages.test/os',
      state: 2,
      state_name: 'done',
      state_reason: 'Compose is generated successfully',
      time_submitted: '2026-01-02T03:04:05Z',
      time_started: '2026-01-02T03:04:06Z',
      time_done: '2026-01-02T03:05:06Z',
      time_to_expire: '2026-01-03T03:05:06Z',
      time_removed: null,
      removed_by: null,
      result_repo: 'https://composes.test/place/odcs-7/compose/Temporary',
      result_repofile: 'https://composes.test/place/odcs-7/compose/Temporary/odcs-7.repo',
      toplevel_url: 'https://composes.test/place/odcs-7',
      flags: [],
      results: ['repository'],
      sigkeys: '',
      koji_event: 1_700_000_000,
      koji_task_id: null,
      packages: 'bash zlib',
      builds: null,
      arches: 'x86_64',
      multilib_arches: '',
      multilib_method: 0,
      lookaside_repos: '',
      modular_koji_tags: null,
      module_defaults_url: null,
      label: null,
      compose_type: 'test',
      pungi_compose_id: 'odcs-7-1-20260102.t.0',
      target_dir: 'default',
      scratch_modules: null,
      parent_pungi_compose_ids: null,
      scratch_build_tasks: null,
      modules: null,
      respin_of: null,
      base_module_br_name: null,
      base_module_br_stream: null,
      base_module_br_stream_version_lte: null,
      base_module_br_stream_version_gte: null,
    });
  });

  it('has the configuration of Pungi as well where one compose is asked for', () => {
    const json = composeJson(compose(), { composeUrl, full: true });
    expect(Object.keys(json)).toHaveLength(43);
    expect(json).toHaveProperty('pungi_config_dump', null);
  });

  it('joins lists with spaces and keeps the one at the end of the keys', () => {
    const request = composeRequest({
      source: ['https://b.test', 'https://a.test'],
      sigkeys: ['123', ''],
      builds: ['a-1-1', 'b-1-1'],
      modularKojiTags: ['t1', 't2'],
      modules: ['m:1', 'n:1'],
      scratchModules: ['s:1'],
      scratchBuildTasks: ['4', '5'],
      parentPungiComposeIds: ['p-1', 'p-2'],
      arches: ['x86_64', 's390x'],
      multilibArches: ['x86_64'],
      multilibMethods: ['devel', 'runtime'],
      lookasideRepos: ['https://l.test'],
      flags: ['no_reuse', 'no_deps'],
      results: ['boot.iso', 'repository', 'iso'],
      moduleDefaults: { url: 'https://defaults.test/git', commit: 'abc' },
      baseModule: { name: 'platform', stream: 'f1', streamVersionLte: 2, streamVersionGte: 1 },
      label: 'RC-1.0',
    });
    expect(composeJson(compose({ request }), { composeUrl })).toMatchObject({
      source: 'https://b.test https://a.test',
      sigkeys: '123 ',
      builds: 'a-1-1 b-1-1',
      modular_koji_tags: 't1 t2',
      modules: 'm:1 n:1',
      scratch_modules: 's:1',
      scratch_build_tasks: '4 5',
      parent_pungi_compose_ids: 'p-1 p-2',
      arches: 'x86_64 s390x',
      multilib_arches: 'x86_64',
      multilib_method: 3,
      lookaside_repos: 'https://l.test',
      flags: ['no_deps', 'no_reuse'],
      results: ['repository', 'iso', 'boot.iso'],
      module_defaults_url: 'https://defaults.test/git abc',
      base_module_br_name: 'platform',
      base_module_br_stream: 'f1',
      base_module_br_stream_version_lte: 2,
      base_module_br_stream_version_gte: 1,
      label: 'RC-1.0',
    });
  });

  it('has the addresses of the compose whose files it has', () => {
    expect(composeJson(compose({ reusedId: 3 }), { composeUrl })).toMatchObject({ id: 7, toplevel_url: `${composeUrl}/odcs-3`, result_repofile: `${composeUrl}/odcs-3/compose/Temporary/odcs-3.repo` });
  });

  it('has no addresses where there are none', () => {
    const elsewhere = composeRequest({ targetDir: 'private' });
    expect(composeJson(compose({ request: elsewhere }), { composeUrl })).toMatchObject({ target_dir: 'private', toplevel_url: '', result_repo: '', result_repofile: '' });
    const configured = composeRequest({ sourceType: 'raw_config' });
    expect(composeJson(compose({ request: configured }), { composeUrl })).toMatchObject({ toplevel_url: `${composeUrl}/odcs-7`, result_repo: '', result_repofile: '' });
  });
});
