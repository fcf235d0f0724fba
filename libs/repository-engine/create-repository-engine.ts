import { inspectChange } from './inspect-change.js';
import { placePackages, withdrawPackages } from './place-packages.js';
import { prepareIndex, preparedIndex } from './prepare-index.js';
import { pruneRepository } from './prune-repository.js';
import { receivePackage } from './receive-package.js';
import { switchIndex } from './switch-index.js';
import { discardUpload, tidyRepository } from './tidy-repository.js';
import type { RepositoryEngineOptions } from './engine-options.js';
import type { RepositoryEngine } from './repository-engine.js';

/** On any store, for any format. Opens nothing yet. */
export function createRepositoryEngine(engine: RepositoryEngineOptions): RepositoryEngine {
  return {
    receive: (repository, content, given) => receivePackage(repository, content, { given, engine }),
    discard: (repository, id, options) => discardUpload(repository, id, { options, engine }),
    inspect: (change, options) => inspectChange(change, options, engine),
    place: (planned, options) => placePackages(planned, options, engine),
    prepareIndex: (planned, options) => prepareIndex(planned, options, engine),
    preparedIndex: (planned, options) => preparedIndex(planned, options, engine),
    switchIndex: (planned, index, options) => switchIndex(planned, index, { options, engine }),
    withdraw: (abandoned, options) => withdrawPackages(abandoned, options, engine),
    tidy: (repository, options) => tidyRepository(repository, options, engine),
    prune: (repository, options) => pruneRepository(repository, options, engine),
  };
}
