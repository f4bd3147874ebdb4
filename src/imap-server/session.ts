// One client's conversation (RFC 3501 §3): its state, the loop that reads commands, and the replies. What commands do
// stands in commands/; what has changed in the selected folder is told between commands by announce.ts.
//
// Commands run one after another. A session ends by its client (LOGOUT, or gone), by a limit (BYE), or by a fault of ours,
// which costs the connection, never the server.

import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { type ChannelBinding, TlsChannelBinding } from '../auth/channel-binding.ts';
import { commands, type Command } from './commands.ts';
import type { CommandName, ParsedCommand } from '../imap/parse-command.ts';
import { parseCommand } from '../imap/parse-command.ts';
import { ImapSyntaxError } from '../imap/syntax-error.ts';
import type { FolderRow } from '../mailstore/types.ts';
import { announceChanges } from './announce.ts';
import { capabilityText } from './capabilities.ts';
import { LiteralTooLargeError, readCommandBytes } from './command-reader.ts';
import { ConnectionInput, LineTooLongError } from './input.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import { LoginLog } from './login-log.ts';
import { ConnectionOutput } from './output.ts';
import { ConnectionEndedError, ImapRefusal, toRefusal } from './refusal.ts';
import { SelectedFolder } from './selected-folder.ts';
import type { ServerContext, SessionContext, SessionUser } from './session-context.ts';

export interface SessionConnection {
  readonly socket: Socket;
  readonly log: LoginLog;
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly isTls: boolean;
  /** Begins TLS on the plain connection; undefined where no certificate is there. */
  readonly upgrade: ((socket: Socket) => Promise<Socket>) | undefined;
}

/** RFC 3501 leaves it open; a client that sends this much nonsense is no IMAP client. */
const maxBadCommands = 20;
const maxBadCommandsBeforeLogin = 3;
/** How long a client may take for the last octets. */
const lingerMilliseconds = 1000;
/** Dovecot's imap_idle_notify_interval: keeps NAT entries alive. */
const idleNoticeMilliseconds = 2 * 60_000;

export class Session implements SessionContext {
  readonly server: ServerContext;
  readonly input = new ConnectionInput();
  readonly output = new ConnectionOutput();
  readonly log: LoginLog;
  readonly remoteAddress: string;
  readonly counters = { deleted: 0, expunged: 0, headerCount: 0, headerOctets: 0, bodyCount: 0, bodyOctets: 0 };
  isTls: boolean;
  user: SessionUser | undefined;
  selected: SelectedFolder | undefined;
  isCondstoreEnabled = false;
  isIdle = false;
  readonly #connection: SessionConnection;
  readonly #limits: ConnectionLimits;
  readonly #startedAt: number;
  #socket: Socket;
  #lastActivity: number;
  #lastTraffic = 0;
  #lastNotice: number;
  #blockedSince: number | undefined;
  #badCommands = 0;
  #attempts = 0;
  #attemptedLogin = '';
  #attemptedMethod: string | undefined;
  #endReason = 'Connection closed';
  #hasEnded = false;
  #announcing: Promise<void> | undefined;

  constructor(server: ServerContext, connection: SessionConnection, limits: ConnectionLimits) {
    this.server = server;
    this.#connection = connection;
    this.#limits = limits;
    this.log = connection.log;
    this.remoteAddress = connection.remoteAddress;
    this.isTls = connection.isTls;
    this.#socket = connection.socket;
    this.#startedAt = server.clock.monotonic();
    this.#lastActivity = this.#startedAt;
    this.#lastNotice = this.#startedAt;
    this.#attach(connection.socket);
  }

  get localAddress(): string {
    return this.#connection.localAddress;
  }

  get channel(): ChannelBinding | undefined {
    return this.#socket instanceof TLSSocket ? new TlsChannelBinding(this.#socket) : undefined;
  }

  get canStartTls(): boolean {
    return !this.isTls && this.#connection.upgrade !== undefined;
  }

  get mayUsePassword(): boolean {
    const { remoteAddress, localAddress } = this.#connection;
    return this.isTls || remoteAddress === localAddress || !this.server.options.disablePlaintextAuth;
  }

