import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readXmlRpc, type RpcLimits } from './read-xml-rpc.js';
import { withNames, type RpcMessage, type RpcStruct, type RpcValue } from './rpc-value.js';
import { writeXmlRpc } from './write-xml-rpc.js';

const wire = (name: string): string => readFileSync(new URL(`./__fixtures__/wire/${name}.xml`, import.meta.url), 'utf8');
const limits: RpcLimits = { bytes: 10_000, values: 100, depth: 30, text: 1000 };

async function* chunks(text: string, size = text.length): AsyncGenerator<Buffer, void> {
  const bytes = Buffer.from(text);
  for (let from = 0; from < bytes.length; from += Math.max(1, size)) yield bytes.subarray(from, from + Math.max(1, size));
}

const read = (text: string, own?: RpcLimits, size?: number): Promise<RpcMessage> => readXmlRpc(chunks(text, size), own);
const answer = (body: string): string => `<methodResponse><params><param>${body}</param></params></methodResponse>`;
const valueOf = async (body: string): Promise<RpcValue> => ((await read(answer(body))) as { value: RpcValue }).value;

const text = fc.string({ unit: 'grapheme' }).filter((item) => !/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.test(item) && item.isWellFormed());
const { value } = fc.letrec<{ value: RpcValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((item) => !Object.is(item, -0)),
    text,
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.array(tie('value')),
    fc.dictionary(text, tie('value')) as fc.Arbitrary<RpcStruct>,
  ),
}));

describe('XML-RPC', () => {
  it('reads what it writes, however the bytes come', async () => {
    await fc.assert(
      fc.asyncProperty(value, text, fc.integer({ min: 1, max: 50 }), async (item, fault, size) => {
        expect(await read(writeXmlRpc({ kind: 'answer', value: item }), undefined, size)).toEqual({ kind: 'answer', value: item });
        const call: RpcMessage = { kind: 'call', method: 'listTagged', params: withNames([item], { event: 3 }) };
        expect(await read(writeXmlRpc(call), undefined, size)).toEqual(call);
        expect(await read(writeXmlRpc({ kind: 'fault', code: 1000, text: fault }))).toEqual({ kind: 'fault', code: 1000, text: fault });
      }),
      { numRuns: 100 },
    );
  });

  it('reads what a real hub was recorded with', async () => {
    expect(await read(wire('getLastEvent.response'))).toEqual({ kind: 'answer', value: { id: 61, ts: 1795225690.120069 } });
    expect(await read(wire('getTag-missing.response'))).toEqual({ kind: 'answer', value: null });
    expect(await read(wire('listTaggedRPMS-missing.response'))).toEqual({ kind: 'fault', code: 1000, text: "No such tagInfo: 'no-such-tag'" });
    const [rpms, builds] = (await read(wire('listTaggedRPMS-rpmsigs.response'), undefined, 7) as unknown as { value: [RpcStruct[], RpcStruct[]] }).value;
    expect(rpms[0]).toMatchObject({ name: 'sample-lib', arch: 'src', sigkey: '', epoch: null, payloadhash: '2391785c7b987f4ec8c7de3c4b1be1d0' });
    expect([...new Set(rpms.filter(({ build_id: id }) => id === builds.find(({ name }) => name === 'sample-app')?.['id']).map(({ sigkey }) => sigkey))].sort()).toEqual(['', '06af24ee', 'fb853f39']);
    const { value: several } = (await read(wire('multiCall.response'))) as unknown as { value: [unknown[], RpcStruct, unknown[]] };
    expect(several).toMatchObject([[{ nvr: 'sample-lib-1.2-1.sp1' }], { faultCode: 1000 }, [null], [expect.any(Array)]]);
  });

  it('writes a call as the real client does', async () => {
    expect(await read(wire('listTaggedRPMS-rpmsigs.request'))).toEqual(await read(writeXmlRpc({ kind: 'call', method: 'listTaggedRPMS', params: withNames(['sp1-updates'], { inherit: true, latest: true, rpmsigs: true }) })));
  });

  it.each<[string, RpcValue]>([
    ['<value>plain  </value>', 'plain  '],
    ['<value> <int> 7 </int> </value>', 7],
    ['<value><i8>-2147483649</i8></value>', -2147483649],
    ['<value><double>-1.5e3</double></value>', -1500],
    ['<value xmlns:ex="http://ws.example/x"><ex:nil/></value>', null],
    ['<value><dateTime.iso8601>20261121T01:45:08</dateTime.iso8601></value>', '20261121T01:45:08'],
    ['<value><struct><member><name>__proto__</name><value>x</value></member></struct></value>', JSON.parse('{"__proto__":"x"}')],
  ])('reads %s', async (body, expected) => {
    expect(await valueOf(body)).toEqual(expected);
  });

  it.each([
    ['nothing', ''],
    ['HTML', '<!DOCTYPE html><html><body>Sorry</body></html>'],
    ['entities', '<!DOCTYPE x [<!ENTITY a "b">]><methodResponse/>'],
    ['what is cut off', wire('getLastEvent.response').slice(0, 100)],
    ['two values', answer('<value>1</value><value>2</value>')],
    ['two types', answer('<value><int>1</int><int>2</int></value>')],
    ['text beside a type', answer('<value>1<int>2</int></value>')],
    ['text between elements', answer('x<value>1</value>')],
    ['an unknown type', answer('<value><float>1</float></value>')],
    ['an integer that is none', answer('<value><int>1.5</int></value>')],
    ['an integer beyond all numbers', answer('<value><i8>9223372036854775807</i8></value>')],
    ['a boolean that is none', answer('<value><boolean>true</boolean></value>')],
    ['a member without value', answer('<value><struct><member><name>x</name></member></struct></value>')],
    ['a fault that is none', '<methodResponse><fault><value>no</value></fault></methodResponse>'],
    ['another encoding', "<?xml version='1.0' encoding='utf-7'?><methodResponse/>"],
    ['bytes that are no UTF-8', '\ud800'],
  ])('refuses %s', async (_name, document) => {
    await expect(read(document)).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it.each([
    ['bytes', answer(`<value>${' '.repeat(11_000)}</value>`)],
    ['text', answer(`<value>${'x'.repeat(1100)}</value>`)],
    ['a tag', `${answer('<value>x</value>').slice(0, -3)}${' '.repeat(1100)}`],
    ['values', answer(`<value><array><data>${'<value/>'.repeat(300)}</data></array></value>`)],
    ['depth', answer('<value><array><data>'.repeat(20))],
  ])('limits %s', async (_name, document) => {
    await expect(read(document, limits, 100)).rejects.toMatchObject({ code: 'payload-too-large' });
  });

  it('refuses to write what XML cannot carry', () => {
    for (const item of ['\0', '\ud800', '\uffff', Number.NaN, Infinity]) expect(() => writeXmlRpc({ kind: 'answer', value: [item] })).toThrow(expect.objectContaining({ code: 'invalid-request' }));
  });
});
