/** Filters of the Temporal UI, in the words of the development server's command line. */
export const searchAttributeTypes: Readonly<Record<string, string>> = {
  MillraceState: 'Keyword',
  MillracePolicy: 'Keyword',
  MillraceOwner: 'Keyword',
  MillraceDownloads: 'Int',
  MillraceViolations: 'Int',
  MillraceBytes: 'Int',
};
