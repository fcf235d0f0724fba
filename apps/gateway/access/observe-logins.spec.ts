import { expect, it } from '@jest/globals';
import { observeLogins } from './observe-logins.js';

it('tells the log of failed logins, and of more than it can take the number only', () => {
  let time = 0;
  const lines: unknown[][] = [];
  const counted: object[] = [];
  const observe = observeLogins({ logins: { inc: (labels: object) => void counted.push(labels) } } as never, { warn: (...line: unknown[]) => void lines.push(line) } as never, () => time);
  const login = { by: 'control', outcome: 'refused', reason: 'user or password is wrong', peerAddress: '192.0.2.7' } as const;
  observe({ ...login, outcome: 'accepted', reason: undefined });
  for (let count = 0; count < 5000; count += 1) observe(login);
  expect(lines).toHaveLength(600);
  expect(lines[0]).toEqual([login, 'login failed']);
  expect(counted).toHaveLength(5001);
  time = 60_000;
  observe(login);
  expect(lines.slice(600)).toEqual([[{ failures: 4400 }, 'more logins failed than the log tells of'], [login, 'login failed']]);
});
