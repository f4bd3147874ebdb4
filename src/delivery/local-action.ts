// What local(8) does on this machine at the end of an expansion: appends to a mailbox or a file, writes into a Maildir,
// or runs a command, with the rights of whoever asked for it. One call is one end.
//
// As in virtual.ts, a file in a Maildir has a name made of queue id and recipient, so that an attempt after a crash finds
// what the one before has left. An mbox has no names and a command no memory: the moment between its end and the
// record of it is the window in which a crash makes a second one, as with Postfix.

import { stat } from 'node:fs/promises';
import { domainOf, fold, localpartOf, toInternal } from '../address/form.ts';
import { splitExtension } from '../address/extension.ts';
import type { Clock } from '../lib/clock.ts';
import { StoredForm } from '../maildir/stored-form.ts';
import type { DeliveryRequest, RecipientOutcome } from '../queue/delivery-agent.ts';
import type { LocalAction } from '../routing/local-end.ts';
import { expandMacros } from '../routing/local-settings.ts';
import { commandOutcome } from './command-outcome.ts';
import type { Helper } from './helper/on-demand.ts';
import type { CommandJob, CommandOutcome, Failure, FileJob, FileOutcome } from './helper/protocol.ts';
import type { LocalOptions } from './local-options.ts';
import { type Account, type FindAccount, findAccount, type Rights, rightsOf } from './local-rights.ts';
import { commandLine } from './shell-command.ts';
import { mboxFromLine, storedContent } from './stored-content.ts';

export interface LocalActionParts {
  readonly options: LocalOptions;
  readonly files: Helper<FileJob, FileOutcome>;
  readonly commands: Helper<CommandJob, CommandOutcome>;
  readonly account: FindAccount;
  readonly clock: Clock;
  readonly warn: (text: string) => void;
}

/** Whom it is for. */
export interface ActionRecipient {
  /** Of the queue: with the message's, a name for this delivery. */
  readonly id: number;
  /** External form. */
  readonly recipient: string;
  /** '' where the sender knew of none. */
  readonly original: string;
  /** For Delivered-To; '' where the message has it already. */
  readonly delivered: string;
}

