import { styleText } from 'node:util';
import type { Environment } from '../../libs/settings/settings.js';

/** Where a command reads its surroundings and writes its words; specs hand in their own. */
export interface Terminal {
  readonly environment: Environment;
  /** Results: what a caller may pipe on. */
  out(text: string): void;
  /** Progress, summaries of `run` and errors: never mixed into a build's own output. */
  err(text: string): void;
  /** Whether words on `err` may be coloured. */
  readonly colour: boolean;
  /** Whether the keyboard's Ctrl-C reaches the build by itself, as it does for every process of a terminal's foreground group. */
  readonly interactive: boolean;
}

export function processTerminal(environment: Environment): Terminal {
  return {
    environment,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    colour: process.stderr.isTTY && (environment.NO_COLOR ?? '') === '',
    interactive: process.stdin.isTTY,
  };
}

export function paint(terminal: Terminal, style: 'green' | 'red' | 'yellow' | 'bold' | 'dim', text: string): string {
  return terminal.colour ? styleText(style, text, { validateStream: false }) : text;
}

/** Names, URLs and reasons come from hostile files: nothing in them may move the cursor, change a title or turn the writing direction. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`);
}

export function shorten(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join('')}…`;
}

/** `1.4 MiB`; exact below 1 KiB. */
export function readableSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? String(value) : value.toFixed(1)} ${units[unit] ?? ''}`;
}
