import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errorMessage } from '../../libs/errors/error-message.js';
import { MillraceError, isMillraceError } from '../../libs/errors/millrace-error.js';
import { blobPlace, findEntry, parseBlob, putEntry, type AskedEntry } from './cache-api.js';
import { print, type CacheCommandContext } from './cache-command.js';
import { printable, readableSize } from './terminal.js';

/** What is asked for: a blob, or what an entry leads to. */
export type AskedContent = { readonly digest: string } | AskedEntry;

/** Writes content to a file that is there when it is whole. */
export async function cacheGet({ instance, ...context }: CacheCommandContext, asked: AskedContent, output: string): Promise<void> {
  const { digest, value } = 'digest' in asked ? { digest: asked.digest, value: null } : await contentOf({ instance, ...context }, asked);
  const bytes = await wholeFile(output, async (part) => {
    if (digest === null) return saveValue(part, Buffer.from(value ?? '', 'base64'));
    return saveBlob(part, digest, await context.client.receive({ method: 'GET', path: blobPlace(instance, digest) }));
  });
  print(context, { instance, digest, file: output, bytes }, () => `${printable(output)}: ${readableSize(bytes)}`);
}

async function contentOf({ client, instance }: CacheCommandContext, asked: AskedEntry): Promise<{ readonly digest: string | null; readonly value: string | null }> {
  const { target, value } = await findEntry(client, instance, asked);
  return value === null ? { digest: target, value } : { digest: null, value };
}

/** Errors: `digest-mismatch` for what is not what its name says. */
async function saveBlob(file: string, digest: string, content: Readable): Promise<number> {
  const [, named, hash] = /^(\w+):([0-9a-f]{64})/.exec(digest) ?? [];
  const sha256 = createHash('sha256');
  let bytes = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sha256.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  try {
    await pipeline(content, measure, createWriteStream(file));
  } catch (cause) {
    throw isMillraceError(cause) ? cause : new MillraceError('service-unavailable', `the content broke off: ${errorMessage(cause)}`, { cause });
  }
  if (named === 'sha256' && sha256.digest('hex') !== hash) throw new MillraceError('digest-mismatch', `what arrived is not ${digest}`);
  return bytes;
}

async function saveValue(file: string, value: Buffer): Promise<number> {
  await writeFile(file, value);
  return value.length;
}

async function wholeFile(output: string, write: (part: string) => Promise<number>): Promise<number> {
  const part = path.join(path.dirname(output), `.${path.basename(output)}.${randomUUID()}`);
  try {
    const bytes = await write(part);
    await rename(part, output);
    return bytes;
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

export interface PutOptions {
  readonly file: string;
  /** Undefined: the blob alone. */
  readonly entry: AskedEntry | undefined;
  readonly build: string | undefined;
  readonly session: string | undefined;
}

export async function cachePut({ instance, ...context }: CacheCommandContext, { file, entry, build, session }: PutOptions): Promise<void> {
  const { hash, size } = await readFileDigest(file);
  const asked = `sha256:${hash}/${size}`;
  const { digest } = parseBlob(await context.client.send({ method: 'PUT', path: blobPlace(instance, asked) }, { stream: () => createReadStream(file), size }));
  if (entry === undefined) return print(context, { instance, digest }, () => digest);
  const pushed = await putEntry(context.client, instance, { ...entry, body: { target: digest, ...(build === undefined ? {} : { build }), ...(session === undefined ? {} : { session }) } });
  print(context, pushed, () => `${printable(entry.kind)} ${printable(entry.key)}: ${digest}`);
}

async function readFileDigest(file: string): Promise<{ readonly hash: string; readonly size: number }> {
  try {
    const status = await stat(file);
    if (!status.isFile()) throw new MillraceError('invalid-request', `${file} is not a file`);
    const sha256 = createHash('sha256');
    for await (const chunk of createReadStream(file)) sha256.update(chunk as Buffer);
    return { hash: sha256.digest('hex'), size: status.size };
  } catch (cause) {
    throw isMillraceError(cause) ? cause : new MillraceError('invalid-request', `${file} cannot be read: ${errorMessage(cause)}`, { cause });
  }
}
