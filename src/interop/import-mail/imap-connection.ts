// A connection to the IMAP server that mail is fetched from: verified TLS, no command that changes anything (EXAMINE, and
// BODY.PEEK only), and a new connection when the old one is cut, going on with the folder that was open.

import { setTimeout as sleep } from 'node:timers/promises';
import { ImapFlow, type ImapFlowOptions } from 'imapflow';
import { TemporaryError } from '../../lib/temporary-error.ts';

export interface ImapAccount {
  readonly host: string;
  readonly port: number;
  /** From the first octet; otherwise STARTTLS is demanded. */
  readonly implicitTls: boolean;
  /** No TLS at all: only to this machine itself. */
  readonly isPlain?: boolean | undefined;
  readonly user: string;
  readonly password: string;
  /** Logs in with `password` and reads the mail of `user` (SASL PLAIN's authorization identity, RFC 4616). */
  readonly masterUser?: string | undefined;
  /** Certificates of authorities that are trusted beside those of the system, as PEM. */
  readonly authorities?: readonly string[] | undefined;
}

/** The server said no; to ask again is of no use. */
export class ImapRefused extends Error {
  override name = 'ImapRefused';
}

const waitsSeconds = [0.5, 2, 5, 10, 20];
const readTimeoutMilliseconds = 120_000;
/** Larger pieces are never asked for (imap-source.ts). */
const maxLiteralBytes = 64 * 1024 * 1024;

export class ImapConnection {
  readonly #account: ImapAccount;
  #client: ImapFlow | undefined;
  #wasConnected = false;
  #folder: { readonly path: string; readonly uidValidity: bigint } | undefined;

  constructor(account: ImapAccount) {
    this.#account = account;
  }

  /** Opens a folder for reading. */
  async examine(path: string): Promise<{ uidValidity: number; uidNext: number; count: number }> {
    this.#folder = undefined;
    const mailbox = await this.run((client) => client.mailboxOpen(path, { readOnly: true }));
    this.#folder = { path, uidValidity: mailbox.uidValidity };
    return { uidValidity: Number(mailbox.uidValidity), uidNext: mailbox.uidNext, count: mailbox.exists };
  }

  /** Does something that may be done twice; after a cut again, on a new connection. */
  async run<T>(work: (client: ImapFlow) => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await work(await this.#connected());
      } catch (error) {
        const isCut = this.#client === undefined || !this.#client.usable;
        // Where nobody answers at all the name is wrong, more likely than not.
        const seconds = this.#wasConnected ? waitsSeconds[attempt] : undefined;
        if (error instanceof ImapRefused || error instanceof TemporaryError) throw error;
        if (!isCut) throw new ImapRefused(`${this.#account.host}: ${wordsOf(error)}${this.#hintFor(error)}`);
        this.#drop();
        if (seconds === undefined) {
          throw new TemporaryError(
            `${this.#account.host} cannot be reached (${wordsOf(error)}): run this again later, it goes on where it was`,
          );
        }
        await sleep(seconds * 1000);
      }
    }
  }

  /** Everybody has an INBOX; a master user of Dovecot's sees what the ACLs of its owner give him. */
  #hintFor(error: unknown): string {
    const { user, masterUser } = this.#account;
    if ((masterUser === undefined && !user.includes('*')) || !/doesn't exist: INBOX\b/.test(wordsOf(error))) return '';
    return ': ACLs may hide it from a master user: with Dovecot, set acl_user = %u in its block plugin';
  }

  async #connected(): Promise<ImapFlow> {
    if (this.#client?.usable) return this.#client;
    this.#drop();
    const client = new ImapFlow(this.#options());
    // What a waiting command is told is enough.
    client.on('error', () => undefined);
    try {
      await client.connect();
    } catch (error) {
      client.close();
      throw this.#explain(error);
    }
    this.#client = client;
    this.#wasConnected = true;
    if (this.#folder !== undefined) await this.#reopen(client, this.#folder);
    return client;
  }

  #options(): ImapFlowOptions {
    const { host, port, implicitTls, isPlain = false, user, password, masterUser, authorities } = this.#account;
    return {
      host,
      port,
      secure: implicitTls && !isPlain,
      ...(implicitTls ? {} : { doSTARTTLS: !isPlain }),
      auth: masterUser === undefined ? { user, pass: password } : { user: masterUser, pass: password, authzid: user },
      tls: {
        minVersion: 'TLSv1.2',
        rejectUnauthorized: true,
        ...(authorities === undefined ? {} : { ca: [...authorities] }),
      },
      logger: false,
      disableAutoIdle: true,
      disableAutoEnable: true,
      socketTimeout: readTimeoutMilliseconds,
      maxLiteralSize: maxLiteralBytes,
      maxLockHoldTime: false,
    };
  }

  #explain(error: unknown): unknown {
    const {
      authenticationFailed,
      response,
      code = '',
    } = error as {
      authenticationFailed?: boolean;
      response?: string;
      code?: string;
    };
    const { host, user } = this.#account;
    if (authenticationFailed === true) {
      return new ImapRefused(`${host} does not let ${user} in: ${(response ?? wordsOf(error)).slice(0, 200)}`);
    }
    if (/CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|DEPTH_ZERO/.test(code)) {
      return new ImapRefused(
        `the certificate of ${host} cannot be trusted (${code}): name its authority with --ca FILE`,
      );
    }
    if (/STARTTLS/i.test(wordsOf(error))) return new ImapRefused(`${host} has no STARTTLS: use imaps://${host}`);
    return error;
  }

  async #reopen(client: ImapFlow, { path, uidValidity }: { path: string; uidValidity: bigint }): Promise<void> {
    const mailbox = await client.mailboxOpen(path, { readOnly: true });
    if (mailbox.uidValidity === uidValidity) return;
    throw new TemporaryError(`${path} has become another folder meanwhile: run this again`);
  }

  #drop(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  async close(): Promise<void> {
    if (this.#client?.usable) await this.#client.logout().catch(() => undefined);
    this.#drop();
  }
}

function wordsOf(error: unknown): string {
  const { responseText, message = String(error) } = error as { responseText?: string; message?: string };
  return (responseText ?? message).slice(0, 300);
}
