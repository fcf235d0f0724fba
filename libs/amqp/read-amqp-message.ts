/** The parts of a message of AMQP 1.0 that matter here. */
export interface AmqpMessageParts {
  readonly id: string | null;
  readonly to: string | null;
  readonly subject: string | null;
  readonly contentEncoding: string | null;
  /** Those with texts as values. */
  readonly annotations: ReadonlyMap<string, string>;
  readonly applicationProperties: ReadonlyMap<string, string>;
  /** Bytes of data sections, or of a text as value; null: the body is something else, or there is none. */
  readonly body: Buffer | null;
}

interface Value {
  readonly code: number;
  /** Of a compound value: what comes behind its size. */
  readonly bytes: Buffer;
  readonly descriptor: number | null;
}

/** Entries of a map that are looked at. */
const mostEntries = 1000;

const section = { annotations: 0x72, properties: 0x73, applicationProperties: 0x74, data: 0x75, value: 0x77 } as const;
const symbolicSections: Readonly<Record<string, number>> = {
  'amqp:message-annotations:map': section.annotations,
  'amqp:properties:list': section.properties,
  'amqp:application-properties:map': section.applicationProperties,
  'amqp:data:binary': section.data,
  'amqp:value:*': section.value,
};

/**
 * Reads an encoded message in time and memory of its size: what is nested is passed over by its size and never built. The client library
 * builds all of it, and drops the connection over what it cannot read, so that such a message would come again for ever. Throws
 * RangeError for what is no message.
 */
export function readAmqpMessage(bytes: Buffer): AmqpMessageParts {
  const fields: { id: string | null; to: string | null; subject: string | null; contentEncoding: string | null } = { id: null, to: null, subject: null, contentEncoding: null };
  let annotations: ReadonlyMap<string, string> = new Map();
  let applicationProperties: ReadonlyMap<string, string> = new Map();
  const data: Buffer[] = [];
  let text: Buffer | null = null;
  const reader = createReader(bytes);
  while (reader.left() > 0) {
    const value = reader.value();
    if (value.descriptor === section.properties) {
      const [id, , to, subject, , , , contentEncoding] = listOf(value, 8);
      Object.assign(fields, { id: scalarText(id), to: scalarText(to), subject: scalarText(subject), contentEncoding: scalarText(contentEncoding) });
    } else if (value.descriptor === section.annotations) annotations = textsOf(value);
    else if (value.descriptor === section.applicationProperties) applicationProperties = textsOf(value);
    else if (value.descriptor === section.data && isBinary(value)) data.push(value.bytes);
    else if (value.descriptor === section.value && (isString(value) || isBinary(value))) text = value.bytes;
  }
  return { ...fields, annotations, applicationProperties, body: data.length > 0 ? Buffer.concat(data) : text };
}

function createReader(bytes: Buffer) {
  let at = 0;

  function take(count: number): Buffer {
    if (count > bytes.length - at) throw new RangeError('the AMQP message ends in the middle of a value');
    at += count;
    return bytes.subarray(at - count, at);
  }

  /** The number in front of a value's bytes is the size of them; see AMQP 1.0, part 1, figure 1.3. */
  function encoded(code: number): Buffer {
    switch (code >> 4) {
      case 0x4:
        return take(0);
      case 0x5:
        return take(1);
      case 0x6:
        return take(2);
      case 0x7:
        return take(4);
      case 0x8:
        return take(8);
      case 0x9:
        return take(16);
      case 0xa:
      case 0xc:
      case 0xe:
        return take(take(1).readUInt8());
      case 0xb:
      case 0xd:
      case 0xf:
        return take(take(4).readUInt32BE());
      default:
        throw new RangeError(`the AMQP message has a value of the unknown type 0x${code.toString(16)}`);
    }
  }

  function plain(): Value {
    const code = take(1).readUInt8();
    return { code, bytes: encoded(code), descriptor: null };
  }

  /** A descriptor is a plain value here, which all that the standard defines are. */
  function value(): Value {
    if (bytes[at] !== 0) return plain();
    take(1);
    const descriptor = plain();
    return { ...plain(), descriptor: descriptorOf(descriptor) };
  }

  return { left: () => bytes.length - at, value };
}

function descriptorOf({ code, bytes }: Value): number {
  if (code === 0x44) return 0;
  if (code === 0x53) return bytes.readUInt8();
  if (code === 0x80) return Number(bytes.readBigUInt64BE());
  return symbolicSections[bytes.toString('latin1')] ?? -1;
}

function* elements({ code, bytes }: Value, most: number): Generator<Value> {
  const wide = code >> 4 === 0xd;
  if (!wide && code >> 4 !== 0xc) return;
  const reader = createReader(bytes.subarray(wide ? 4 : 1));
  for (let index = 0; index < most && reader.left() > 0; index += 1) yield reader.value();
}

function listOf(value: Value, most: number): readonly Value[] {
  return [...elements(value, most)];
}

function textsOf(value: Value): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  let key: string | null | undefined;
  for (const each of elements(value, mostEntries * 2)) {
    if (key === undefined) {
      key = scalarText(each);
      continue;
    }
    const text = scalarText(each);
    if (key !== null && text !== null) texts.set(key, text);
    key = undefined;
  }
  return texts;
}

const isString = ({ code }: Value): boolean => code === 0xa1 || code === 0xb1;
const isSymbol = ({ code }: Value): boolean => code === 0xa3 || code === 0xb3;
const isBinary = ({ code }: Value): boolean => code === 0xa0 || code === 0xb0;

/** What a message id, a name or a text may be; null for everything else. */
function scalarText(value: Value | undefined): string | null {
  if (value === undefined) return null;
  const { code, bytes } = value;
  if (isString(value)) return bytes.toString('utf8');
  if (isSymbol(value)) return bytes.toString('latin1');
  if (isBinary(value)) return bytes.toString('hex');
  if (code === 0x98) return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  if (code === 0x44) return '0';
  if (code === 0x53) return String(bytes.readUInt8());
  if (code === 0x80) return String(bytes.readBigUInt64BE());
  return null;
}
