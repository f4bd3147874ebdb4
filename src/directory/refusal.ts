// A change that the directory does not make. The message is one line and says how to mend it: it is shown as it
// stands by the command line and the administration pages.

export class DirectoryRefusedError extends Error {
  override name = 'DirectoryRefusedError';
}

/** The file itself cannot be used: made by a newer version, or not a directory of ours. Stops the start. */
export class DirectoryOpenError extends DirectoryRefusedError {}

export function refuse(message: string): never {
  throw new DirectoryRefusedError(message);
}
