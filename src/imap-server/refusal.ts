// How a command ends without success: `NO` with a response code (RFC 5530) and a text, or `BAD`. Thrown by commands,
// turned into the tagged reply in one place (session.ts).

import { TemporaryError } from '../lib/temporary-error.ts';
import { StoreFullError, StoreRefusedError, type StoreRefusal } from '../mailstore/types.ts';

export class ImapRefusal extends Error {
  override name = 'ImapRefusal';
  readonly status: 'NO' | 'BAD';
  /** Without brackets; '' for none. */
  readonly code: string;

  constructor(status: 'NO' | 'BAD', code: string, text: string) {
    super(text);
    this.status = status;
    this.code = code;
  }
}

/** The connection is over: the client is gone, or was sent BYE. Ends the session's loop without a reply. */
export class ConnectionEndedError extends Error {
  override name = 'ConnectionEndedError';
}

const refusalCodes: Record<StoreRefusal, string> = {
  nonexistent: 'NONEXISTENT',
  'already-exists': 'ALREADYEXISTS',
  'over-quota': 'OVERQUOTA',
  cannot: 'CANNOT',
  'too-many-keywords': 'LIMIT',
};

/** What the client is told about an error; undefined where it is a fault of ours. */
export function toRefusal(error: unknown): ImapRefusal | undefined {
  if (error instanceof ImapRefusal) return error;
  if (error instanceof StoreRefusedError)
    return new ImapRefusal('NO', refusalCodes[error.refusal], sentence(error.message));
  if (error instanceof StoreFullError) return new ImapRefusal('NO', 'UNAVAILABLE', 'Disk full, try again later.');
  if (error instanceof TemporaryError)
    return new ImapRefusal('NO', 'UNAVAILABLE', 'Temporarily unavailable, try again later.');
  return undefined;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
