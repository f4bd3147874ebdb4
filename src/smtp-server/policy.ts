// The questions that a session asks, as it asks them: who may send, to whom, and under which limits.
// Implemented by the access folder (and by small stand-ins in tests): the interface lives with its caller.

import type { ClientRights } from '../access/client-rights.ts';
import type { CommandFilter } from '../access/command-filter.ts';
import type { ContentChecks } from '../access/content-checks.ts';
import type { MailRequest, RecipientEnvelope } from '../access/mail-request.ts';
import type { FieldRewriter } from '../routing/header-rewriting.ts';
import type { AddressHandling, Client, Delivery, RecipientDecision, Reply, TraceSink } from '../routing/types.ts';

export interface SmtpPolicy {
  /** smtpd_delay_reject: checkClient and checkHelo need not be asked. */
  readonly isDelayed: boolean;
  /** smtpd_reject_footer; absent: none. */
  readonly footer?: {
    readonly isEmpty: boolean;
    addTo(refusal: Reply, request: MailRequest, now: number): Promise<Reply>;
  };
  /** smtpd_command_filter; absent: none. */
  readonly commandFilter?: CommandFilter;
  /** header_checks and its kin; absent: none. */
  readonly contentChecks?: ContentChecks;
  clientRights(client: Client): Promise<ClientRights>;
  /** smtpd_sasl_mechanism_filter. */
  allowsMechanism(name: string): Promise<boolean>;
  /** Asked at the connection. undefined: nothing against this client so far; so with all below. */
  checkClient(client: Client, where: string): Promise<Reply | undefined>;
  checkHelo(client: Client, where: string): Promise<Reply | undefined>;
  /** Asked at MAIL. */
  checkSender(
    sender: string,
    client: Client,
    trace?: TraceSink,
    request?: Partial<MailRequest>,
  ): Promise<Reply | undefined>;
  /** Where it is worthwhile, envelopes have their own `ahead`; absent: it never is. */
  readonly ahead?: { readonly isWorthwhile: boolean };
  /** Asked at RCPT. Throws TemporaryError where a table could not be asked. */
  checkRecipient(recipient: string, envelope: RecipientEnvelope): Promise<RecipientDecision>;
  checkData(request: MailRequest): Promise<Reply | undefined>;
  checkEndOfData(request: MailRequest): Promise<Reply | undefined>;
  checkEtrn(domain: string, client: Client): Promise<Reply | undefined>;
  /** fast_flush_domains. Throws TemporaryError. */
  isFlushedSite(site: string): Promise<boolean>;
  /** Where an address goes that an access table has ordered. Throws TemporaryError. */
  routeOrdered(address: string, sender: string, order: 'bcc' | 'redirect'): Promise<readonly Delivery[]>;
  /** What this service does to addresses; absent: everything. */
  readonly handling?: AddressHandling;
  /** Rewrites the header fields of clients of our own (`local`), or of strangers where that is asked for. */
  fieldRewriter?(context: 'local' | 'remote'): FieldRewriter | undefined;
  /** The sender as the queue will keep it. Throws TemporaryError. */
  envelopeSender?(sender: string): Promise<string>;
  /** Whether a table of local_header_rewrite_clients lists the address. Throws TemporaryError. */
  isHeaderClient?(address: string): Promise<boolean>;
}
