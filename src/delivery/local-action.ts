// What local(8) does on this machine at the end of an expansion: appends to a mailbox or a file, writes into a Maildir,
// or runs a command, with the rights of whoever asked for it. One call is one end.
//
// As in virtual.ts, a file in a Maildir has a name made of queue id and recipient, so that an attempt after a crash finds
// what the one before has left. An mbox has no names and a command no memory: the moment between its end and the
// record of it is the window in which a crash makes a second one, as with Postfix.

import { stat } from 'node:fs/promises';
import type { DeliveryRequest, RecipientOutcome } from '../queue/delivery-agent.ts';
import type { LocalAction } from '../routing/local-end.ts';
import type { Helper } from './helper/on-demand.ts';
import type { Failure, FileJob, FileOutcome } from './helper/protocol.ts';
import { type LocalCommandParts, runLocalCommand } from './local-command.ts';
import { type LocalForm, type LocalRecipient, withLocalContent } from './local-content.ts';
import { type Account, type FindAccount, findAccount, type OwnerIds, ownRights, rightsOf } from './local-rights.ts';

export interface LocalActionParts extends LocalCommandParts {
  readonly files: Helper<FileJob, FileOutcome>;
  readonly account: FindAccount;
}

const misconfigured: RecipientOutcome = {
  kind: 'deferred',
  status: '4.3.5',
  reason: 'mail system configuration error',
};
const everybody = 0o002;
const group = 0o020;

export class LocalActions {
  readonly #parts: LocalActionParts;

  constructor(parts: LocalActionParts) {
    this.#parts = parts;
  }

  /** Throws TemporaryError. */
  async carryOut(action: LocalAction, to: LocalRecipient, request: DeliveryRequest): Promise<RecipientOutcome> {
    if (request.signal.aborted) return { kind: 'deferred', status: '4.3.2', reason: 'the server stops' };
    const { options, files, account: find } = this.#parts;
    const isMailbox = action.kind === 'mailbox';
    const user = isMailbox ? action.what : action.user;
    const account = user === '' ? undefined : await findAccount(find, user);
    if (user !== '' && account === undefined) {
      if (isMailbox) return { kind: 'bounced', status: '5.1.1', reason: `unknown user: "${user}"` };
      return this.#misconfigured(`${action.what}: there is no user ${user}`);
    }
    const command = isMailbox
      ? (action.command ?? options.mailboxCommand)
      : action.kind === 'command'
        ? action.what
        : '';
    if (isMailbox && command === '') return await this.#mailbox(account as Account, to, request);
    const rights = await rightsOf(account, {
      find,
      isRoot: files.isRoot,
      defaultPrivileges: options.defaultPrivileges,
    });
    if (typeof rights === 'string') return this.#misconfigured(rights);
    if (command !== '') return await runLocalCommand(this.#parts, { command, account, rights }, to, request);
    return await this.#file(action.what, rights, to, request);
  }

  #misconfigured(mistake: string): RecipientOutcome {
    this.#parts.warn(mistake);
    return misconfigured;
  }

  async #mailbox(account: Account, to: LocalRecipient, request: DeliveryRequest): Promise<RecipientOutcome> {
    const { options, files } = this.#parts;
    const { homeMailbox, spoolDirectory, mustOwn, locking } = options;
    const rights = files.isRoot ? { ...account, isRoots: account.uid === 0 } : ownRights(account);
    if (typeof rights === 'string') return this.#misconfigured(rights);
    if (homeMailbox.endsWith('/')) return await this.#maildir(`${account.home}/${homeMailbox}`, rights, to, request);
    if (homeMailbox === '' && spoolDirectory.endsWith('/')) {
      return await this.#maildir(`${spoolDirectory}${account.name}/`, rights, to, request);
    }
    const isInSpool = homeMailbox === '';
    const file = isInSpool ? `${spoolDirectory}/${account.name}` : `${account.home}/${homeMailbox}`;
    const opening = isInSpool && files.isRoot ? await opener(spoolDirectory, account) : {};
    const job = { kind: 'mbox', ...this.#owner(rights), ...opening, ...locking, file, mustOwn } as const;
    const outcome = await this.#write(job, 'mbox', to, request);
    if (outcome.kind !== 'failed') return { kind: 'delivered', status: '2.0.0', reason: 'delivered to mailbox' };
    if (outcome.code === 'not-owned') {
      this.#parts.warn('specify "strict_mailbox_ownership = no" to ignore mailbox ownership mismatch');
    }
    return fileFailure(outcome, `cannot update mailbox ${file} for user ${account.name}. `);
  }

