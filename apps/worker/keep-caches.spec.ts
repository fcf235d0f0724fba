import { describe, expect, it } from '@jest/globals';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import { keepCaches } from './keep-caches.js';

describe('keeping the workflows of caches', () => {
  it('starts each at first and now and then, and begins again when Temporal was away', async () => {
    const started: string[] = [];
    let clock = 0;
    let away = true;
    const round = keepCaches({
      instances: ['main', 'team'],
      workflows: {
        async start(instance) {
          if (instance === 'team' && away) throw new MillraceError('workflow-engine-unavailable', 'away');
          started.push(instance);
        },
      },
      now: () => clock,
    });
    await expect(round()).rejects.toMatchObject({ code: 'workflow-engine-unavailable' });
    away = false;
    await round();
    await round();
    expect(started).toEqual(['main', 'main', 'team']);
    clock += 300_001;
    await round();
    expect(started).toEqual(['main', 'main', 'team', 'main', 'team']);
  });
});
