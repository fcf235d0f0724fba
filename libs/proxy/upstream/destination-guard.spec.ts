import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createDestinationGuard, type DestinationGuardOptions } from './destination-guard.js';
import { embeddedIpv4 } from './special-addresses.js';

function guard(options: Partial<DestinationGuardOptions> = {}) {
  return createDestinationGuard({ allow: [], forbiddenPorts: [], ownAddresses: () => [], ...options });
}

const forbidden: readonly string[] = [
  '0.0.0.0', '0.1.2.3', '127.0.0.1', '127.255.255.254', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', '169.254.0.1', '169.254.169.254', '100.100.100.200',
  '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255', '192.0.0.1', '198.18.0.1', '168.63.129.16',
  '::', '::1', 'fe80::1', 'fd00::1', 'fc00::1', 'fd00:ec2::254', 'ff02::1', 'fec0::1', '64:ff9b:1::1',
  '::ffff:127.0.0.1', '::ffff:10.0.0.1', '::127.0.0.1', '::ffff:0:127.0.0.1', '64:ff9b::127.0.0.1', '64:ff9b::a9fe:a9fe', '2002:7f00:1::', '2002:a00:1::1',
  '2001:0:7f00:1::', '2001:0:4136:e378:8000:63bf:80ff:fffe', '2001:4860::5efe:127.0.0.1', '2001:4860::200:5efe:10.0.0.1', 'fe80::1%eth0',
];

