// Splits a command line into its verb and the rest (RFC 5321 §2.4, §4.1.1).

export interface CommandLine {
  /** In capitals; '' for an empty line. */
  readonly verb: string;
  /** What follows, without the blanks around it. */
  readonly rest: string;
}

export function parseCommandLine(line: string): CommandLine {
  const text = line.trim();
  let end = 0;
  while (end < text.length && text.charCodeAt(end) > 0x20) end++;
  return { verb: text.slice(0, end).toUpperCase(), rest: text.slice(end).trimStart() };
}

/** A header line where a command should be: a browser or a proxy that was made to talk to us (`GET`, `Host:`). */
export function isHeaderLine(line: string): boolean {
  return /^[!-9;-~]+[ \t]*:/.test(line);
}

/** Printable, and without what would mean something in an address or in a header (NEUTER_CHARACTERS of smtpd(8)). */
export function neutered(text: string): string {
  return printable(text).replace(/[ <>()\\";@]/g, '?');
}

/** Replaces what could forge a log line or a header; Postfix's printable(3) does the same with `?`. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '?');
}
