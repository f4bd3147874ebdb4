// Every command in the order of RFC 3501 §6, with the state it needs and what it may do to sequence numbers.
// Its grammar stands in imap/parse-command.ts under the same name.

import type { CommandArguments, CommandName } from '../imap/parse-command.ts';
import { append } from './commands/append.ts';
import { authenticate } from './commands/authenticate.ts';
import { capability } from './commands/capability.ts';
import { close } from './commands/close.ts';
import { copy, uidCopy } from './commands/copy.ts';
import { create } from './commands/create.ts';
import { deleteFolder } from './commands/delete.ts';
import { enable } from './commands/enable.ts';
import { expunge, uidExpunge } from './commands/expunge.ts';
import { fetch, uidFetch } from './commands/fetch.ts';
import { getQuota, getQuotaRoot, setQuota } from './commands/quota.ts';
import { id } from './commands/id.ts';
import { idle } from './commands/idle.ts';
import { list } from './commands/list.ts';
import { login } from './commands/login.ts';
import { logout } from './commands/logout.ts';
import { lsub } from './commands/lsub.ts';
import { move, uidMove } from './commands/move.ts';
import { namespace } from './commands/namespace.ts';
import { check, noop } from './commands/noop.ts';
import { rename } from './commands/rename.ts';
import { search, uidSearch } from './commands/search.ts';
import { examine, select } from './commands/select.ts';
import { startTls } from './commands/starttls.ts';
import { status } from './commands/status.ts';
import { store, uidStore } from './commands/store.ts';
import { subscribe, unsubscribe } from './commands/subscribe.ts';
import { unselect } from './commands/unselect.ts';
import type { SessionContext } from './session-context.ts';

export interface Command<Name extends CommandName> {
  /** Gives the text of the tagged OK, with its response code. */
  run(session: SessionContext, args: CommandArguments<Name>): Promise<string> | string;
  readonly state: 'any' | 'not-authenticated' | 'authenticated' | 'selected';
  /** EXPUNGE must not be sent before its tagged reply (RFC 3501 §7.4.1). */
  readonly keepsNumbers?: true;
  /** Says by itself what has changed. */
  readonly announces?: true;
}

export const commands: { readonly [Name in CommandName]: Command<Name> } = {
  CAPABILITY: { run: capability, state: 'any' },
  NOOP: { run: noop, state: 'any' },
  LOGOUT: { run: logout, state: 'any' },
  ID: { run: id, state: 'any' },

  STARTTLS: { run: startTls, state: 'not-authenticated' },
  AUTHENTICATE: { run: authenticate, state: 'not-authenticated' },
  LOGIN: { run: login, state: 'not-authenticated' },

  ENABLE: { run: enable, state: 'authenticated' },
  SELECT: { run: select, state: 'authenticated', announces: true },
  EXAMINE: { run: examine, state: 'authenticated', announces: true },
  CREATE: { run: create, state: 'authenticated' },
  DELETE: { run: deleteFolder, state: 'authenticated' },
  RENAME: { run: rename, state: 'authenticated' },
  SUBSCRIBE: { run: subscribe, state: 'authenticated' },
  UNSUBSCRIBE: { run: unsubscribe, state: 'authenticated' },
  LIST: { run: list, state: 'authenticated' },
  LSUB: { run: lsub, state: 'authenticated' },
  NAMESPACE: { run: namespace, state: 'authenticated' },
  STATUS: { run: status, state: 'authenticated' },
  APPEND: { run: append, state: 'authenticated' },
  IDLE: { run: idle, state: 'authenticated' },
  GETQUOTA: { run: getQuota, state: 'authenticated' },
  GETQUOTAROOT: { run: getQuotaRoot, state: 'authenticated' },
  SETQUOTA: { run: setQuota, state: 'authenticated' },

  CHECK: { run: check, state: 'selected' },
  CLOSE: { run: close, state: 'selected' },
  UNSELECT: { run: unselect, state: 'selected' },
  EXPUNGE: { run: expunge, state: 'selected' },
  SEARCH: { run: search, state: 'selected', keepsNumbers: true },
  FETCH: { run: fetch, state: 'selected', keepsNumbers: true },
  STORE: { run: store, state: 'selected', keepsNumbers: true },
  COPY: { run: copy, state: 'selected' },
  MOVE: { run: move, state: 'selected' },
  'UID EXPUNGE': { run: uidExpunge, state: 'selected' },
  'UID SEARCH': { run: uidSearch, state: 'selected' },
  'UID FETCH': { run: uidFetch, state: 'selected' },
  'UID STORE': { run: uidStore, state: 'selected' },
  'UID COPY': { run: uidCopy, state: 'selected' },
  'UID MOVE': { run: uidMove, state: 'selected' },
};
