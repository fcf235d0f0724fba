import { describe, expect, it } from '@jest/globals';
import { decide, evolve, initialState, type Session, type SessionCommand } from './session.js';
import type { SessionEvent } from './session-events.js';

const open: Extract<SessionCommand, { type: 'OpenSession' }> = {
  type: 'OpenSession', sessionId: 'abc', policy: 'strict', owner: 'o', now: '2026-01-01T00:00:00.000Z', timeoutSeconds: 60, tokenDigest: `sha256:${'1'.repeat(64)}`, retain: false, inspectorsConfiguration: { git: { urls: [] }, apt: {} },
};
const now = '2026-01-01T00:00:30.000Z';
const revoke: SessionCommand = { type: 'RevokeToken', now, by: 'b' };
const end: SessionCommand = { type: 'EndSession', now, by: 'b' };
const expire: SessionCommand = { type: 'ExpireSession', now };

const opened = decide(open, initialState);
const revoked: SessionEvent = { type: 'TokenRevoked', data: { revokedAt: now, by: 'b' } };
const ended: SessionEvent = { type: 'SessionEnded', data: { endedAt: now, by: 'b' } };
const expired: SessionEvent = { type: 'SessionExpired', data: { expiredAt: now } };

const given = (...events: readonly SessionEvent[]): Session => events.reduce(evolve, initialState);
const problem = (command: SessionCommand, session: Session): string => {
  try {
    decide(command, session);
    return 'none';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('a session', () => {
  it('given nothing, when opened, then it is open until its timeout', () => {
    expect(opened).toMatchObject([{ type: 'SessionOpened', data: { openedAt: open.now, expiresAt: '2026-01-01T00:01:00.000Z', secrets: [] } }]);
    expect(given(...opened)).toMatchObject({ state: 'open', opened: { sessionId: 'abc' } });
  });

  it('given it is open, when opened again with the same content, then nothing', () => {
    expect(decide({ ...open, now, inspectorsConfiguration: { apt: {}, git: { urls: [] } } }, given(...opened))).toEqual([]);
    expect(decide(open, given(...opened, revoked))).toEqual([]);
  });

  it('given it is open with a policy document, when opened again, then only with that document or its digest', () => {
    const content = { version: 1, allow: [], deny: [], origins: {}, pins: [], signatures: [], inspectorsConfiguration: {} } as const;
    const documents = [
      { source: 'service', sha256: 'a'.repeat(64), text: 'service', content },
      { source: 'session', sha256: 'b'.repeat(64), text: 'session', content },
    ] as const;
    const withPolicy = given(...decide({ ...open, policyDocuments: documents }, initialState));
    expect(withPolicy.opened?.policyDocuments).toEqual(documents);
    expect(decide({ ...open, policyDocuments: documents.slice(1) }, withPolicy)).toEqual([]);
    expect(decide({ ...open, policyDocumentSha256: 'b'.repeat(64) }, withPolicy)).toEqual([]);
    expect(decide({ ...open, policyDocuments: documents.slice(0, 1) }, given(...opened))).toEqual([]);
    for (const policyDocumentSha256 of [undefined, 'c'.repeat(64)]) expect(problem({ ...open, ...(policyDocumentSha256 === undefined ? {} : { policyDocumentSha256 }) }, withPolicy)).toBe('record-conflict');
    expect(problem({ ...open, policyDocumentSha256: 'b'.repeat(64) }, given(...opened))).toBe('record-conflict');
    expect(problem({ ...open, policyDocumentSha256: 'b'.repeat(64) }, initialState)).toBe('invalid-request');
  });

  it('given it is open, when opened with other content, then a conflict', () => {
    for (const other of [{ owner: 'x' }, { policy: 'permissive' }, { timeoutSeconds: 61 }, { retain: true }, { secrets: [{ type: 'macaroon', url: 'u' }] }] as const) {
      expect(problem({ ...open, ...other }, given(...opened))).toBe('record-conflict');
    }
  });

  it.each([0, -1, 1.5, Number.NaN])('is not opened with a timeout of %d', (timeoutSeconds) => {
    expect(problem({ ...open, timeoutSeconds }, initialState)).toBe('invalid-request');
  });

  it('given nothing, when revoked, ended or expired, then it is not found', () => {
    expect([revoke, end, expire].map((command) => problem(command, initialState))).toEqual(['session-not-found', 'session-not-found', 'session-not-found']);
  });

  it('given it is open, when revoked, then its token is dead, and once only', () => {
    expect(decide(revoke, given(...opened))).toEqual([revoked]);
    expect(decide(revoke, given(...opened, revoked))).toEqual([]);
    expect(given(...opened, revoked)).toMatchObject({ state: 'revoked', revokedAt: now });
  });

  it('given it is open, when ended, then the token has to be revoked first', () => {
    expect(problem(end, given(...opened))).toBe('session-token-active');
    expect(decide(end, given(...opened, revoked))).toEqual([ended]);
    expect(decide(end, given(...opened, revoked, ended))).toEqual([]);
    expect(given(...opened, revoked, ended)).toMatchObject({ state: 'ended', endedAt: now });
  });

  it('given it is open or revoked, when its time is over, then it expires', () => {
    expect(decide(expire, given(...opened))).toEqual([expired]);
    expect(decide(expire, given(...opened, revoked))).toEqual([expired]);
    expect(decide(expire, given(...opened, revoked, ended))).toEqual([]);
    expect(given(...opened, expired)).toMatchObject({ state: 'expired', revokedAt: now, endedAt: now });
    expect([revoke, end].map((command) => decide(command, given(...opened, expired)))).toEqual([[], []]);
  });
});
