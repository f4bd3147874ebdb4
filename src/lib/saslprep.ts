// SASLprep (RFC 4013). Its tables take seven megabytes: they are loaded for the first text beyond ASCII, which it leaves as it is.

import { createRequire } from 'node:module';

/** Undefined for what it forbids. */
export function saslPrepared(text: string): string | undefined {
  if (/^[\u0020-\u007e]*$/.test(text)) return text;
  const { saslprep } = createRequire(import.meta.url)('@mongodb-js/saslprep') as typeof import('@mongodb-js/saslprep');
  try {
    return saslprep(text);
  } catch {
    return undefined;
  }
}
