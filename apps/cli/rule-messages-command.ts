import { z } from 'zod';
import type { SessionCommandContext } from './session-command.js';
import { textTable } from './summary-table.js';
import { printable, shorten } from './terminal.js';

/** Keys that are not known here pass through to `--json`. */
const parkedSchema = z.looseObject({ id: z.int(), bus: z.string(), topic: z.string(), position: z.int().nullable(), rule: z.string().nullable(), reason: z.string(), excerpt: z.string(), parkedAt: z.string() });
const pageSchema = z.object({ items: z.array(parkedSchema), nextCursor: z.string().nullable() });

type ParkedView = z.infer<typeof parkedSchema>;

export async function listParked(context: SessionCommandContext, { limit, cursor }: { readonly limit?: string | undefined; readonly cursor?: string | undefined }): Promise<void> {
  const query = new URLSearchParams({ ...(limit === undefined ? {} : { limit }), ...(cursor === undefined ? {} : { cursor }) });
  const page = pageSchema.parse(await context.client.json({ method: 'GET', path: `/v1/parked-messages${query.size === 0 ? '' : `?${query.toString()}`}` }));
  print(context, page, () => {
    const more = page.nextCursor === null ? '' : `\nMore: --cursor ${printable(page.nextCursor)}`;
    return page.items.length === 0 ? 'No message is parked.' : `${page.items.map(parkedText).join('\n\n')}${more}`;
  });
}

export async function retryParked(context: SessionCommandContext, ids: readonly number[]): Promise<void> {
  await each(context, ids, async (id) => {
    const parked = parkedSchema.parse(await context.client.json({ method: 'POST', path: `/v1/parked-messages/${id}/retry` }));
    return { parked, text: parked.rule === null ? `Message ${id} is taken.` : `Rule ${printable(parked.rule)} looks at message ${id} again.` };
  });
}

export async function dropParked(context: SessionCommandContext, ids: readonly number[]): Promise<void> {
  await each(context, ids, async (id) => ({ parked: parkedSchema.parse(await context.client.json({ method: 'DELETE', path: `/v1/parked-messages/${id}` })), text: `Message ${id} is dropped.` }));
}

async function each(context: SessionCommandContext, ids: readonly number[], work: (id: number) => Promise<{ readonly parked: ParkedView; readonly text: string }>): Promise<void> {
  for (const id of ids) {
    const { parked, text } = await work(id);
    print(context, parked, () => text);
  }
}

function print(context: SessionCommandContext, value: unknown, text: () => string): void {
  context.terminal.out(`${context.json ? JSON.stringify(value) : text()}\n`);
}

function parkedText({ id, bus, topic, position, rule, reason, excerpt, parkedAt }: ParkedView): string {
  const where = textTable(['message', 'bus', 'topic', 'position', 'rule', 'parked'], [[String(id), printable(bus), shorten(printable(topic), 60), position === null ? '' : String(position), rule === null ? '' : printable(rule), printable(parkedAt)]], [0, 3]);
  return `${where}\n  ${printable(reason)}\n  ${shorten(printable(excerpt), 300)}`;
}
