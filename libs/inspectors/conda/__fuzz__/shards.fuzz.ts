import { createRequest } from '../../__fixtures__/exchange.js';
import { inspectorTarget } from '../../__fixtures__/inspector-target.js';
import { buildConda, shardedRepodata } from '../__fixtures__/sample-conda.js';
import { condaShardsInspector } from '../conda-shards-inspector.js';

export const target = inspectorTarget(condaShardsInspector, {
  request: createRequest('https://registry.example/noarch/repodata_shards.msgpack.zst'),
  seeds: () => [shardedRepodata('millrace-sample-1.0.0-h123_0.conda', buildConda()).index],
});
