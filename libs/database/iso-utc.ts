/** RFC 3339 in UTC with milliseconds, as every event has its times: an expression of SQL. */
export const isoUtc = (column: string): string => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
