import { MillraceError, isMillraceError } from '../errors/millrace-error.js';
import { invalidOstree } from '../ostree/invalid-ostree.js';
import { parseObjectName } from '../ostree/object-name.js';
import { archiveBlock, archivePadding, readArchiveMember } from '../ostree/push-archive.js';
import { frameHeaderSize, readFrame, readFrameHeader, writeFrame, type PushCommand, type PushFrame } from '../ostree/push-frame.js';
import { artifactRef } from '../ostree/ref-name.js';
import type { ExportParts } from './export-parts.js';
import { landPush } from './land-push.js';
import type { PushInput } from './push-input.js';
import { entryKey, type PushedRef, type PushedRepository } from './pushed-repository.js';
import { receiveObject, type ReceivedObject } from './received-object.js';

/** Numbers of what one push may have, and bytes of what it may hold in memory. */
const mostRefs = 500;
const mostObjects = 200_000;
const heldBytes = 16 * 1024 * 1024;
/** As OSTree numbers its modes. */
const archiveMode = 1;
const absent = '0'.repeat(64);
/** Beside objects: signatures and sizes, which say nothing that could be checked. */
const ignored = /^[0-9a-f]{64}\.(commitmeta|sig|sizes2)$/;

/**
 * The whole dialogue with a client of BuildStream 1.0 (docs/reference/ostree.md): refs are set when all that they lead to was checked and is there, or not at all. Errors: `source-invalid`,
 * `digest-mismatch`, `payload-too-large`, `quota-exceeded`, `cache-full`, and those of the stores; what a client may not update is told to it, and is no error.
 */
export async function receivePush(parts: ExportParts, repository: PushedRepository, { input, send }: { readonly input: PushInput; readonly send: (bytes: Buffer) => void }): Promise<void> {
  const say = (frame: PushFrame): void => send(writeFrame(frame));
  const known = await expected(input, ['info']);
  if (known === undefined) return;
  say(await info(parts, repository, known));
  const update = await expected(input, ['update', 'done']);
  if (update === undefined || update.command === 'done') return;
  const refused = await problemOf(parts, repository, update);
  say({ command: 'status', values: { result: { signature: 'b', value: refused === undefined }, message: { signature: 's', value: refused ?? '' } } });
  if (refused !== undefined) return void (await expected(input, ['done']));
  if ((await expected(input, ['putobjects', 'done']))?.command !== 'putobjects') return;
  const received: ReceivedObject[] = [];
  try {
    await receiveArchive(parts, repository, { input, received });
    if ((await expected(input, ['done'])) === undefined) throw invalidOstree('a push that ends in the middle');
    await landPush(parts, repository, { received, refs: updatesOf(update) });
    say({ command: 'done', values: {} });
  } finally {
    for (const { spooled } of received) await spooled.discard();
  }
}

/** Undefined: the client has gone. */
async function expected(input: PushInput, allowed: readonly PushCommand[]): Promise<PushFrame | undefined> {
  const bytes = await input.exactly(frameHeaderSize);
  if (bytes === undefined) return undefined;
  const header = readFrameHeader(bytes);
  if (!allowed.includes(header.command)) throw invalidOstree(`${header.command} in the place of ${allowed.join(' or ')}`);
  const body = await input.exactly(header.size);
  if (body === undefined) throw invalidOstree('a message that ends in the middle');
  return readFrame(header, body);
}

async function info({ record }: Pick<ExportParts, 'record'>, { instance, url }: PushedRepository, { values }: PushFrame): Promise<PushFrame> {
  const asked = values['refs'];
  if (asked?.signature !== 'a{ss}') throw invalidOstree('a push that does not say of which refs');
  const refs: [string, string][] = [];
  for (const [name] of (asked.value as [string, string][]).slice(0, mostRefs)) {
    const found = await record.ref(instance, name);
    if (found !== undefined) refs.push([name, found.commit]);
  }
  return { command: 'info', values: { mode: { signature: 'i', value: archiveMode }, refs: { signature: 'a{ss}', value: refs }, ...(url === undefined ? {} : { pull_url: { signature: 's', value: url } }) } };
}

function updatesOf({ values }: PushFrame): readonly PushedRef[] {
  return Object.entries(values).map(([name, { signature, value }]) => {
    const [old, next] = signature === '(ss)' ? (value as [string, string]) : [];
    if (old === undefined || next === undefined || !/^[0-9a-f]{64}$/.test(old) || !/^[0-9a-f]{64}$/.test(next)) throw invalidOstree(`an update of ${JSON.stringify(name.slice(0, 100))} from nothing to nothing`);
    return { name, old: old === absent ? undefined : old, commit: next };
  });
}

/** Why none of it can be updated. */
async function problemOf({ record }: Pick<ExportParts, 'record'>, { instance, demand }: PushedRepository, update: PushFrame): Promise<string | undefined> {
  const updates = updatesOf(update);
  if (updates.length > mostRefs) return `a push has at most ${mostRefs} refs`;
  for (const { name, old } of updates) {
    const parts = name.split('/');
    if (parts.length !== 3 || artifactRef(parts[0]!, parts[1]!, parts[2]!) !== name) return `${name.slice(0, 200)} names no artifact: project/element/key`;
    try {
      demand(entryKey(name));
    } catch (error) {
      if (!isMillraceError(error)) throw error;
      return error.message;
    }
    if ((await record.ref(instance, name))?.commit !== old) return `${name} already exists`;
  }
  return undefined;
}

async function receiveArchive(parts: ExportParts, { fileBytes, pushBytes, count, signal }: PushedRepository, { input, received }: { readonly input: PushInput; readonly received: ReceivedObject[] }): Promise<void> {
  const spool = await parts.spool();
  let [held, total, members] = [0, 0, 0];
  for (;;) {
    signal.throwIfAborted();
    const block = await input.exactly(archiveBlock);
    if (block === undefined) throw invalidOstree('an archive without an end');
    const member = readArchiveMember(block);
    if (member === undefined) return input.skipZeros(archiveBlock);
    total += member.size;
    members += 1;
    if (total > pushBytes || members > 2 * mostObjects) throw new MillraceError('payload-too-large', `a push of more than ${pushBytes} bytes, or ${mostObjects} objects`);
    const content = { size: member.size, pieces: counted(input.pieces(member.size), count) };
    if (member.type === 'description' || ignored.test(member.name)) for await (const piece of content.pieces) void piece;
    else {
      const object = await receiveObject(parseObjectName(member.name), content, { spool, fileBytes, signal });
      received.push(object);
      held += object.spooled.size;
      if (held > heldBytes) await object.spooled.park();
    }
    await input.exactly(archivePadding(member.size));
  }
}

async function* counted(pieces: AsyncIterable<Buffer>, count: PushedRepository['count']): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    await count(piece.length);
    yield piece;
  }
}
