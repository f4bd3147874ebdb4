// What a subcommand may use: its global options, its output, and the one way to fail.

export interface CommandContext {
  /** The folder with main.cf and master.cf: -c, else $POSTHASTE_CONFIG, else data/etc of the checkout, else /etc/posthaste. */
  readonly configDirectory: string;
  /** `--json` was given: one JSON value, or one a line. */
  readonly json: boolean;
  /** Writes a line to standard output. */
  print(line: string): void;
  /** Writes a line to standard error. */
  warn(line: string): void;
}

/** 1: no; 2: usage; 75: try again (sysexits EX_TEMPFAIL). */
export type ExitCode = 0 | 1 | 2 | 75;

/** Ends a command: `message` is one line that says what to do. */
export class CommandError extends Error {
  override name = 'CommandError';
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
