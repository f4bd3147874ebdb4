// A command that breaks IMAP's grammar: answered `tag BAD text`, or `* BAD text` where not even the tag is readable.

export class ImapSyntaxError extends Error {
  override name = 'ImapSyntaxError';
  /** The command's tag, once it is known. */
  tag: string | undefined;
}
