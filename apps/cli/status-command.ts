import { z } from 'zod';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import type { SessionCommandContext } from './session-command.js';
import { textTable } from './summary-table.js';

const statusSchema = z.looseObject({
  uptime: z.number(),
  'session-count': z.number(),
  'active-sessions': z.array(z.looseObject({ 'session-id': z.string(), policy: z.string(), age: z.number(), timeout: z.number() })),
});

/** `millrace status`: what fetch-service's own `GET /status` says. */
export async function showStatus({ client, terminal, json }: SessionCommandContext): Promise<void> {
  const answer = statusSchema.safeParse(await client.json({ method: 'GET', path: '/status' }));
  if (!answer.success) throw new MillraceError('internal', 'the service answered something that is no status', { cause: answer.error });
  terminal.out(json ? `${JSON.stringify(answer.data)}\n` : statusText(answer.data));
}

function statusText(status: z.infer<typeof statusSchema>): string {
  const active = status['active-sessions'];
  const lines = [`up ${status.uptime} s, ${status['session-count']} sessions opened, ${active.length} active`];
  if (active.length > 0) {
    lines.push(
      textTable(
        ['session', 'policy', 'age (s)', 'timeout (s)'],
        active.map((session) => [session['session-id'], session.policy, String(session.age), String(session.timeout)]),
        [2, 3],
      ),
    );
  }
  return `${lines.join('\n')}\n`;
}
