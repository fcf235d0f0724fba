import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { latestDirectory } from '../../../libs/compose-names/name-files.js';
import type { ComposeName } from '../../../libs/compose-names/compose-names.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { Settings } from '../../../libs/settings/settings.js';
import type { ComposeDependencies } from '../gateway-ports.js';
import { COMPOSES, LOGGER, SETTINGS } from '../gateway-tokens.js';
import { parseJsonBody, validate } from '../http/parse-json-body.js';
import { composeNameHistoryQuery, composeNameQuery, promotion, rollback } from './compose-name-schemas.js';
import type { ComposeNameHistory, ComposeNamePage, ComposeNameView } from './compose-name-schemas.js';

/** Stable names of composes; their workflows hear by the record's outbox that they live longer. */
@Injectable()
export class ComposeNamesService {
  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(COMPOSES) private readonly composes: ComposeDependencies,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  async list(query: unknown): Promise<ComposeNamePage> {
    const { limit, cursor } = validate(composeNameQuery, query);
    const names = await this.composes.names.list({ limit: limit + 1, ...(cursor === undefined ? {} : { after: cursor }) });
    const items = names.slice(0, limit).map((name) => this.present(name));
    return { items, nextCursor: names.length > limit ? (items.at(-1)?.name ?? null) : null };
  }

  async get(name: string): Promise<ComposeNameView> {
    return this.present(await this.composes.names.get(name));
  }

  async history(name: string, query: unknown): Promise<ComposeNameHistory> {
    const { limit } = validate(composeNameHistoryQuery, query);
    return { items: (await this.composes.names.history(name, limit)).map((each) => ({ ...each })) };
  }

  /** Errors also: `compose-closed`, where the name has had a newer compose. */
  async promote(name: string, body: unknown, by: string): Promise<ComposeNameView> {
    const { composeId, force } = validate(promotion, parseJsonBody(body));
    const promoted = await this.composes.names.promote(name, composeId, { by, force });
    if (promoted.composeId !== composeId) {
      throw new MillraceError('compose-closed', `the name ${name} stays at compose ${promoted.composeId}: it has had compose ${composeId}, or a newer one`, { suggestion: 'Let it point at this one all the same with "force": true (millrace compose name set --force).' });
    }
    this.log.info({ name, compose: composeId, by }, `the name ${name} points at compose ${composeId}`);
    return this.present(promoted);
  }

  async rollBack(name: string, body: unknown, by: string): Promise<ComposeNameView> {
    const { to } = validate(rollback, Buffer.isBuffer(body) && body.length > 0 ? parseJsonBody(body) : {});
    const back = await this.composes.names.rollBack(name, { by, ...(to === undefined ? {} : { to }) });
    this.log.info({ name, compose: back.composeId, by }, `the name ${name} is back at compose ${back.composeId}`);
    return this.present(back);
  }

  async remove(name: string, by: string): Promise<void> {
    await this.composes.names.remove(name, by);
    this.log.info({ name, by }, `the name ${name} is removed`);
  }

  private present(name: ComposeName): ComposeNameView {
    const self = `/v1/compose-names/${name.name}`;
    const files = `${this.settings.composeUrl}/${latestDirectory}/${name.name}`;
    return { ...name, links: { self, history: `${self}/history`, compose: `/v1/composes/${name.composeId}`, files: `${files}/`, repoFile: `${files}.repo` } };
  }
}
