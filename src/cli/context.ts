// What a subcommand may use: its global options, its output, and the one way to fail.

import type { DirectorySession } from './directory-session.ts';
import type { RemoteHost } from './remote-host.ts';

export interface CommandContext {
  /** The folder with main.cf and master.cf: -c, else $POSTHASTE_CONFIG, else data/etc of the checkout, else /etc/posthaste. */
  readonly configDirectory: string;
  /** Somebody named it, with -c or in the environment. */
  readonly isConfigNamed?: boolean;
  /** `--host` was given: another host is asked, by its API. */
  readonly remote?: RemoteHost;
  /** `--json` was given: one JSON value, or one a line. */
  readonly json: boolean;
  /** The change is only tried (`posthaste plan`): nobody is asked anything. */
  readonly isTrial?: boolean;
  /** The directory that commands use instead of opening it: one that forgets what is changed. */
  readonly session?: DirectorySession;
  /** Runs another command. */
  readonly run?: (args: readonly string[], context: CommandContext) => Promise<void>;
  /** Where lines come from that are not on the command line: standard input, unless a test gives them. */
  readonly input?: NodeJS.ReadableStream;
  /** The commands that a text of ours names, as they are typed here; absent where no person reads standard output. */
  readonly asTyped?: (text: string) => string;
  /** Writes a line to standard output. */
  print(line: string): void;
  /** Writes a line to standard error. */
  warn(line: string): void;
}

/** 1: no; 2: usage; 75: try again (sysexits EX_TEMPFAIL); 69: not available (EX_UNAVAILABLE, postqueue(1)). */
export type ExitCode = 0 | 1 | 2 | 69 | 75;

/** Ends a command: `message` is one line that says what to do; without one the exit status says all. */
export class CommandError extends Error {
  override name = 'CommandError';
  readonly exitCode: ExitCode;
  /** What the line begins with: Postfix's tools give their own names. */
  readonly program: string;

  constructor(message: string, exitCode: ExitCode = 1, program = 'posthaste') {
    super(message);
    this.exitCode = exitCode;
    this.program = program;
  }
}
