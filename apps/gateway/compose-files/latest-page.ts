import type { ComposeName } from '../../../libs/compose-names/compose-names.js';
import { escapeHtml } from '../http/escape-html.js';

/** Every name with its compose, since when, and its `.repo` file. */
export function latestPage(names: readonly ComposeName[], more: boolean): string {
  const rows = names.map(({ name, composeId, since }) => {
    const place = encodeURIComponent(name);
    return `<li><a href="./${place}/">${escapeHtml(name)}</a>: <a href="../odcs-${composeId}/">odcs-${composeId}</a> since ${escapeHtml(since)} (<a href="./${place}.repo">.repo</a>, <a href="./${place}.json">.json</a>)</li>`;
  });
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Newest composes</title></head>
<body><h1>Newest composes</h1>
<ul>
<li><a href="../">../</a></li>
${rows.join('\n')}
</ul>
${more ? '<p>and more</p>\n' : ''}</body></html>
`;
}
