import { runProxyProcess } from './proxy-process.js';

await runProxyProcess(process.env);
