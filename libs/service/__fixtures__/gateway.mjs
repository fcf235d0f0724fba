import { listen } from './listening-child.mjs';

listen(Number(process.env.MILLRACE_CONTROL_PORT));
