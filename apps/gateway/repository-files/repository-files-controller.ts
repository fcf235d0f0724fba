import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { isMillraceError } from '../../../libs/errors/millrace-error.js';
import type { ObjectStore } from '../../../libs/object-storage/object-store.js';
import { repositoryNamePattern } from '../../../libs/repository/repository.js';
import type { Repository } from '../../../libs/repository/repository.js';
import type { Settings } from '../../../libs/settings/settings.js';
import { Needs } from '../access/needs.js';
import { addSlash, refuse, sendPage } from '../compose-files/file-answers.js';
import { documentPolicy } from '../compose-files/file-headers.js';
import { pathSegments } from '../compose-files/resolve-file.js';
import { LOGGER, REPOSITORIES, SETTINGS } from '../gateway-tokens.js';
import { filesOf } from '../repositories/present-repository.js';
import type { RepositoryDependencies } from '../repositories/repository-ports.js';
import { clientFileOf, clientFileText } from './client-files.js';
import type { ClientFile } from './client-files.js';
import { createFindFile } from './find-file.js';
import type { FindFile, FoundFile } from './find-file.js';
import { createReaderStates } from './reader-states.js';
import { repositoriesPage, repositoryPage } from './repository-page.js';
import { sendObject } from './send-object.js';
import { createVisibleStates } from './visible-states.js';
import type { ReadVisibleStates } from './visible-states.js';

const mostOnPage = 500;
/** Seconds that an address of the store leads to a package. */
const redirectSeconds = 900;

/** What package managers read: a state of a repository, whole, whatever happens to it meanwhile. */
@Controller()
@Needs('repositories', 'reader', { whilePublic: 'repositories' })
export class RepositoryFilesController {
  private readonly readers = createReaderStates();
  private readonly visibleStates: ReadVisibleStates;
  private readonly findFile: FindFile;

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(REPOSITORIES) private readonly repositories: RepositoryDependencies,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    this.visibleStates = createVisibleStates(repositories.reads);
    this.findFile = createFindFile(repositories.reads, this.visibleStates);
  }

  @Get(['repositories', 'repositories/*'])
  async serve(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const [address = ''] = request.url.split('?');
    if (address === '/repositories') return addSlash(reply, './repositories/');
    const segments = pathSegments(address.slice('/repositories/'.length));
    const [name = '', ...rest] = segments ?? [];
    if (segments === undefined) return refuse(reply, 404, 'There is no such file.');
    if (name === '' && rest.length === 0) return this.sendList(reply);
    const repository = await this.find(name);
    const given = repository === undefined && rest.length === 0 ? clientFileOf(name) : undefined;
    if (given !== undefined) return this.sendClientFile(reply, given);
    if (repository === undefined) return refuse(reply, 404, 'There is no such repository.');
    if (rest.length === 0) return addSlash(reply, `./${name}/`);
    if (rest.length === 1 && rest[0] === '') return this.sendRoot(reply, repository);
    await this.sendFile(request, reply, { repository, file: rest.join('/') });
  }

  private async sendFile(request: FastifyRequest, reply: FastifyReply, { repository, file }: { readonly repository: Repository; readonly file: string }): Promise<void> {
    const found = await this.findFile(repository, file, { begun: this.readers.of(request, repository.name) });
    if (found === undefined) return refuse(reply, 404, 'The repository lists no such file.');
    if (found.role === 'first') this.readers.begun(request, repository.name, found.state);
    const store = this.repositories.stores.open(repository.place);
    // An address is good for one method: whoever only asks what there is is told here.
    const elsewhere = request.method === 'GET' ? await this.elsewhere(store, found) : undefined;
    if (elsewhere !== undefined) return void reply.code(302).headers({ location: elsewhere, 'cache-control': 'no-store' }).send();
    try {
      await sendObject(request, reply, { store, found });
    } catch (error) {
      if (!isMillraceError(error) || error.code !== 'blob-not-found') throw error;
      this.log.error({ repository: repository.name, file, state: found.state }, error.message);
      for (const header of ['etag', 'accept-ranges', 'content-range', 'content-length']) void reply.removeHeader(header);
      refuse(reply, 404, `${error.message}.`);
    }
  }

  /** What machines that install are given. */
  private async sendClientFile(reply: FastifyReply, { name, kind }: ClientFile): Promise<void> {
    const repository = await this.find(name);
    const text = repository === undefined ? undefined : clientFileText(repository, { kind, files: filesOf(name, this.settings), keys: await this.repositories.keys.list() });
    if (text === undefined) return refuse(reply, 404, 'There is no such repository, or it has no such file.');
    void reply.headers({ 'cache-control': 'public, no-cache', 'content-security-policy': documentPolicy }).type('text/plain; charset=utf-8').send(text);
  }

  /** An address of the store itself, where the settings want that and the store has some. */
  private async elsewhere(store: ObjectStore, { role, objects: [key = ''] }: FoundFile): Promise<string | undefined> {
    if (role !== 'package' || this.settings.repositoryRedirect !== 'packages') return undefined;
    return store.presign(key, { seconds: redirectSeconds });
  }

  private async sendList(reply: FastifyReply): Promise<void> {
    const found = await this.repositories.reads.list({ limit: mostOnPage + 1 });
    sendPage(reply, repositoriesPage(found.slice(0, mostOnPage), found.length > mostOnPage));
  }

  private async sendRoot(reply: FastifyReply, repository: Repository): Promise<void> {
    const [current] = await this.visibleStates(repository);
    const packages = current === undefined ? [] : await this.repositories.reads.packages(repository.name, { state: repository.state, limit: mostOnPage });
    sendPage(reply, repositoryPage(repository, [...(current?.index.keys() ?? [])].slice(0, mostOnPage), packages));
  }

  private async find(name: string): Promise<Repository | undefined> {
    if (!repositoryNamePattern.test(name)) return undefined;
    try {
      return await this.repositories.reads.get(name);
    } catch (error) {
      if (isMillraceError(error) && error.code === 'repository-not-found') return undefined;
      throw error;
    }
  }
}
