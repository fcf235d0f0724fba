import type { ArtefactMetadata, JsonValue } from '../../inspection/inspection.js';
import type { InspectedBody, InspectedResponse, InspectionContext } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { readFetchResponse, type FetchResponse } from './fetch-response.js';
import { parseCommit, parseTag, type Commit } from './git-objects.js';
import { repositoryName, repositoryPurl } from './git-path.js';
import { checkConfiguredRule, judgePack, type FetchOpinion } from './judge-fetch.js';
import { loadBases, rememberBases } from './known-bases.js';
import { loadKnownIds, rememberIds, rememberSubmodules } from './known-objects.js';
import { loadRefs, type KnownRefs } from './known-refs.js';
import { licenceOfText } from './licence-text.js';
import { createObjectReferences } from './object-references.js';
import { readPack, type Pack } from './pack-reader.js';
import { licenceFile, readProjectFiles } from './project-files.js';
import type { UploadPackRequest } from './upload-pack-request.js';

/** One fetch as it was received and judged, for the inspectors that look at what the repository is. */
export interface ReceivedFetch extends FetchOpinion {
  readonly asked: UploadPackRequest;
  readonly annotations: Readonly<Record<string, JsonValue>>;
  readonly metadata: Partial<ArtefactMetadata>;
  /** The wanted commit (of several: that of HEAD), in hex, and the refs that name it or a tag of it. Undefined when the answer has none. */
  readonly commit: { readonly id: string; readonly refs: readonly string[] } | undefined;
  /** See `readProjectFiles`. */
  readonly files: ReadonlyMap<string, Buffer>;
}

export interface FetchExchange {
  readonly repository: string;
  readonly asked: UploadPackRequest;
  readonly response: InspectedResponse;
  readonly body: InspectedBody;
  readonly context: InspectionContext;
}

/** Reads and judges the answer to a fetch; what it teaches is in `knowledge` when it is Approved. Rejects with the reason when it is damaged. */
export async function receiveFetch(exchange: FetchExchange): Promise<ReceivedFetch> {
  const { asked, body, response, context } = exchange;
  const base = { asked, annotations: {}, metadata: {}, commit: undefined, files: new Map<string, Buffer>() };
  const forbidden = checkConfiguredRule(asked, context.configuration);
  if (forbidden !== undefined) return { ...base, ...forbidden };
  const answer = await readFetchResponse(body, asked, { response, signal: context.signal });
  if (answer.pack === undefined) return { ...base, opinion: 'Approved', reason: 'valid answer of git without objects' };
  try {
    return await readAndJudge(exchange, answer, answer.pack);
  } finally {
    await answer.pack.close();
  }
}

async function readAndJudge(exchange: FetchExchange, answer: FetchResponse, bytes: NonNullable<FetchResponse['pack']>): Promise<ReceivedFetch> {
  const { asked, context, repository } = exchange;
  const { format } = asked;
  const store = { repository, format };
  const received = await loadKnownIds(context.knowledge, 'received', store);
  const promised = await loadKnownIds(context.knowledge, 'promised', store);
  const parentless = new Set([...asked.shallow.filter((id) => !answer.unshallow.includes(id)), ...answer.shallow]);
  const references = createObjectReferences(format, parentless);
  const pack = await readPack(bytes, { format, signal: context.signal, visit: references.visit, externalBases: (ids) => loadBases(context.knowledge, store, ids) });
  const refs = await loadRefs(context.knowledge, repository);
  const judgement = await judgePack({ asked, answer, refs, pack, references, received, promised, context });
  const wanted = await findWantedCommit(pack, judgement.wants, refs);
  const files = wanted === undefined ? new Map<string, Buffer>() : await readProjectFiles(pack, wanted.commit.tree);
  if (judgement.opinion === 'Approved') {
    context.signal?.throwIfAborted();
    const ids = Array.from({ length: pack.objects.size }, (_, number) => pack.objects.idAt(number));
    await rememberIds(context.knowledge, 'received', { ...store, ids });
    if (judgement.leftOut.length > 0) await rememberIds(context.knowledge, 'promised', { ...store, ids: judgement.leftOut });
    await rememberSubmodules(context.knowledge, references.submodules);
    if (wanted !== undefined) await rememberBases(context.knowledge, store, { pack, tree: wanted.commit.tree });
  }
  return {
    asked,
    opinion: judgement.opinion,
    reason: judgement.reason,
    annotations: annotate(pack, { asked, wants: judgement.wants, refs: wanted?.refs ?? [] }),
    metadata: wanted === undefined ? {} : describe(repository, wanted, files),
    commit: wanted,
    files,
  };
}

interface WantedCommit {
  readonly id: string;
  readonly refs: readonly string[];
  readonly commit: Commit;
}

const maxTags = 8;

/** The commit of HEAD when it is among the wanted, else of the first that leads to one. */
async function findWantedCommit(pack: Pack, ids: readonly string[], known: KnownRefs): Promise<WantedCommit | undefined> {
  let first: WantedCommit | undefined;
  for (const id of ids) {
    const refs = known.get(id) ?? [];
    const isHead = refs.includes('HEAD');
    if (first !== undefined && !isHead) continue;
    const found = await peel(pack, id);
    if (found === undefined) continue;
    first = { ...found, refs: [...new Set([...refs, ...(known.get(found.id) ?? [])])] };
    if (isHead) break;
  }
  return first;
}

async function peel(pack: Pack, id: string): Promise<{ id: string; commit: Commit } | undefined> {
  let at = id;
  for (let tags = 0; tags <= maxTags; tags += 1) {
    const number = pack.objects.find(Buffer.from(at, 'hex'));
    const type = number < 0 ? undefined : pack.typeOf(number);
    if (type === 'commit') return { id: at, commit: parseCommit(await pack.contentOf(number), pack.format) };
    if (type !== 'tag') return undefined;
    at = parseTag(await pack.contentOf(number), pack.format).object;
  }
  throw refusal('the pack has tags of tags without an end');
}

function describe(repository: string, { id, commit }: WantedCommit, files: ReadonlyMap<string, Buffer>): Partial<ArtefactMetadata> {
  const [, name = '', email = ''] = /^(.*?)\s*<([^<>]*)>/.exec(commit.author) ?? [];
  const licence = licenceFile(files);
  return {
    name: repositoryName(repository),
    version: id,
    author: name,
    authorEmail: email,
    description: commit.subject,
    license: licence === undefined ? '' : licenceOfText(licence),
    purl: repositoryPurl(repository, id),
  };
}

function annotate(pack: Pack, { asked, wants, refs }: { asked: UploadPackRequest; wants: readonly string[]; refs: readonly string[] }): Record<string, JsonValue> {
  return {
    'object-format': pack.format,
    objects: pack.objects.size,
    wants: wants.slice(0, 32),
    refs: refs.slice(0, 32),
    ...(asked.depth === undefined ? {} : { depth: asked.depth }),
    ...(asked.filter === undefined ? {} : { filter: asked.filter }),
  };
}