type Form = 'maildir' | 'mbox' | 'command';
type Content = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

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
  async carryOut(action: LocalAction, to: ActionRecipient, request: DeliveryRequest): Promise<RecipientOutcome> {
    if (request.signal.aborted) return { kind: 'deferred', status: '4.3.2', reason: 'the server stops' };
    const { options, account: find } = this.#parts;
    const user = action.kind === 'mailbox' ? action.what : action.user;
    const account = user === '' ? undefined : await findAccount(find, user);
    if (user !== '' && account === undefined) {
      if (action.kind === 'mailbox') return { kind: 'bounced', status: '5.1.1', reason: `unknown user: "${user}"` };
      return this.#misconfigured(`${action.what}: there is no user ${user}`);
    }
    if (action.kind !== 'mailbox') {
      const deliver = action.kind === 'file' ? this.#file(action.what, account, to, request) : undefined;
      return await (deliver ?? this.#command(action.what, account, to, request));
    }
    const command = action.command ?? options.mailboxCommand;
    if (command !== '') return await this.#command(command, account, to, request);
    return await this.#mailbox(account as Account, to, request);
  }

  #misconfigured(mistake: string): RecipientOutcome {
    this.#parts.warn(mistake);
    return misconfigured;
  }

  // ---- files

  async #mailbox(account: Account, to: ActionRecipient, request: DeliveryRequest): Promise<RecipientOutcome> {
    const { homeMailbox, spoolDirectory } = this.#parts.options;
    const isRoots = account.uid === 0;
    const owner = { uid: account.uid, gid: account.gid, isRoots };
    if (homeMailbox.endsWith('/')) return await this.#maildir(`${account.home}/${homeMailbox}`, owner, to, request);
    if (homeMailbox === '' && spoolDirectory.endsWith('/')) {
      return await this.#maildir(`${spoolDirectory}${account.name}/`, owner, to, request);
    }
    const isInSpool = homeMailbox === '';
    const path = isInSpool ? `${spoolDirectory}/${account.name}` : `${account.home}/${homeMailbox}`;
    const opening = isInSpool ? await this.#opening(spoolDirectory, account) : {};
    const mailbox = {
      kind: 'mbox',
      ...this.#owner(owner),
      ...opening,
      file: path,
      mustOwn: this.#parts.options.mustOwn,
    } as const;
    const outcome = await this.#write({ ...mailbox, ...this.#parts.options.locking }, 'mbox', to, request);
    if (outcome.kind !== 'failed') return { kind: 'delivered', status: '2.0.0', reason: 'delivered to mailbox' };
    if (outcome.code === 'not-owned') {
      this.#parts.warn('specify "strict_mailbox_ownership = no" to ignore mailbox ownership mismatch');
    }
    return fileFailure(outcome, `cannot update mailbox ${path} for user ${account.name}. `);
  }

  /** Who may make a file in the spool folder (Postfix's mailbox.c): everybody, its group, or only root. */
  async #opening(folder: string, { uid, gid }: Rights) {
    if (!this.#parts.files.isRoot) return {};
    const found = await stat(folder).catch(() => undefined);
    if (found === undefined || (found.mode & everybody) !== 0) return {};
    if ((found.mode & group) !== 0 && found.gid > 0) return { openedBy: { uid, gid: found.gid } };
    return { openedBy: { uid: 0, gid: 0 }, givenTo: { uid, gid } };
  }

  async #file(
    path: string,
    account: Account | undefined,
    to: ActionRecipient,
    request: DeliveryRequest,
  ): Promise<RecipientOutcome> {
    const { files, account: find, options } = this.#parts;
    const rights = files.isRoot ? await rightsOf(account, find, options.defaultPrivileges) : { uid: 0, gid: 0 };
    if (typeof rights === 'string') return this.#misconfigured(rights);
    if (path.endsWith('/')) return await this.#maildir(path, rights, to, request);
    const job = { kind: 'mbox', ...this.#owner(rights), file: path, mustOwn: false, isAnyFile: true } as const;
    const outcome = await this.#write({ ...job, ...options.locking }, 'mbox', to, request);
    if (outcome.kind !== 'failed') return { kind: 'delivered', status: '2.0.0', reason: `delivered to file: ${path}` };
    return fileFailure(outcome, `cannot append message to file ${path}: `);
  }

  async #maildir(
    folder: string,
    owner: Rights,
    to: ActionRecipient,
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

  /** Without root everything is one user's. */
  #owner(rights: Rights & { readonly isRoots?: boolean }) {
    const { files, options } = this.#parts;
    const { uid, gid, isRoots = false } = rights;
    const owner = files.isRoot ? { uid, gid, isRoots } : { uid: undefined, gid: undefined };
    return { ...owner, limit: options.limit };
  }

  async #write(job: FileJob, form: Form, to: ActionRecipient, request: DeliveryRequest): Promise<FileOutcome> {
    return await this.#withContent(form, to, request, (content) => this.#parts.files.run(job, content, request.signal));
  }

  // ---- commands

  async #command(
    command: string,
    account: Account | undefined,
    to: ActionRecipient,
    request: DeliveryRequest,
  ): Promise<RecipientOutcome> {
    const { commands, account: find, options } = this.#parts;
    const own = { uid: undefined, gid: undefined };
    const rights = commands.isRoot ? await rightsOf(account, find, options.defaultPrivileges) : own;
    if (typeof rights === 'string') return this.#misconfigured(rights);
    const names = this.#names(to, account);
    const place = this.#directory(names);
    if (place === undefined) {
      return this.#misconfigured(
        `bad parameter value syntax for command_execution_directory: ${options.executionDirectory}`,
      );
    }
    const job: CommandJob = {
      ...commandLine(command, options.shell),
      uid: rights.uid,
      gid: rights.gid,
      ...place,
      environment: { ...options.environment, ...this.#environment(names, to, request.message.sender) },
      timeLimitMilliseconds: options.timeLimitMilliseconds,
      fileLimit: options.limit,
    };
    const outcome = await this.#withContent('command', to, request, (content) =>
      commands.run(job, content, request.signal),
    );
    if (outcome.kind === 'ended') return commandOutcome(outcome, command, `delivered to command: ${command}`);
    this.#parts.warn(`cannot run ${command}: ${outcome.text}`);
    // What Postfix's child says before it ends with EX_TEMPFAIL.
    const said = `. Command output: local: fatal: execvp ${job.argv[0]}: ${capitalized(outcome.text)}`;
    const isOfProgram = outcome.code.startsWith('E');
    return { kind: 'deferred', status: '4.3.0', reason: `temporary failure${isOfProgram ? said : ''}` };
  }

  #names({ recipient }: ActionRecipient, account: Account | undefined): Record<string, string | undefined> {
    const address = toInternal(recipient);
    const local = fold(localpartOf(address));
    const split = splitExtension(local, this.#parts.options.extensions);
    const extension = split === undefined || split.extension.includes('/') ? '' : split.extension;
    return {
      recipient: address,
      local,
      user: split?.bare ?? local,
      domain: fold(domainOf(address)),
      extension: extension === '' ? undefined : extension.slice(1),
      recipient_delimiter: extension === '' ? undefined : extension.slice(0, 1),
      home: account?.home,
      shell: account?.shell,
    };
  }

  /** Undefined where it cannot be expanded. */
  #directory(names: Readonly<Record<string, string | undefined>>) {
    const { executionDirectory, executionDirectoryFilter, usualDirectory } = this.#parts.options;
    if (executionDirectory === '') return { directory: usualDirectory };
    try {
      const directory = expandMacros(executionDirectory, filtered(names, executionDirectoryFilter), false);
      return directory === undefined ? undefined : { directory, mustEnterDirectory: true };
    } catch {
      return undefined;
    }
  }

  /** local(8), EXTERNAL COMMAND DELIVERY; who the client was is not kept with the message. */
  #environment(
    names: Readonly<Record<string, string | undefined>>,
    { original }: ActionRecipient,
    sender: string,
  ): Record<string, string> {
    const all: Record<string, string | undefined> = {
      HOME: names['home'],
      LOGNAME: names['user'],
      USER: names['user'],
      SHELL: names['shell'],
      SENDER: toInternal(sender),
      RECIPIENT: names['recipient'],
      LOCAL: names['local'],
      DOMAIN: names['domain'] === '' ? undefined : names['domain'],
      EXTENSION: names['extension'],
      ORIGINAL_RECIPIENT: original === '' ? undefined : toInternal(original),
    };
    const clean = filtered(all, this.#parts.options.environmentFilter);
    return Object.fromEntries(
      Object.entries(clean).filter((entry): entry is [string, string] => entry[1] !== undefined),
    );
  }

  // ---- content

  /** As Postfix's mail_copy(): an mbox begins with a `From ` line, and so does what a command reads. */
  async #withContent<Outcome>(
    form: Form,
    to: ActionRecipient,
    { message, openContent }: DeliveryRequest,
    use: (content: Content & AsyncIterable<Uint8Array>) => Promise<Outcome>,
  ): Promise<Outcome> {
    const { options, clock } = this.#parts;
    const isNaming = options.deliveredHeaders.has(form === 'command' ? 'command' : 'file') && to.delivered !== '';
    const fields = [
      `Return-Path: <${message.sender}>`,
      ...(options.showsOriginals && to.original !== '' ? [`X-Original-To: ${to.original}`] : []),
      ...(isNaming ? [`Delivered-To: ${to.delivered}`] : []),
    ];
    const first = form === 'maildir' ? '' : `${mboxFromLine(message.sender, new Date(clock.now()))}\n`;
    const stored = new StoredForm({ quotesFrom: form === 'mbox', endsEmpty: form === 'mbox' });
    const reader = openContent();
    try {
      return await use(storedContent(reader, stored, { first, fields: Buffer.from(`${fields.join('\r\n')}\r\n`) }));
    } finally {
      await reader.close();
    }
  }
}

/** What the filter does not name becomes an underscore, in every value. */
function filtered(
  names: Readonly<Record<string, string | undefined>>,
  allowed: string,
): Record<string, string | undefined> {
  const clean = (text: string): string => text.replaceAll(/./gsu, (one) => (allowed.includes(one) ? one : '_'));
  return Object.fromEntries(
    Object.entries(names).map(([name, value]) => [name, value === undefined ? undefined : clean(value)]),
  );
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

function capitalized(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
