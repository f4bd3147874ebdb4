// A change that the directory does not make. The message is one line and says how to mend it: it is shown as it
// stands by the command line and the administration pages.

/** `missing`: what it is about is not there; `taken`: its place is; `invalid`: everything else. */
export type RefusalKind = 'missing' | 'taken' | 'invalid';

export class DirectoryRefusedError extends Error {
  override name = 'DirectoryRefusedError';
  readonly kind: RefusalKind;

  constructor(message: string, kind: RefusalKind = 'invalid') {
    super(message);
    this.kind = kind;
  }
}

/** The file itself cannot be used: made by a newer version, or not a directory of ours. Stops the start. */
export class DirectoryOpenError extends DirectoryRefusedError {}

/** The file is another user's: what is asked cannot be answered at all, not even that there is none. */
export class DirectoryClosedError extends DirectoryRefusedError {}

export function refuse(message: string): never {
  throw new DirectoryRefusedError(message);
}

export function refuseMissing(message: string): never {
  throw new DirectoryRefusedError(message, 'missing');
}

export function refuseTaken(message: string): never {
  throw new DirectoryRefusedError(message, 'taken');
}
