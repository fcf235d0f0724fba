import { z } from 'zod';
import { absolutePath, nameSchema, secretSchema, urlSchema, type SecretPlace } from '../settings-file/common-schemas.js';
import { readSettingsFile } from '../settings-file/read-settings-file.js';

/** One entry of the file of MILLRACE_REPOSITORY_STORES. */
export interface StoreSettings {
  /** A `file:` or `s3:` URL; or the absolute path of HaikuPorter's storage configuration. */
  readonly place: { readonly url: string } | { readonly haikuporter: string };
  /** Undefined: what the SDK finds. */
  readonly credentials: { readonly accessKeyId: SecretPlace; readonly secretAccessKey: SecretPlace } | undefined;
  /** Without a slash at its end. */
  readonly publicUrl: string | undefined;
}

const entry = z
  .strictObject({
    url: z.string().regex(/^(file|s3):/, 'must be a file: or s3: URL').optional(),
    haikuporter: absolutePath.optional(),
    'access-key-id': secretSchema.optional(),
    'secret-access-key': secretSchema.optional(),
    'public-url': urlSchema(/^https?:$/, 'https://packages.example/haiku').optional(),
  })
  .refine((value) => (value.url === undefined) !== (value.haikuporter === undefined), 'needs one of url and haikuporter')
  .refine((value) => (value['access-key-id'] === undefined) === (value['secret-access-key'] === undefined), 'access-key-id and secret-access-key belong together')
  .refine((value) => value['access-key-id'] === undefined || value.url?.startsWith('s3:') === true, 'access-key-id and secret-access-key belong to an s3: URL');

const schema = z.strictObject({ stores: z.record(nameSchema, entry).refine((stores) => !('default' in stores), 'default is the store of MILLRACE_REPOSITORIES') });

/** By name. Errors: `invalid-setting`. */
export async function readStoreSettings(file: string): Promise<ReadonlyMap<string, StoreSettings>> {
  const { stores } = await readSettingsFile(file, { schema, variable: 'MILLRACE_REPOSITORY_STORES', page: 'docs/reference/object-storage.md' });
  return new Map(Object.entries(stores).map(([name, value]) => [name, settingsOf(value)]));
}

function settingsOf(value: z.infer<typeof entry>): StoreSettings {
  const { url = '', haikuporter, 'access-key-id': accessKeyId, 'secret-access-key': secretAccessKey } = value;
  return {
    place: haikuporter === undefined ? { url } : { haikuporter },
    credentials: accessKeyId === undefined || secretAccessKey === undefined ? undefined : { accessKeyId, secretAccessKey },
    publicUrl: value['public-url']?.replace(/\/+$/, ''),
  };
}
