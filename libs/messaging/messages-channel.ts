/** PostgreSQL notifies it at the commit of a transaction that left a message. */
export const messagesChannel = 'millrace_messages';
