import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { Compose } from '../../../libs/compose/compose.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { Settings } from '../../../libs/settings/settings.js';
import type { ComposeDependencies } from '../gateway-ports.js';
import { COMPOSES, SETTINGS } from '../gateway-tokens.js';
import { validate } from '../http/parse-json-body.js';
import { withDeadline } from '../http/with-deadline.js';
import { composeEventQuery, composeQuery } from './compose-schemas.js';
import type { ComposeDetailView, ComposeEventPage, ComposePage } from './compose-schemas.js';
import { presentCompose } from './present-compose.js';

const engineMilliseconds = 1500;

export interface PlanFile {
  /** Lower-case hex SHA-256. */
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  open(): NodeJS.ReadableStream;
}

/** Millrace's own view of composes, for operators. */
@Injectable()
export class ComposesService {
  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(COMPOSES) private readonly composes: ComposeDependencies,
  ) {}

  /** Newest first. */
  async list(query: unknown): Promise<ComposePage> {
    const { state, owner, 'source-type': sourceType, limit, cursor } = validate(composeQuery, query);
    const filters = { ...(state === undefined ? {} : { state }), ...(owner === undefined ? {} : { owner }), ...(sourceType === undefined ? {} : { source_type: sourceType }) };
    const { composes } = await this.composes.reads.list({ filters, orderBy: 'id', descending: true, offset: 0, limit: limit + 1, ...(cursor === undefined ? {} : { beforeId: Number(cursor) }) });
    const items = composes.slice(0, limit);
    return { items: items.map((compose) => presentCompose(compose, this.settings)), nextCursor: composes.length > limit ? String(items.at(-1)?.id) : null };
  }

  async get(id: string): Promise<ComposeDetailView> {
    const compose = await this.find(id);
    return { ...presentCompose(compose, this.settings), attempts: await this.attempts(compose.id) };
  }

  async events(id: string, query: unknown): Promise<ComposeEventPage> {
    const { limit, cursor } = validate(composeEventQuery, query);
    const compose = await this.find(id);
    const events = await this.composes.events(compose.id, { after: Number(cursor ?? 0), limit: limit + 1 });
    const items = events.slice(0, limit).map((event) => ({ ...event, data: { ...event.data } }));
    return { items, nextCursor: events.length > limit ? String(items.at(-1)?.position) : null };
  }

  /** The plan as it is stored; tens of thousands of packages are megabytes. Errors: `blob-not-found`. */
  async packages(id: string): Promise<PlanFile> {
    const { plan, state } = await this.find(id);
    if (plan === null) throw new MillraceError('blob-not-found', `compose ${id} has no plan; it is in state ${state}`, { suggestion: 'The plan is there when the compose is done.' });
    const file = this.composes.content.file(plan);
    const status = await stat(file).catch(() => undefined);
    if (status === undefined) throw new MillraceError('blob-not-found', `the plan of compose ${id} is not stored any more`);
    return { digest: plan, size: status.size, open: () => createReadStream(file) };
  }

  private async find(id: string): Promise<Compose> {
    const compose = /^[1-9]\d{0,14}$/.test(id) ? await this.composes.reads.get(Number(id)) : undefined;
    if (compose === undefined) throw new MillraceError('compose-not-found', 'no such compose');
    return compose;
  }

  private async attempts(id: number): Promise<number | null> {
    try {
      return await withDeadline(this.composes.workflows.attempts(id), engineMilliseconds, () => new Error('no answer in time'));
    } catch {
      return null; // the rest of the answer is from the record
    }
  }
}
