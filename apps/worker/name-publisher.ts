import { checkNamePlaces } from '../../libs/compose-names/check-name-places.js';
import { nameBucket, nameDirectory } from '../../libs/compose-names/name-places.js';
import { publishNames } from '../../libs/compose-names/publish-names.js';
import { openObjectStore } from '../../libs/object-storage/open-object-store.js';
import type { Logger } from 'pino';
import type { Database } from '../../libs/database/open-database.js';
import type { Settings } from '../../libs/settings/settings.js';

export interface NamePublisherOptions {
  readonly settings: Pick<Settings, 'composes' | 'composeUrl' | 'composeBucket' | 'composeNameGrace'>;
  readonly database: Database;
  readonly log: Logger;
}

export interface NamePublisher {
  /** One round. Rejects when the database is away. */
  publish(): Promise<void>;
  check(): Promise<void>;
  close(): void;
}

/** Writes stable names to the directory of composes and to the bucket, for whoever is served by something else than the gateway. Several workers share the work. */
export async function openNamePublisher({ settings, database, log }: NamePublisherOptions): Promise<NamePublisher> {
  const options = { composeUrl: settings.composeUrl, graceSeconds: settings.composeNameGrace };
  const bucket = settings.composeBucket === undefined ? undefined : openObjectStore(settings.composeBucket, { name: 'MILLRACE_COMPOSE_BUCKET' });
  const places = [nameDirectory(settings.composes, options), ...(bucket === undefined ? [] : [nameBucket(bucket, options)])];
  const onFailure = (name: string, reason: string): void => log.warn({ task: 'compose names', name, reason }, 'not written yet');
  return {
    publish: async () => void (await publishNames({ database, places, onFailure })),
    async check() {
      const wrong = await checkNamePlaces(database, settings.composes);
      if (wrong > 0) log.warn({ task: 'compose names', names: wrong }, 'found links that are not what the record says; writing them again');
    },
    close: () => bucket?.close(),
  };
}
