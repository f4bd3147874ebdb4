// What access tables and policy services have ordered for one message (Postfix access(5), OTHER ACTIONS): gathered by
// the restrictions of its transaction, carried out when the message is complete. A refusal undoes none of it: the
// next recipient of the same transaction is still held, copied or redirected, as in Postfix.

export interface MessageActions {
  /** HOLD: kept in the queue until somebody releases it. */
  isHeld: boolean;
  /** DISCARD: acknowledged and forgotten; no further restriction is asked. */
  isDiscarded: boolean;
  /** FILTER: goes through `transport:nexthop`; the last one wins. */
  filter: string | undefined;
  /** REDIRECT: goes there instead of to its recipients; the last one wins. */
  redirect: string | undefined;
  /** BCC: goes there as well. */
  readonly bcc: string[];
  /** PREPEND: header fields to put first, in the order of their orders. */
  readonly prepended: string[];
  /** What the DNS said in this transaction: each question is asked once. */
  readonly dnsAnswers: Map<string, Promise<unknown>>;
}

/** Orders that a stranger's commands can add to are bounded: beyond this they are not remembered. */
const maxOrders = 1000;

export function noActions(): MessageActions {
  return {
    isHeld: false,
    isDiscarded: false,
    filter: undefined,
    redirect: undefined,
    bcc: [],
    prepended: [],
    dnsAnswers: new Map(),
  };
}

export function addOrder(orders: string[], order: string): void {
  if (orders.length < maxOrders) orders.push(order);
}

/** Makes `kept` what `actions` has become. */
export function keepOrders(kept: MessageActions, actions: MessageActions): void {
  kept.isHeld = actions.isHeld;
  kept.isDiscarded = actions.isDiscarded;
  kept.filter = actions.filter;
  kept.redirect = actions.redirect;
  kept.bcc.splice(0, kept.bcc.length, ...actions.bcc);
  kept.prepended.splice(0, kept.prepended.length, ...actions.prepended);
}
