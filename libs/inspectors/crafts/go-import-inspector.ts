import { Parser } from 'htmlparser2';
import type { InspectedRequest, Inspector } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';

/** One `<meta name="go-import" content="prefix vcs url">` (Go modules reference, "Finding a repository for a module path"). */
export interface GoImport {
  readonly prefix: string;
  readonly vcs: string;
  readonly url: string;
}

const pageLimit = 2 * 1024 * 1024;
const headLimit = 64 * 1024;
const maxImports = 1000;
const systems = new Set(['bzr', 'fossil', 'git', 'hg', 'svn', 'mod']);

/** Pages that tell `go` where a module's repository is (`?go-get=1`), see docs/reference/inspectors/crafts.md. */
export const goImportInspector: Inspector = {
  id: 'go.module.import',
  inspectRequest: (request) => (asksForImports(request) ? { opinion: 'Pending', reason: 'valid URL for the repository of a Go module' } : undefined),
  inspectResponse: async (request, response, body) => {
    if (response.status !== 200) return undefined;
    const asked = importPath(request);
    const page = await body.read(pageLimit);
    // Whoever chooses a URL chooses its query, too: an archive or a script with the words of a page in it is none.
    if (page.includes(0) || !/^(?:\ufeff)?\s*</.test(page.toString('utf8', 0, 1024))) return { opinion: 'Rejected', reason: 'the answer to ?go-get=1 is no page: it is not text that begins with a tag' };
    const imports = readGoImports(page);
    const found = imports.find(({ prefix }) => asked === prefix || asked.startsWith(`${prefix}/`));
    if (found === undefined) return { opinion: 'Rejected', reason: `the page names no repository for ${asked} (no go-import of that prefix): it is not what go asked for` };
    if (!URL.canParse(found.url)) throw refusal('the page has a go-import with a URL that is none');
    return { opinion: 'Approved', reason: 'valid go-import page', annotations: { ...found }, metadata: { type: 'application/x.go.module.import', name: found.prefix, vendor: found.url } };
  },
};

function asksForImports(request: InspectedRequest): boolean {
  return request.method === 'GET' && new URLSearchParams(request.query).get('go-get') === '1';
}

/** Host and path: what the module is called by. */
function importPath(request: InspectedRequest): string {
  return (new URL(request.url).hostname + request.path).replace(/\/+$/, '');
}

/** The go-imports of a page, in the part that `go` reads: up to the end of its head. */
export function readGoImports(page: Buffer): readonly GoImport[] {
  const imports: GoImport[] = [];
  let isOver = false;
  const parser = new Parser({
    onopentag: (name, { name: kind, content }) => {
      if (name === 'body') isOver = true;
      if (isOver || name !== 'meta' || kind?.toLowerCase() !== 'go-import' || imports.length === maxImports) return;
      const [prefix = '', vcs = '', url = '', ...others] = (content ?? '').trim().split(/\s+/);
      if (others.length === 0 && prefix !== '' && url !== '' && systems.has(vcs)) imports.push({ prefix, vcs, url });
    },
    onclosetag: (name) => {
      if (name === 'head') isOver = true;
    },
  });
  // No more than heads have: the parser looks through all open elements at every tag that closes.
  parser.end(page.toString('utf8', 0, headLimit));
  return imports;
}
