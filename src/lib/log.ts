// Log lines in the form that Postfix's and Dovecot's have in a mail log, so that pflogsumm, fail2ban and
// people's own greps read them: `Nov 21 11:42:00 host postfix/smtpd[123]: text`.
// Lines are gathered and written once per turn of the event loop; a writer that is behind drops nothing
// below `maxBufferedBytes`, and counts what it drops above it.

export type LogLevel = 'info' | 'warning' | 'error' | 'fatal' | 'panic' | 'debug';

export interface Log {
  /**
   * `program` is the tag before the pid, as `postfix/smtpd` or `dovecot`. Control characters in `text` are replaced.
   * `session` names the client's session that it is about: it is not printed, an observer is told.
   */
  write(program: string, level: LogLevel, text: string, session?: string): void;
  /** Tells who watches messages (the trace) what is written to no log. */
  note?(program: string, text: string): void;
}

/** A log under one program name: what most parts receive. */
export class ProgramLog {
  readonly #log: Log;
  readonly #program: string;
  readonly #session: string | undefined;

  constructor(log: Log, program: string, session?: string) {
    this.#log = log;
    this.#program = program;
    this.#session = session;
  }

  info(text: string): void {
    this.#log.write(this.#program, 'info', text, this.#session);
  }

  warning(text: string): void {
    this.#log.write(this.#program, 'warning', text, this.#session);
  }

  error(text: string): void {
    this.#log.write(this.#program, 'error', text, this.#session);
  }
}

/** Keeps lines in memory: for tests, and for commands that show what would be logged. */
export class MemoryLog implements Log {
  readonly lines: string[] = [];

  write(program: string, level: LogLevel, text: string): void {
    this.lines.push(`${program}: ${formatLevel(level)}${text}`);
  }
}

/** Postfix writes the level before the text, except for plain information. */
export function formatLevel(level: LogLevel): string {
  return level === 'info' ? '' : `${level}: `;
}
