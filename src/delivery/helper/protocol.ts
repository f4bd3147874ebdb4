// What the server and its helpers say to each other. A helper is a process of its own because it acts under the uid of
// somebody else, and a thread of the server cannot change its uid alone.
//
// To the helper, frames: length of the payload (4 octets), kind (1), job (4), payload. From it, lines of JSON.

import type { MaildirDelivery } from '../../maildir/maildir.ts';
import type { MboxOptions } from '../../maildir/mbox.ts';

interface Owner {
  /** Undefined: the helper's own. */
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** Uid 0 is meant: root's own mailbox, or a list that root wrote. Else it is a mistake, and refused. */
  readonly isRoots?: boolean;
  /** Octets that the file may have; 0 is no limit. */
  readonly limit: number;
}

export type FileJob =
  | (Owner & MaildirDelivery & { readonly kind: 'maildir' })
  | (Owner &
      Omit<MboxOptions, 'owner'> & {
        readonly kind: 'mbox';
        /** strict_mailbox_ownership. */
        readonly mustOwn: boolean;
        readonly lockAttempts: number;
        readonly lockDelayMilliseconds: number;
        /** Who makes and locks the file, where the spool folder does not let its owner. */
        readonly openedBy?: { readonly uid: number; readonly gid: number };
      })
  /** No mail: a list of recipients is read with its owner's rights; `limit` is the largest that is. */
  | (Owner & { readonly kind: 'list'; readonly path: string; readonly followsLinks: boolean });

export type FileOutcome =
  /** It is durable: now, or since an attempt before. */
  { readonly kind: 'done'; readonly wasThere: boolean } | FoundList | Failure;

export interface FoundList {
  readonly kind: 'list';
  readonly isRegular: boolean;
  readonly mode: number;
  readonly uid: number;
  readonly size: number;
  /** '' of what is no regular file, or larger than was asked for. */
  readonly text: string;
}

export interface CommandJob {
  /** The program, found in PATH, and its arguments: no shell sees them. */
  readonly argv: readonly string[];
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly directory: string;
  /** The folder was asked for: where the program may not go there, nothing is run. */
  readonly mustEnterDirectory?: boolean;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeLimitMilliseconds: number;
  /** For a shell, where there is no such program: a command of the shell's own (local(8)). */
  readonly shellCommand?: string;
  /** The largest file that the program may write; absent or 0 is no limit. */
  readonly fileLimit?: number;
}

export type CommandOutcome =
  | {
      readonly kind: 'ended';
      /** Undefined: it was ended by a signal, or by the time limit. */
      readonly status: number | undefined;
      readonly signal: number | undefined;
      readonly isTimedOut: boolean;
      /** The beginning of what it wrote, a character an octet. */
      readonly output: string;
    }
  | Failure;

/** `code` is the system's (`ENOSPC`), or '' for another reason. */
export interface Failure {
  readonly kind: 'failed';
  readonly code: string;
  readonly text: string;
}

/** What may have to wait for a lock: only then is it known whether the message is wanted. */
export function mayWait(job: FileJob | CommandJob): boolean {
  return 'kind' in job && job.kind !== 'maildir';
}

/** `ready`: send the message. */
export type HelperReply<Outcome> = { readonly job: number } & ({ readonly kind: 'ready' } | Outcome);

/** `begin` is `open` without a wait: the message follows at once. */
export const frameKinds = { open: 1, data: 2, commit: 3, abort: 4, begin: 5 } as const;

export type FrameKind = keyof typeof frameKinds;

export const frameHeaderBytes = 9;

export function frameHeader(kind: FrameKind, job: number, length: number): Buffer {
  const header = Buffer.allocUnsafe(frameHeaderBytes);
  header.writeUInt32BE(length, 0);
  header.writeUInt8(frameKinds[kind], 4);
  header.writeUInt32BE(job, 5);
  return header;
}
