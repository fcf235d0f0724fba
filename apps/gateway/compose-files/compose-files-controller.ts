import path from 'node:path';
import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Compose } from '../../../libs/compose/compose.js';
import { isComposeType, type PungiComposeType } from '../../../libs/pungi/pungi-arguments.js';
import { readTypeLink } from '../../../libs/pungi/type-links.js';
import type { Settings } from '../../../libs/settings/settings.js';
import { Public } from '../access/needs.js';
import type { ComposeDependencies } from '../gateway-ports.js';
import { COMPOSES, SETTINGS } from '../gateway-tokens.js';
import { directoryPage } from './directory-page.js';
import { addSlash, refuse, sendPage } from './file-answers.js';
import { cacheControlOf, documentPolicy, mediaTypeOf } from './file-headers.js';
import { createFindTree } from './find-tree.js';
import type { FindTree } from './find-tree.js';
import { pathSegments, resolveFile } from './resolve-file.js';

/** The trees of composes, for everybody: package managers have no credentials. */
@Controller()
@Public()
export class ComposeFilesController {
  private readonly findTree: FindTree;

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(COMPOSES) composes: ComposeDependencies,
  ) {
    this.findTree = createFindTree(composes.reads);
  }

  @Get(['composes', 'composes/*'])
  async serve(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const [address = ''] = request.url.split('?');
    if (address === '/composes') return addSlash(reply, './composes/');
    const segments = pathSegments(address.slice('/composes/'.length));
    if (segments === undefined) return refuse(reply, 404, 'There is no such file.');
    const [name = '', ...rest] = segments;
    if (name === '' && rest.length === 0) return this.send(reply, { address, place: segments });
    if (isComposeType(name)) return this.serveLinked(reply, name, { address, place: segments });
    const id = /^odcs-([1-9]\d{0,14})$/.exec(name)?.[1];
    if (id === undefined) return refuse(reply, 404, 'There is no such compose.');
    return this.sendOf(reply, Number(id), { address, name, rest });
  }

  private async sendOf(reply: FastifyReply, id: number, { address, name, rest, moves = false }: { readonly address: string; readonly name: string; readonly rest: readonly string[]; readonly moves?: boolean }): Promise<void> {
    const tree = await this.findTree(id);
    if (tree.kind === 'tree') return this.send(reply, { address, place: [`odcs-${tree.id}`, ...rest], moves, ...(tree.removed === undefined ? {} : { removed: tree.removed }) });
    if (tree.kind === 'removed') return refuse(reply, 410, removal(tree.removed));
    return refuse(reply, 404, tree.kind === 'private' ? `${name} is in a target directory without a public address.` : 'There is no such compose.');
  }

  /** `<compose type>/<name>/…`: the names that composes of Pungi have besides, as in ODCS. */
  private async serveLinked(reply: FastifyReply, type: PungiComposeType, { address, place }: Requested): Promise<void> {
    const [, link = '', ...rest] = place;
    if (link === '') return this.send(reply, { address, place });
    const id = await readTypeLink(this.settings.composes, type, link);
    if (id === undefined) return refuse(reply, 404, 'There is no such compose.');
    if (rest.length === 0) return addSlash(reply, `./${encodeURIComponent(link)}/`);
    return this.sendOf(reply, id, { address, name: link, rest, moves: link.startsWith('latest-') });
  }

  private async send(reply: FastifyReply, { address, place, removed, moves = false }: Requested): Promise<void> {
    const found = await resolveFile(this.settings.composes, place);
    if (found.kind === 'missing' && removed !== undefined) return refuse(reply, 410, removal(removed));
    if (found.kind === 'missing') return refuse(reply, 404, 'There is no such file. While a compose is generated, only its logs are there.');
    if (found.kind === 'file') return sendFile(reply, found.path, moves);
    if (place.at(-1) !== '') return addSlash(reply, `./${encodeURIComponent(place.at(-1) ?? '')}/`);
    sendPage(reply, await directoryPage(found.path, decodeURIComponent(address)));
  }
}

interface Requested {
  /** Path of the request. */
  readonly address: string;
  /** Below the directory of composes. */
  readonly place: readonly string[];
  /** The compose by whose name it is asked for, if that is removed. */
  readonly removed?: Compose;
  /** The address will be that of another compose: a package of it is none that never changes. */
  readonly moves?: boolean;
}

function removal({ id, removedAt, stateReason }: Compose): string {
  return `odcs-${id} was removed on ${removedAt}: ${reasonOf(stateReason)} PATCH /api/1/composes/${id} makes a new compose with the same packages.`;
}

/** Why it was removed stands in the last line, below why it ended. */
function reasonOf(reason: string | null): string {
  return reason?.split('\n').at(-1) ?? '';
}

function sendFile(reply: FastifyReply, file: string, moves: boolean): void {
  void reply.headers({ 'content-security-policy': documentPolicy, 'cache-control': moves ? 'public, no-cache' : cacheControlOf(file) }).type(mediaTypeOf(file));
  // A range that is not there is an error on its way through the framework, and would lose what it knows of the file.
  const onFile = (_file: string, { size }: { readonly size: number }): void => void reply.header('content-range', `bytes */${size}`);
  // `dotfiles` is about the path of the directory of composes itself, which may have some; those below it were refused before.
  void reply.sendFile(path.basename(file), path.dirname(file), { cacheControl: false, contentType: false, dotfiles: 'allow', index: false, onFile });
}
