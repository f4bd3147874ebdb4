// What delivers: one agent per master.cf command (delivery/), seen from the queue. An agent says for every recipient what
// became of it. Doubt is `deferred`; an agent that throws has deferred them all.

import type { DestinationLimits } from './destination.ts';
import type { SlotLimits } from './transport-slots.ts';
import type { ContentReader, LedgerEntry, MailboxDelivery, QueueMessage, QueueRecipient } from '../mailstore/types.ts';
import type { DeliveryOutcome } from './types.ts';

export interface DeliveryRequest {
  readonly message: QueueMessage;
  /** The transport's name and what it was given as next hop. */
  readonly transport: string;
  readonly nexthop: string;
  readonly recipients: readonly QueueRecipient[];
  /** The message; whoever opens it closes it. */
  openContent(): ContentReader;
  /** An attempt before may have delivered without a record of it: the server was killed. */
  readonly mayBeRepeated: boolean;
  /** The server stops, or others wait for the slot: end what can be ended. */
  readonly signal: AbortSignal;
  /** To be called when the other side is ready for mail: nobody waits for the slot of such a delivery. */
  readonly onAnswer?: () => void;
}

export type RecipientOutcome = DeliveryOutcome & {
  /** Remote-MTA and Diagnostic-Code of a report: the server, and its reply. */
  readonly remoteMta?: string;
  readonly diagnostic?: string;
  /** Which message of a kept connection this was (conn_use in the log); absent: the first. */
  readonly connectionUse?: number;
  /** True: handed to a system that gives no delivery reports. False: it gives them. Absent: this was the end of the way. */
  readonly relayed?: boolean;
  /** Taken and thrown away, as a rule wants it. */
  readonly discarded?: true;
};

/** Mail that a delivery makes of a message: the message sent on, or a reply to it. */
export interface Forward {
  /** The new envelope sender (an alias's owner); absent: the message's own. */
  readonly sender?: string;
  /** For the Delivered-To field in front; absent: none. */
  readonly deliveredTo?: string;
  readonly recipients: readonly ForwardRecipient[];
  /** The first `length` octets of the message are replaced; absent: it is sent on as it is. */
  readonly replaced?: { readonly length: number; readonly by: Uint8Array };
  /** A list's: every final recipient gets one copy, whoever leads there, and no vacation answers it. */
  readonly isForMany?: true;
  /** Whether it needs SMTPUTF8; absent: as the message does. */
  readonly needsUtf8?: boolean;
  /** A reply: not made where one stands in the ledger. */
  readonly ledger?: LedgerEntry;
}

export interface ForwardRecipient {
  readonly address: string;
  readonly original: string;
  readonly notify: string;
  readonly orcpt: string;
  /** Where it goes; absent: where routing says. With `end` the transport has that left to do (end-row.ts). */
  readonly destination?: { readonly transport: string; readonly nexthop: string; readonly end?: string };
}

export interface DeliveryReport {
  /** In step with the request's recipients. */
  readonly outcomes: readonly RecipientOutcome[];
  /** Copies in local mailboxes, made in the transaction that records the outcomes. */
  readonly copies?: readonly MailboxDelivery[];
  /** New messages, made in the same transaction. */
  readonly forwards?: readonly Forward[];
  /** No server of the destination could be talked to: there will be fewer attempts at a time. */
  readonly unreachable?: boolean;
  readonly setupMilliseconds?: number;
  readonly transferMilliseconds?: number;
}

export interface DeliveryAgent {
  deliver(request: DeliveryRequest): Promise<DeliveryReport>;
  /** No more deliveries come: ends what is kept between them. */
  close?(): Promise<void>;
  /** Whether mail would be taken. Absent: it would, as far as anybody can know without delivering. */
  readonly probe?: RecipientProbe;
}

/** Finds out without delivering anything (verify(8)). */
export interface RecipientProbe {
  /** Another server is asked; else the answer is this server's own. */
  readonly asksOthers: boolean;
  /** One outcome: `delivered` is "would be". */
  ask(request: ProbeRequest): Promise<DeliveryReport>;
}

export interface ProbeRequest {
  /** address_verify_sender. */
  readonly sender: string;
  readonly recipient: string;
  readonly original: string;
  readonly transport: string;
  readonly nexthop: string;
  readonly signal: AbortSignal;
}

/** A service of master.cf that delivers, with the limits of its parameters. */
export interface Transport extends DestinationLimits, SlotLimits {
  readonly name: string;
  /** For the log: `postfix/smtp`. */
  readonly program: string;
  readonly agent: DeliveryAgent;
  readonly recipientLimit: number;
  /** TRANSPORT_transport_rate_delay: the pause between two deliveries, whatever their destinations. */
  readonly transportRateDelayMilliseconds: number;
  /** Local mailboxes: all recipients of a message go together, whatever their domain, so that a mailbox gets one copy. */
  readonly isMailstore: boolean;
}

export interface TransportTable {
  find(name: string): Transport | undefined;
}