  async #file(file: string, rights: OwnerIds, to: LocalRecipient, request: DeliveryRequest): Promise<RecipientOutcome> {
    if (file.endsWith('/')) return await this.#maildir(file, rights, to, request);
    const { locking } = this.#parts.options;
    const job = { kind: 'mbox', ...this.#owner(rights), ...locking, file, mustOwn: false, isAnyFile: true } as const;
    const outcome = await this.#write(job, 'mbox', to, request);
    if (outcome.kind !== 'failed') return { kind: 'delivered', status: '2.0.0', reason: `delivered to file: ${file}` };
    return fileFailure(outcome, `cannot append message to file ${file}: `);
  }

  async #maildir(
    folder: string,
    owner: OwnerIds,
    to: LocalRecipient,
    request: DeliveryRequest,
  ): Promise<RecipientOutcome> {
    const { message, mayBeRepeated } = request;
    const host = this.#parts.options.hostname.replaceAll('/', '\\057').replaceAll(':', '\\072');
    const name = `${Math.floor(message.arrival / 1000)}.Q${message.id}R${to.id}.${host}`;
    const job = { kind: 'maildir', ...this.#owner(owner), folder, name, isRepeated: mayBeRepeated } as const;
    const outcome = await this.#write(job, 'maildir', to, request);
    if (outcome.kind !== 'failed') return { kind: 'delivered', status: '2.0.0', reason: 'delivered to maildir' };
    if (outcome.code === 'EACCES') {
      this.#parts.warn(`maildir access problem for UID/GID=${owner.uid}/${owner.gid}: ${outcome.text}`);
      this.#parts.warn('perhaps you need to create the maildirs in advance');
    }
    return fileFailure(outcome, 'maildir delivery failed: ');
  }

  #owner({ uid, gid, isRoots = false }: OwnerIds) {
    return { uid, gid, isRoots, limit: this.#parts.options.limit };
  }

  #write(job: FileJob, form: LocalForm, to: LocalRecipient, request: DeliveryRequest): Promise<FileOutcome> {
    const { options, clock, files } = this.#parts;
    return withLocalContent(request, { form, to, options, clock }, (content) =>
      files.run(job, content, request.signal),
    );
  }
}

/** Who may make a file in the spool folder (Postfix's mailbox.c): everybody, its group, or only root. */
async function opener(folder: string, { uid, gid }: Account) {
  const found = await stat(folder).catch(() => undefined);
  if (found === undefined || (found.mode & everybody) !== 0) return {};
  if ((found.mode & group) !== 0 && found.gid > 0) return { openedBy: { uid, gid: found.gid } };
  return { openedBy: { uid: 0, gid: 0 }, givenTo: { uid, gid } };
}

/** Postfix's mbox_dsn(), and what local(8) says of files that are none to write to. */
function fileFailure({ code, text }: Failure, prefix: string): RecipientOutcome {
  const statuses: Readonly<Record<string, string>> = {
    ESTALE: '4.2.0',
    EAGAIN: '4.2.0',
    locked: '4.2.0',
    'not-owned': '4.2.0',
    ENOSPC: '4.3.0',
    EDQUOT: '5.2.2',
    EFBIG: '5.2.2',
    executable: '5.7.1',
    // Trouble of this machine, which waiting can end; Postfix bounces it.
    EIO: '4.3.0',
    EROFS: '4.3.0',
    EMFILE: '4.3.0',
    ENFILE: '4.3.0',
    ENOMEM: '4.3.0',
    // The helper is gone.
    '': '4.3.0',
  };
  const status = statuses[code] ?? '5.2.0';
  return { kind: status.startsWith('4') ? 'deferred' : 'bounced', status, reason: `${prefix}${text}` };
}
