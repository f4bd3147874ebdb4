// Is a client let in, and with which rights (client-rights.ts of access)? Asked at the connection, and again when XCLIENT
// has changed who the client is. Where nothing waits for RCPT (smtpd_delay_reject = no) a client may be refused in
// place of the greeting: then only QUIT is left to it (RFC 5321 §3.1).

import type { ClientRights } from '../access/client-rights.ts';
import type { SmtpReply } from '../smtp/reply.ts';
import type { Conversation } from './conversation.ts';
import { SessionFilters } from './filters.ts';

export class Admission {
  readonly #session: Conversation;
  #isDenied = false;
  #rights: ClientRights = {
    mayUseXclient: false,
    mayUseXforward: false,
    maySendBareLineFeeds: false,
    isAuthHidden: false,
  };

  constructor(session: Conversation) {
    this.#session = session;
  }

  get rights(): ClientRights {
    return this.#rights;
  }

  get isDenied(): boolean {
    return this.#isDenied;
  }

  /** The greeting: the banner, or the refusal. */
  async admit(): Promise<SmtpReply> {
    const { parts, asker } = this.#session;
    this.#grant(await parts.policy.clientRights(asker));
    return await this.#greeting();
  }

  async readmit(): Promise<SmtpReply> {
    const { parts, asker } = this.#session;
    // XFORWARD goes by who has connected, XCLIENT by who that is now.
    const { mayUseXforward } = this.#rights;
    this.#grant({ ...(await parts.policy.clientRights(asker)), mayUseXforward });
    return await this.#greeting();
  }

  #grant(rights: ClientRights): void {
    this.#rights = rights;
    this.#session.wire.takesBareLineFeeds = rights.maySendBareLineFeeds;
  }

  /** Filters hear of the client, anew where XCLIENT has changed who it is. */
  async #filtered(): Promise<SmtpReply | undefined> {
    const session = this.#session;
    session.filters?.close();
    session.filters = SessionFilters.of(session);
    const refusal = await session.filters?.connect();
    // The client may have gone meanwhile: nobody else would say goodbye to the filters.
    if (session.isOver) session.filters?.close();
    return refusal;
  }

  async #greeting(): Promise<SmtpReply> {
    const { parts, options, asker, where } = this.#session;
    const refusal = parts.policy.isDelayed ? undefined : await parts.policy.checkClient(asker, where);
    if (refusal === undefined) return (await this.#filtered()) ?? { code: 220, status: '', text: options.banner };
    this.#isDenied = true;
    this.#session.logReject(where, refusal, {});
    return refusal;
  }
}