  /** The whole conversation; resolves when the connection is over, never rejects. */
  async run(): Promise<void> {
    try {
      this.output.line(`* OK [CAPABILITY ${capabilityText(this)}] Posthaste ready.`);
      this.output.flush();
      // After a BYE from our side nothing that is still buffered is run.
      while (!this.#hasEnded) await this.#command();
    } catch (error) {
      this.#endedBy(error);
    } finally {
      this.#finish();
    }
  }

  /** Ends the session from outside: the server stops, or the folder is gone. */
  end(text: string, logReason: string): void {
    if (this.#hasEnded) return;
    this.#endReason = logReason;
    this.output.line(`* BYE ${text}`);
    this.#close();
  }

  /** Called about every second: time limits and the notice that keeps an IDLE connection open. */
  checkTime(): void {
    const now = this.server.clock.monotonic();
    const traffic = this.input.received + this.output.sent;
    if (traffic !== this.#lastTraffic) this.#lastActivity = now;
    this.#lastTraffic = traffic;
    const { loginTimeoutMilliseconds, idleTimeoutMilliseconds, writeTimeoutMilliseconds } = this.server.options;
    this.#blockedSince = this.output.isBlocked ? (this.#blockedSince ?? now) : undefined;
    if (this.#blockedSince !== undefined && now - this.#blockedSince > writeTimeoutMilliseconds) {
      this.#endReason = 'Disconnected for not reading';
      this.#socket.destroy();
    } else if (
      this.user === undefined
        ? now - this.#startedAt > loginTimeoutMilliseconds
        : now - this.#lastActivity > idleTimeoutMilliseconds
    ) {
      this.end('Disconnected for inactivity.', this.user === undefined ? 'Inactivity' : 'Disconnected for inactivity');
    } else if (this.isIdle && now - this.#lastNotice > idleNoticeMilliseconds && !this.output.isBlocked) {
      this.#lastNotice = now;
      this.output.line('* OK Still here');
      this.output.flush();
    }
  }

  authFailed(login: string, method: string): boolean {
    this.#attempts++;
    this.#attemptedLogin = login;
    this.#attemptedMethod = method;
    return this.#attempts >= this.server.options.maxAuthAttempts;
  }

  logIn(user: SessionUser, method: string): boolean {
    if (!this.#limits.loggedIn(user.mailboxId, this.remoteAddress)) return false;
    this.user = user;
    this.#badCommands = 0;
    this.log.loggedIn(user.login, method, this.isTls);
    return true;
  }

  async #startTls(): Promise<void> {
    const { upgrade } = this.#connection;
    if (upgrade === undefined) return;
    this.output.flush();
    // Commands sent before the handshake are forgotten, never run as if they had been encrypted.
    this.input.detach();
    const secure = await upgrade(this.#socket).catch((error: unknown) => {
      throw new ConnectionEndedError(String(error));
    });
    this.isTls = true;
    this.#attach(secure);
  }

  async select(folder: FolderRow, isReadOnly: boolean): Promise<SelectedFolder> {
    this.unselect();
    const view = await this.server.views.acquire(folder);
    if (this.#hasEnded) {
      this.server.views.release(view);
      throw new ConnectionEndedError('connection closed');
    }
    this.selected = new SelectedFolder(view, folder.name, isReadOnly, () => this.#onFolderChange());
    return this.selected;
  }

  unselect(): void {
    if (this.selected === undefined) return;
    this.selected.close();
    this.server.views.release(this.selected.view);
    this.selected = undefined;
  }

  async announce(keepNumbers: boolean): Promise<void> {
    await this.#announcing;
    if (this.selected !== undefined) await announceChanges(this, this.selected, keepNumbers);
  }

  bye(text: string, logReason: string): never {
    this.end(text, logReason);
    throw new ConnectionEndedError(logReason);
  }

  #attach(socket: Socket): void {
    this.#socket = socket;
    this.input.attach(socket);
    this.output.attach(socket);
    socket.on('error', (error) => {
      this.#endReason = `Connection closed: ${error.message}`;
      this.#gone();
    });
    socket.on('end', () => this.input.end());
    socket.on('close', () => this.#gone());
  }

  #gone(): void {
    this.input.end();
    this.output.end();
  }

  async #command(): Promise<void> {
    const limits = { maxLineLength: this.server.options.maxLineLength, isLoggedIn: this.user !== undefined };
    let parsed: ParsedCommand;
    try {
      parsed = parseCommand(await readCommandBytes(this.input, this.output, limits));
    } catch (error) {
      if (!(error instanceof ImapSyntaxError)) throw error;
      this.output.line(`${error.tag ?? '*'} BAD Error in IMAP command: ${error.message}.`);
      this.output.flush();
      this.#countBadCommand();
      return;
    }
    await this.#execute(parsed);
    this.output.flush();
    if (this.output.isBlocked) await this.output.ready();
  }

  async #execute<Name extends CommandName>(parsed: ParsedCommand<Name>): Promise<void> {
    const { tag, name } = parsed;
    const command: Command<Name> = commands[name];
    try {
      this.#checkState(command);
      const text = await command.run(this, parsed.arguments);
      if (command.announces === undefined) await this.announce(command.keepsNumbers ?? false);
      this.output.line(`${tag} OK ${text}`);
      if (name === 'STARTTLS') await this.#startTls();
      if (name === 'LOGOUT') {
        this.#endReason = 'Logged out';
        throw new ConnectionEndedError('logged out');
      }
    } catch (error) {
      const refusal = toRefusal(error);
      if (refusal === undefined) {
        if (!(error instanceof ConnectionEndedError)) this.output.line(`${tag} NO [SERVERBUG] Internal error.`);
        throw error;
      }
      if (this.selected !== undefined) await this.announce(command.keepsNumbers ?? false);
      const code = refusal.code === '' ? '' : `[${refusal.code}] `;
      this.output.line(`${tag} ${refusal.status} ${code}${refusal.message}`);
      if (refusal.status === 'BAD') this.#countBadCommand();
    }
  }

