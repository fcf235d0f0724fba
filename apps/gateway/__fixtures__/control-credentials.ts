/** `Authorization` of the test gateway. */
export const authorization = `Basic ${Buffer.from('craft:craft').toString('base64')}`;
