import { MillraceError } from '../errors/millrace-error.js';
import type { RpcMessage, RpcStruct, RpcValue } from './rpc-value.js';

/** A message of XML-RPC. Errors: `invalid-request` for what XML cannot carry: control characters, halves of surrogate pairs, numbers that are none. */
export function writeXmlRpc(message: RpcMessage): string {
  const head = "<?xml version='1.0'?>\n";
  if (message.kind === 'call') return `${head}<methodCall><methodName>${text(message.method)}</methodName><params>${message.params.map(param).join('')}</params></methodCall>\n`;
  if (message.kind === 'answer') return `${head}<methodResponse><params>${param(message.value)}</params></methodResponse>\n`;
  return `${head}<methodResponse><fault>${value({ faultCode: message.code, faultString: message.text })}</fault></methodResponse>\n`;
}

function param(item: RpcValue): string {
  return `<param>${value(item)}</param>`;
}

function value(item: RpcValue): string {
  return `<value>${typed(item)}</value>`;
}

function typed(item: RpcValue): string {
  if (item === null) return '<nil/>';
  if (typeof item === 'boolean') return `<boolean>${item ? 1 : 0}</boolean>`;
  if (typeof item === 'string') return `<string>${text(item)}</string>`;
  if (typeof item === 'number') return number(item);
  if (Buffer.isBuffer(item)) return `<base64>${item.toString('base64')}</base64>`;
  if (Array.isArray(item)) return `<array><data>${(item as readonly RpcValue[]).map(value).join('')}</data></array>`;
  const members = Object.entries(item as RpcStruct).map(([name, member]) => `<member><name>${text(name)}</name>${value(member)}</member>`);
  return `<struct>${members.join('')}</struct>`;
}

function number(item: number): string {
  if (!Number.isFinite(item)) throw new MillraceError('invalid-request', `XML-RPC has no number ${item}`);
  if (!Number.isInteger(item) || !Number.isSafeInteger(item)) return `<double>${item}</double>`;
  return Math.abs(item) < 2 ** 31 ? `<int>${item}</int>` : `<i8>${item}</i8>`;
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#13;' };

function text(item: string): string {
  if (!item.isWellFormed() || /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.test(item)) throw new MillraceError('invalid-request', `XML cannot carry the text ${JSON.stringify(item.slice(0, 100))}`);
  return item.replace(/[&<>\r]/g, (sign) => escapes[sign] as string);
}