  #checkState<Name extends CommandName>(command: Command<Name>): void {
    switch (command.state) {
      case 'any':
        return;
      case 'not-authenticated':
        if (this.user !== undefined) throw new ImapRefusal('BAD', '', 'Already logged in.');
        return;
      case 'authenticated':
        if (this.user === undefined) throw new ImapRefusal('BAD', '', 'Log in first.');
        return;
      case 'selected':
        if (this.selected === undefined) throw new ImapRefusal('BAD', '', 'No mailbox selected.');
    }
  }

  #countBadCommand(): void {
    this.#badCommands++;
    const limit = this.user === undefined ? maxBadCommandsBeforeLogin : maxBadCommands;
    if (this.#badCommands >= limit) this.bye('Too many invalid IMAP commands.', 'Too many invalid commands');
  }

  /** The store has changed the selected folder: an IDLE client hears it at once. */
  #onFolderChange(): void {
    const { selected } = this;
    if (selected?.view.isGone) {
      this.end('Mailbox was deleted.', 'Mailbox was deleted');
      return;
    }
    if (!this.isIdle || selected === undefined || !selected.hasNews || this.#announcing !== undefined) return;
    this.#announcing = this.#push(selected);
  }

  async #push(selected: SelectedFolder): Promise<void> {
    try {
      while (this.isIdle && selected.hasNews) {
        const announced = announceChanges(this, selected, false);
        this.output.flush();
        await announced;
        this.output.flush();
        await this.output.ready();
      }
    } catch (error) {
      if (!(error instanceof ConnectionEndedError)) this.#endedBy(error);
      this.#close();
    } finally {
      this.#announcing = undefined;
    }
  }

  #endedBy(error: unknown): void {
    if (error instanceof ConnectionEndedError) return;
    if (error instanceof LineTooLongError) {
      this.output.line('* BYE Too long command line.');
      this.#endReason = 'Too long command line';
    } else if (error instanceof LiteralTooLargeError) {
      this.output.line('* BYE Too large literal.');
      this.#endReason = 'Too large literal';
    } else {
      this.output.line('* BYE Internal error.');
      this.#endReason = 'Internal error';
      this.log.error(this.user?.login ?? '', error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
  }

  #close(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.output.flush();
    this.input.end();
    this.#socket.end();
    // A client that neither reads nor closes must not keep the socket.
    const socket = this.#socket;
    setTimeout(() => socket.destroy(), lingerMilliseconds).unref();
  }

  #finish(): void {
    this.#close();
    this.output.end();
    this.unselect();
    if (this.user === undefined) {
      this.#logNotLoggedIn();
      return;
    }
    this.#limits.loggedOut(this.user.mailboxId, this.remoteAddress);
    const reason = this.#endReason === 'Logged out' ? 'Logged out' : `Disconnected: ${this.#endReason}`;
    this.log.ended(this.user.login, reason, {
      received: this.input.received,
      sent: this.output.sent,
      ...this.counters,
    });
  }

  #logNotLoggedIn(): void {
    const seconds = Math.round((this.server.clock.monotonic() - this.#startedAt) / 1000);
    const why =
      this.#attempts > 0
        ? `auth failed, ${this.#attempts} attempts in ${seconds} secs`
        : `no auth attempts in ${seconds} secs`;
    const reason =
      this.#attempts > 0 || this.#endReason === 'Connection closed' || this.#endReason === 'Logged out'
        ? ''
        : this.#endReason;
    this.log.notLoggedIn(reason, why, this.#attemptedLogin, this.#attemptedMethod, this.isTls);
  }
}
