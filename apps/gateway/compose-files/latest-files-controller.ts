import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Compose } from '../../../libs/compose/compose.js';
import type { ComposeName } from '../../../libs/compose-names/compose-names.js';
import { nameFiles } from '../../../libs/compose-names/name-files.js';
import { Public } from '../access/needs.js';
import type { Settings } from '../../../libs/settings/settings.js';
import type { ComposeDependencies } from '../gateway-ports.js';
import { COMPOSES, SETTINGS } from '../gateway-tokens.js';
import { recordTimeout } from '../http/answer-deadline.js';
import { entityTag, matchesEntityTag } from '../http/entity-tag.js';
import { withDeadline } from '../http/with-deadline.js';
import { addSlash, leadTo, refuse, sendPage } from './file-answers.js';
import { documentPolicy, isFixed, mediaTypeOf } from './file-headers.js';
import { createFindName, type FindName } from './find-name.js';
import { createFindTree, type FindTree } from './find-tree.js';
import { latestPage } from './latest-page.js';
import { pathSegments, resolveFile } from './resolve-file.js';

const shownNames = 1000;
/** Composes before the current one that are looked at for a file. */
const earlierComposes = 50;

/** What stable names point at, for everybody: each file is answered with the address that it has in its compose. */
@Controller()
@Public()
export class LatestFilesController {
  private readonly findName: FindName;
  private readonly findTree: FindTree;

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(COMPOSES) private readonly composes: ComposeDependencies,
  ) {
    this.findName = createFindName(composes.names, settings.composes);
    this.findTree = createFindTree(composes.reads);
  }

  @Get(['composes/latest', 'composes/latest/*'])
  async serve(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const [address = ''] = request.url.split('?');
    if (address === '/composes/latest') return addSlash(reply, './latest/');
    const segments = pathSegments(address.slice('/composes/latest/'.length));
    if (segments === undefined) return refuse(reply, 404, 'There is no such file.');
    const [first = '', ...rest] = segments;
    if (first === '') return this.list(reply);
    const beside = /^(.+)\.(?:repo|json|mirrors)$/.exec(first)?.[1];
    const name = await this.findName(beside ?? first);
    if (name === undefined) return refuse(reply, 404, 'There is no such name.');
    if (beside === undefined) return this.follow(reply, name, rest);
    return this.document(request, reply, { name, file: segments.join('/') });
  }

  private async list(reply: FastifyReply): Promise<void> {
    const names = await withDeadline(this.composes.names.list({ limit: shownNames + 1 }), 2000, recordTimeout);
    sendPage(reply, latestPage(names.slice(0, shownNames), names.length > shownNames));
  }

  /** A file that is named for its content, or a package, may be of the compose before: whoever asks has read that one's metadata. */
  private async follow(reply: FastifyReply, { name, composeId }: ComposeName, rest: readonly string[]): Promise<void> {
    const file = rest.join('/');
    const place = (id: number): string => `${'../'.repeat(rest.length + 1)}odcs-${id}/${rest.map(encodeURIComponent).join('/')}`;
    if (await this.has(composeId, rest)) return leadTo(reply, place(composeId));
    const before = isFixed(file) ? await this.findEarlier(name, { composeId, rest }) : undefined;
    if (before !== undefined) return leadTo(reply, place(before));
    return refuse(reply, 404, `${name} is odcs-${composeId} now, which has no such file.`);
  }

  private async findEarlier(name: string, { composeId, rest }: { readonly composeId: number; readonly rest: readonly string[] }): Promise<number | undefined> {
    const history = await this.composes.names.history(name, earlierComposes).catch(() => []); // of a record that is away
    for (const id of new Set(history.map((each) => each.composeId))) if (id !== composeId && (await this.has(id, rest))) return id;
    return undefined;
  }

  private async has(composeId: number, rest: readonly string[]): Promise<boolean> {
    const tree = await this.findTree(composeId);
    if (tree.kind !== 'tree' || tree.removed !== undefined) return false;
    return (await resolveFile(this.settings.composes, [`odcs-${tree.id}`, ...rest])).kind !== 'missing';
  }

  private async document(request: FastifyRequest, reply: FastifyReply, { name, file }: { readonly name: ComposeName; readonly file: string }): Promise<void> {
    const compose = await withDeadline(this.composes.reads.get(name.composeId), 2000, recordTimeout);
    const text = compose === undefined ? undefined : this.filesOf(name, compose).get(file);
    if (text === undefined) return refuse(reply, 404, `${name.name} has no such file beside it.`);
    const tag = entityTag(text);
    void reply.headers({ etag: tag, 'cache-control': 'no-cache', 'content-security-policy': documentPolicy }).type(file.endsWith('.json') ? mediaTypeOf(file) : 'text/plain; charset=utf-8');
    if (matchesEntityTag(request.headers['if-none-match'], tag)) void reply.code(304).send();
    else void reply.send(text);
  }

  private filesOf(name: ComposeName, compose: Compose): ReadonlyMap<string, string> {
    return nameFiles(name, compose, { composeUrl: this.settings.composeUrl, graceSeconds: this.settings.composeNameGrace, follows: true });
  }
}
