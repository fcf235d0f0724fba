import { listen } from './listening-child.mjs';

listen(Number(process.env.MILLRACE_CACHE_PORT));
