// What a compiled pattern is to a rule of a pcre: or regexp: table, whichever engine runs it. Patterns and keys are
// bytes, as they are to Postfix, which runs both engines without UTF-8: `.` is one byte and only ASCII folds.
// Bytes travel as strings with one character a byte (latin1).

/** Keys come from strangers: an engine that gives up says so, and the question stays open. */
export class MatchLimitError extends Error {
  override name = 'MatchLimitError';
}

/** The pattern cannot be used; the text goes into the warning for its line. */
export class PatternError extends Error {
  override name = 'PatternError';
}

/** Groups that took part in the match, from 1 (index 0 is unused); undefined or '' where one did not. */
export type Groups = readonly (string | undefined)[];

export interface Matcher {
  /** How many groups the pattern has. */
  readonly groupCount: number;
  /** Undefined where the key does not match. Throws MatchLimitError. */
  match(key: Subject, wantedGroups: number): Groups | undefined;
}

/** A key, in the forms that the engines take. Ends at a NUL, as Postfix's strings do. */
export class Subject {
  readonly bytes: Buffer;
  /** Without the NUL that ends `bytes`. */
  readonly length: number;
  #text: string | undefined;

  constructor(key: string) {
    const bytes = Buffer.from(`${key}\0`);
    this.length = bytes.indexOf(0);
    this.bytes = bytes;
  }

  /** One character a byte. */
  get text(): string {
    this.#text ??= this.bytes.toString('latin1', 0, this.length);
    return this.#text;
  }
}

export const noGroups: Groups = [];
