// What a command sees of its session and of the server. session.ts implements it; commands need nothing else.

import type { ChannelBinding } from '../auth/channel-binding.ts';
import type { SaslMechanism, SaslServer } from '../auth/sasl-server.ts';
import type { Authenticator } from '../auth/types.ts';
import type { Clock } from '../lib/clock.ts';
import type { FolderRow, Mailstore } from '../mailstore/types.ts';
import type { FolderViews } from './folder-views.ts';
import type { ConnectionInput } from './input.ts';
import type { FetchCounters, LoginLog } from './login-log.ts';
import type { StructureCache } from './fetch/structure-cache.ts';
import type { ImapOptions } from './options.ts';
import type { ConnectionOutput } from './output.ts';
import type { SelectedFolder } from './selected-folder.ts';

/** Those of our own: which there are is known without asking anybody. */
export interface LoginMechanisms extends SaslServer {
  mechanisms(): readonly SaslMechanism[];
}

/** What all sessions share. */
export interface ServerContext {
  readonly store: Mailstore;
  readonly authenticator: Authenticator;
  readonly sasl: LoginMechanisms;
  /** Octets, or undefined for no limit. */
  readonly quotaLimit: (mailbox: number) => number | undefined | Promise<number | undefined>;
  readonly maintenance: ((mailbox: number) => string) | undefined;
  readonly views: FolderViews;
  readonly structures: StructureCache;
  readonly options: ImapOptions;
  readonly clock: Clock;
}

export interface SessionUser {
  readonly mailboxId: number;
  readonly login: string;
}

export interface SessionContext {
  readonly server: ServerContext;
  readonly input: ConnectionInput;
  readonly output: ConnectionOutput;
  readonly log: LoginLog;
  readonly remoteAddress: string;
  readonly localAddress: string;
  /** What a login can be bound to: the TLS connection. */
  readonly channel: ChannelBinding | undefined;
  readonly isTls: boolean;
  /** STARTTLS may be given: a certificate is there and the connection is plain. */
  readonly canStartTls: boolean;
  /** A password may be sent: the connection is encrypted, comes from this host, or the administrator allows it. */
  readonly mayUsePassword: boolean;
  readonly user: SessionUser | undefined;
  readonly selected: SelectedFolder | undefined;
  /** A CONDSTORE-enabling command was given (RFC 7162 §3.1): FETCH responses carry MODSEQ. */
  isCondstoreEnabled: boolean;
  /** The client waits in IDLE: changes are pushed. */
  isIdle: boolean;
  readonly counters: FetchCounters & { deleted: number; expunged: number };

  /** Counts the attempt; true when there were too many. */
  authFailed(login: string, method: string): boolean;
  /** False where the user has too many connections. */
  logIn(user: SessionUser, method: string): boolean;
  select(folder: FolderRow, isReadOnly: boolean): Promise<SelectedFolder>;
  unselect(): void;
  /** Tells what has changed in the selected folder; sequence numbers stay as they are where `keepNumbers`. */
  announce(keepNumbers: boolean): Promise<void>;
  /** Says BYE and ends the connection; never returns. */
  bye(text: string, logReason: string): never;
}

/** The login that the session has; commands that need one run only with it. */
export function userOf(session: SessionContext): SessionUser {
  if (session.user === undefined) throw new Error('command needs a login');
  return session.user;
}

/** The selected folder; commands that need one run only with it. */
export function selectedOf(session: SessionContext): SelectedFolder {
  if (session.selected === undefined) throw new Error('command needs a selected folder');
  return session.selected;
}
