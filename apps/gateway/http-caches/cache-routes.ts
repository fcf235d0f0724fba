/** Of the instance `main`, then those of every instance. */
export const cacheRoutes = ['cas/:hash', 'ac/:hash', 'gradle/:key', 'v8/artifacts/:hash', 'ccache/*', 'sccache', 'sccache/*', 'cache/*'];
