import { escapeHtml } from '../http/escape-html.js';
import { operations } from '../openapi/operations.js';

/** Sixteen by sixteen dots: a mill wheel. */
export const favicon = Buffer.from(
  'AAABAAEAEBACAAEAAQCwAAAAFgAAACgAAAAQAAAAIAAAAAEAAQAAAAAAgAAAAAAAAAAAAAAAAgAAAAIAAAD///8Aa0ofAAGAAAABgAAAL/QAABw4AAA4HAAANCwAACPEAADjxwAA48cAACPEAAA0LAAAOBwAABw4AAAv9AAAAYAAAAGAAAD+fwAA/n8AANALAADjxwAAx+MAAMvTAADcOwAAHDgAABw4AADcOwAAy9MAAMfjAADjxwAA0AsAAP5/AAD+fwAA',
  'base64',
);

/** No page loads anything from anywhere, nor runs anything. */
export const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const style = 'body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:3rem auto;padding:0 1rem}code{font-family:ui-monospace,monospace}td{padding:.2rem 1rem .2rem 0;vertical-align:top}';

function page(title: string, content: string): string {
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title><link rel="icon" href="${title === indexTitle ? '' : '../../'}favicon.ico"><style>${style}</style></head>
<body>
<h1>${escapeHtml(title)}</h1>
${content}
</body></html>
`;
}

const indexTitle = 'On Demand Compose Service';

export function indexPage(): string {
  return page(
    indexTitle,
    `<p>Millrace makes composes: temporary RPM repositories of just the packages that are asked for, with the REST API of ODCS.</p>
<ul>
<li><a href="api/1/">The API</a></li>
<li><a href="composes/">The composes</a></li>
<li><a href="v1/openapi.json">Everything this service answers, as an OpenAPI document</a></li>
</ul>`,
  );
}

export function apiPage(): string {
  const rows = operations
    .filter(({ tag }) => tag === 'odcs')
    .map(({ method, path, summary, parameters = [] }) => `<tr><td><code>${method.toUpperCase()} ${escapeHtml(path)}</code></td><td>${escapeHtml(summary)}${parametersOf(parameters)}</td></tr>`);
  return page('ODCS API, version 1', `<p>Machines read <a href="../../v1/openapi.json">the OpenAPI document</a>.</p>\n<table>\n${rows.join('\n')}\n</table>`);
}

function parametersOf(parameters: readonly { readonly name: string; readonly in: string; readonly description?: string }[]): string {
  const shown = parameters.filter((parameter) => parameter.in !== 'path').map(({ name, description = '' }) => `<li><code>${escapeHtml(name)}</code> ${escapeHtml(description)}</li>`);
  return shown.length === 0 ? '' : `<ul>${shown.join('')}</ul>`;
}
