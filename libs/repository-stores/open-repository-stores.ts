import { MillraceError } from '../errors/millrace-error.js';
import { assertObjectKey } from '../object-storage/object-key.js';
import type { ObjectStore } from '../object-storage/object-store.js';
import type { CacheLimits } from '../object-storage/cached-store.js';
import type { StorageMetrics } from '../object-storage/measured-store.js';
import { openObjectStore, type OpenStoreOptions } from '../object-storage/open-object-store.js';
import { prefixedStore } from '../object-storage/prefixed-store.js';
import { readSecret } from '../settings-file/read-secret.js';
import type { Environment, Settings } from '../settings/settings.js';
import { openHaikuPorterPlaces } from './haikuporter-places.js';
import type { RepositoryPlace, RepositoryStores } from './repository-stores.js';
import { refuseSamePlaces } from './store-places.js';
import { readStoreSettings, type StoreSettings } from './store-settings.js';

interface OpenedStore {
  /** Below the store's own prefix. */
  at(folder: string): ObjectStore;
  readonly publicUrl: string | undefined;
  close(): void;
}

export interface RepositoryStoresOptions {
  /** By the name of the store. */
  readonly metrics?: (store: string) => StorageMetrics;
  /** For a process that serves repositories: each bucket keeps small objects in so much memory. */
  readonly cache?: CacheLimits;
}

type OpenOptions = Pick<OpenStoreOptions, 'name' | 'metrics' | 'cache'>;

/** Reads the settings' files; connects to nothing yet. Errors: `invalid-setting`. */
export async function openRepositoryStores(settings: Pick<Settings, 'repositories' | 'repositoryStoresFile'>, environment: Environment, { metrics, cache }: RepositoryStoresOptions = {}): Promise<RepositoryStores> {
  const optionsOf = (store: string, name: string): OpenOptions => ({ name, metrics: metrics?.(store), cache });
  const named = settings.repositoryStoresFile === undefined ? new Map<string, StoreSettings>() : await readStoreSettings(settings.repositoryStoresFile);
  await refuseSamePlaces(new Map([['default', defaultStore(settings.repositories)], ...named]));
  const stores = new Map<string, OpenedStore>();
  stores.set('default', await openStore(defaultStore(settings.repositories), environment, optionsOf('default', 'MILLRACE_REPOSITORIES')));
  for (const [name, store] of named) stores.set(name, await openStore(store, environment, optionsOf(name, `${settings.repositoryStoresFile}: stores.${name}`)));
  const opened = new Map<string, ObjectStore>();

  function find({ store, folder }: RepositoryPlace): OpenedStore {
    const found = stores.get(store);
    if (found === undefined) throw new MillraceError('invalid-request', `there is no store ${JSON.stringify(store.slice(0, 100))} for repositories: ${[...stores.keys()].join(', ')}`);
    assertFolder(folder);
    return found;
  }

  return {
    names: [...stores.keys()].toSorted(),
    open(place) {
      const found = find(place);
      const id = `${place.store}/${place.folder}`;
      const store = opened.get(id) ?? found.at(place.folder);
      opened.set(id, store);
      return store;
    },
    publicUrl(place) {
      const { publicUrl } = find(place);
      if (publicUrl === undefined || place.folder === '') return publicUrl;
      return `${publicUrl}/${place.folder.split('/').map(encodeURIComponent).join('/')}`;
    },
    close() {
      for (const store of stores.values()) store.close();
    },
  };
}

function defaultStore(place: string): StoreSettings {
  return { place: /^(file|s3):/.test(place) ? { url: place } : { haikuporter: place }, credentials: undefined, publicUrl: undefined };
}

async function openStore({ place, credentials, publicUrl }: StoreSettings, environment: Environment, options: OpenOptions): Promise<OpenedStore> {
  if ('haikuporter' in place) return { ...(await openHaikuPorterPlaces(place.haikuporter, options)), publicUrl };
  const readKeys = credentials === undefined ? undefined : async () => ({ accessKeyId: await readSecret(credentials.accessKeyId, environment), secretAccessKey: await readSecret(credentials.secretAccessKey, environment) });
  await readKeys?.(); // so that what is missing is told at the start
  const store = openObjectStore(place.url, { ...options, readKeys });
  return { at: (folder) => prefixedStore(store, folder), publicUrl, close: () => store.close() };
}

/** Names with a dot before them are the service's own inside a repository. Errors: `invalid-request`. */
function assertFolder(folder: string): void {
  if (folder === '') return;
  assertObjectKey(folder);
  if (folder.split('/').some((part) => part.startsWith('.'))) throw new MillraceError('invalid-request', `a repository cannot lie in ${folder}: a part begins with a dot`);
}
