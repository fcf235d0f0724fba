import type { InspectedBody, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { rememberTile } from './known-tiles.js';
import { modulePurl } from './module-path.js';
import { findGoMods, rememberSums } from './module-sums.js';
import { isSignedBy, splitNote } from './signed-note.js';
import { parseSumdbPath, type SumdbPath } from './sumdb-path.js';
import { parseLookup } from './sum-record.js';
import { parseTreeHead, rememberTreeHead } from './tree-head.js';
import { verifierKeys } from './verifier-keys.js';

const answerLimit = 64 * 1024;
const unchecked = 'the signature was not checked, because no verifier key is configured ("go.sumdb")';

/** Checksum databases of Go, asked directly or through a module proxy, see docs/reference/inspectors/go.md. */
export const goSumdbInspector: Inspector = {
  id: 'go.sumdb',
  inspectRequest: (request) =>
    request.method === 'GET' && asked(request) !== undefined ? { opinion: 'Pending', reason: 'valid URL for a Go checksum database' } : undefined,
  inspectResponse: async (request, response, body, context) => {
    const path = asked(request);
    if (response.status !== 200 || path === undefined) return undefined;
    const metadata = { type: `application/x.go.sumdb.${path.kind}`, name: path.database };
    switch (path.kind) {
      case 'supported':
        // `go` looks at the status alone; whatever the body says is for people.
        await body.read(answerLimit);
        return { opinion: 'Approved', reason: 'the module proxy serves the checksum database', metadata };
      case 'latest':
        return { ...(await judgeLatest(path, body, context)), metadata };
      case 'tile':
        return { ...(await judgeTile(path, body, context)), metadata };
      case 'lookup':
        return { ...(await judgeLookup(path, body, context)), metadata: { ...metadata, name: path.module, version: path.version, purl: modulePurl(path.module, path.version) } };
    }
  },
};

/** Only `/latest` says too little to tell a database by: there the client must be one of Go. */
function asked(request: Parameters<Inspector['inspectRequest']>[0]): SumdbPath | undefined {
  const path = parseSumdbPath(request.origin, request.path);
  if (path?.kind === 'latest' && request.header('user-agent')?.startsWith('Go-http-client/') !== true) return undefined;
  return path;
}

async function judgeLatest({ database }: SumdbPath, body: InspectedBody, context: InspectionContext): Promise<ResponseInspection> {
  const signed = await learnTreeHead((await body.read(answerLimit)).toString('utf8'), database, context);
  return { opinion: 'Approved', reason: signed ? 'signed tree of the checksum database' : `tree of the checksum database; ${unchecked}` };
}

async function judgeTile(path: SumdbPath & { kind: 'tile' }, body: InspectedBody, context: InspectionContext): Promise<ResponseInspection> {
  const bytes = await body.read(answerLimit);
  if (bytes.length !== path.width * 32) throw refusal(`the tile of the checksum database has ${bytes.length} bytes, not those of ${path.width} hashes`);
  await rememberTile(context, path.database, { place: { level: path.level, index: path.index }, bytes });
  return { opinion: 'Approved', reason: 'tile of the checksum database; it counts as far as it leads to a signed tree' };
}

async function judgeLookup(path: SumdbPath & { kind: 'lookup' }, body: InspectedBody, context: InspectionContext): Promise<ResponseInspection> {
  const { record, note } = parseLookup((await body.read(answerLimit)).toString('utf8'), path);
  const signed = await learnTreeHead(note, path.database, context);
  const release = `${path.module}@${path.version}`;
  const mods = await findGoMods(context.knowledge, release);
  // The go.mod is in the build already: without this answer `go` does not use it.
  if (record.goMod !== '' && mods.some((hash) => hash !== record.goMod))
    return { opinion: 'Rejected', reason: `the go.mod that this session was given for ${release} is not the one that the checksum database has` };
  await rememberSums(context, release, { ...record, database: path.database, signed });
  return {
    opinion: 'Approved',
    reason: signed ? 'record with the signed tree of the checksum database' : `record of the checksum database; ${unchecked}`,
    annotations: { 'module-hash': record.zip, 'go-mod-hash': record.goMod, 'signature-checked': signed },
  };
}

/** Whether the note was signed by a configured key, and then remembers its tree. Throws when keys are configured and none fits. */
async function learnTreeHead(noteText: string, database: string, context: InspectionContext): Promise<boolean> {
  const note = splitNote(noteText);
  const head = parseTreeHead(note.text);
  const keys = verifierKeys(context.configuration);
  if (keys.length === 0) return false;
  const own = keys.filter(({ name }) => name === database);
  if (own.length === 0) throw refusal(`no verifier key is configured for the checksum database ${database}; add it to "go.sumdb" of the inspectors configuration`);
  if (!own.some((key) => isSignedBy(key, note))) throw refusal(`the tree of the checksum database ${database} is not signed by its configured key`);
  await rememberTreeHead(context, database, head);
  return true;
}
