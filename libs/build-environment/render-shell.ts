import { MillraceError } from '../errors/millrace-error.js';

export type Shell = 'sh' | 'fish' | 'powershell' | 'json';

const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Lines that set the variables when a shell evaluates them; values are quoted so that nothing in them is ever run. */
export function renderShell(variables: Readonly<Record<string, string>>, shell: Shell): string {
  for (const [name, value] of Object.entries(variables)) {
    if (!variableName.test(name) || value.includes('\0')) throw new MillraceError('internal', `${JSON.stringify(name)} cannot be set in a shell`);
  }
  if (shell === 'json') return `${JSON.stringify(variables, null, 2)}\n`;
  return Object.entries(variables)
    .map(([name, value]) => `${line(shell, name, value)}\n`)
    .join('');
}

function line(shell: Exclude<Shell, 'json'>, name: string, value: string): string {
  switch (shell) {
    case 'sh':
      return `export ${name}='${value.replaceAll("'", `'\\''`)}'`;
    case 'fish':
      return `set -gx ${name} '${value.replace(/[\\']/g, (character) => `\\${character}`)}'`;
    case 'powershell':
      // PowerShell ends a string at typographic quotes, too.
      return `$env:${name} = '${value.replace(/['\u2018\u2019\u201a\u201b]/g, (character) => character + character)}'`;
  }
}