describe('createDestinationGuard', () => {
  it.each(forbidden)('refuses %s, as a literal and as what a name resolves to', async (address) => {
    expect(await guard({ resolve: async () => [address] }).check('name.example', 443)).toMatchObject({ ok: false, rule: 'destination' });
    expect(await guard().check(address, 443)).toMatchObject({ ok: false, rule: 'destination', reason: expect.stringContaining('may not connect') });
  });

  it.each(['1.1.1.1', '9.255.255.255', '11.0.0.0', '172.15.0.1', '172.32.0.1', '100.63.0.1', '100.128.0.1', '2606:4700::1111', '2002:101:101::', '64:ff9b::1.1.1.1', '192.0.2.1', '203.0.113.80', '2001:db8::1'])('lets %s through', async (address) => {
    expect(await guard().check(address, 443)).toEqual({ ok: true, addresses: [address] });
  });

  it('drops the forbidden addresses of a name that has others', async () => {
    const mixed = guard({ resolve: async () => ['127.0.0.1', '1.1.1.1', '::1', '::ffff:1.1.1.1', '2606:4700::1111'] });
    expect(await mixed.check('rebind.example', 443)).toEqual({ ok: true, addresses: ['1.1.1.1', '2606:4700::1111'] });
  });

  it('lets the allow list win, but not over the own ports on this machine', async () => {
    const open = guard({ allow: ['127.0.0.0/8', '::1', '10.1.0.0/16', '203.0.113.7'], forbiddenPorts: [9999], ownAddresses: () => ['10.1.0.5', '203.0.113.7'] });
    for (const host of ['127.0.0.1', '::1', '10.1.0.5', '203.0.113.7', '::ffff:127.0.0.1']) {
      expect(await open.check(host, 8080)).toMatchObject({ ok: true });
      expect(await open.check(host, 9999)).toMatchObject({ ok: false, rule: 'destination', reason: expect.stringContaining('belongs to Millrace') });
    }
    expect(await open.check('10.1.0.6', 9999)).toMatchObject({ ok: true });
    expect(await open.check('10.2.0.1', 8080)).toMatchObject({ ok: false });
  });

  it('protects the own ports on a public address of this machine, also behind a translator', async () => {
    const own = guard({ forbiddenPorts: [9988], ownAddresses: () => ['1.2.3.4'] });
    expect(await own.check('1.2.3.4', 9988)).toMatchObject({ ok: false });
    expect(await own.check('64:ff9b::1.2.3.4', 9988)).toMatchObject({ ok: false });
    expect(await own.check('1.2.3.4', 443)).toMatchObject({ ok: true });
  });

  it('protects the own ports even when everything is allowed', async () => {
    const open = createDestinationGuard({ allow: ['0.0.0.0/0', '::/0'], forbiddenPorts: [9999] });
    for (const host of ['127.0.0.1', '0.0.0.0', '::', '::1', '::ffff:127.0.0.1', '127.9.9.9', 'localhost', '2002:7f00:1::']) {
      expect(await open.check(host, 9999)).toMatchObject({ ok: false, rule: 'destination' });
    }
  });

  it('says when a name does not resolve, resolves to nothing or takes too long', async () => {
    const failing = guard({ resolve: () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' })) });
    expect(await failing.check('nowhere.invalid', 443)).toEqual({ ok: false, rule: 'unresolved', reason: 'nowhere.invalid does not resolve: no such host' });
    expect(await guard({ resolve: async () => [] }).check('empty.invalid', 443)).toMatchObject({ ok: false, rule: 'unresolved' });
    expect(await guard({ resolve: () => new Promise(() => undefined), resolveTimeout: 5 }).check('slow.invalid', 443)).toMatchObject({ ok: false, rule: 'unresolved', reason: expect.stringContaining('no answer') });
  });

  it('resolves a name once for connections of the same moment, and again after a failure', async () => {
    let calls = 0;
    const counted = guard({
      resolve: async () => {
        calls += 1;
        if (calls === 1) throw new Error('temporary');
        return ['1.1.1.1'];
      },
    });
    expect(await counted.check('a.example', 443)).toMatchObject({ ok: false });
    const results = await Promise.all([1, 2, 3].map(() => counted.check('a.example', 443)));
    expect(results.every((result) => result.ok)).toBe(true);
    expect(calls).toBe(2);
  });

  it('takes at most sixteen addresses', async () => {
    const many = guard({ resolve: async () => Array.from({ length: 500 }, (_, index) => `1.1.${index >> 8}.${index & 255}`) });
    const result = await many.check('many.example', 443);
    expect(result.ok && result.addresses.length).toBe(16);
  });

  it.each(['10.0.0.0/33', 'fe80::/129', 'example.org', '10.0.0.0/8/8', '::1/-1', 'fe80::1%eth0/64', ''])('refuses %j in the allow list', (cidr) => {
    expect(() => guard({ allow: [cidr] })).toThrow(expect.objectContaining({ code: 'invalid-setting' }));
  });

  it('never lets a wrapped private IPv4 address through', async () => {
    const privateAddress = fc.tuple(fc.constantFrom([127, 0], [10, 1], [169, 254], [192, 168], [172, 20], [100, 64], [0, 0], [224, 1]), fc.nat(255), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(privateAddress, fc.constantFrom('mapped', 'nat64', '6to4', 'teredo', 'translated', 'isatap'), async ([[a = 0, b = 0], c, d], form) => {
        const high = ((a << 8) | b).toString(16);
        const low = ((c << 8) | d).toString(16);
        const flip = (value: number): string => (value ^ 0xffff).toString(16);
        const address = {
          mapped: `::ffff:${high}:${low}`,
          nat64: `64:ff9b::${high}:${low}`,
          '6to4': `2002:${high}:${low}::1`,
          teredo: `2001:0:101:101:0:0:${flip((a << 8) | b)}:${flip((c << 8) | d)}`,
          translated: `::ffff:0:${high}:${low}`,
          isatap: `2a00:1450::5efe:${high}:${low}`,
        }[form];
        expect(await guard().check(address, 443)).toMatchObject({ ok: false, rule: 'destination' });
      }),
    );
  });
});

describe('embeddedIpv4', () => {
  it('finds nothing in ordinary addresses', () => {
    fc.assert(fc.property(fc.ipV6(), (address) => expect(embeddedIpv4(`2a00:1450:4001:${address.split(':')[0] || '1'}::1`)).toEqual([])));
  });
});
