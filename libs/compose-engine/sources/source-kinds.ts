import type { SourceType } from '../../compose/compose-vocabulary.js';
import { buildKind, tagKind } from './koji-kinds.js';
import { moduleKind } from './module-kind.js';
import { pulpKind } from './pulp-kind.js';
import { rawConfigKind } from './raw-config-kind.js';
import { pungiComposeKind } from './pungi-compose-kind.js';
import { repoKind } from './repo-kind.js';
import type { SourceKind } from './source-kind.js';

export const sourceKinds: Readonly<Record<SourceType, SourceKind>> = {
  repo: repoKind,
  pungi_compose: pungiComposeKind,
  tag: tagKind,
  build: buildKind,
  module: moduleKind,
  pulp: pulpKind,
  raw_config: rawConfigKind,
};
