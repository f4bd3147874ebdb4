// "Could not find out": the third outcome of every question. SMTP answers 4xx, the queue defers,
// IMAP says NO [UNAVAILABLE]. It is never turned into "unknown user".

export class TemporaryError extends Error {
  override name = 'TemporaryError';
}
