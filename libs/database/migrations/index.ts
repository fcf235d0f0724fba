import { CreateRecord } from './0001-create-record.js';

/** In the order of application. A migration that was released is never changed; a new one follows it. */
export const migrations = [{ name: '0001-create-record', class: CreateRecord }];
